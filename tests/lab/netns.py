"""Two network namespaces joined by a veth: the client's, which also has mounts of its own, and the servers'.

Each is kept open by a process that sleeps; ``nsenter`` gets into them. An ordinary user gets there by way of a user
namespace in which he is root and has the ids of ``/etc/subuid``.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.layout import CLIENT_V4, CLIENT_V6, NET_V4, NET_V6, SERVER_V4, SERVER_V6

START_LIMIT = 5.0  # seconds for a holder to have its namespaces
ROOTLESS = os.geteuid() != 0


def namespace_of(pid: int | str) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def hold(command: list[str], tag: dict[str, str]) -> int:
    """Start a holder; returns once it is in its own network namespace."""
    holder = subprocess.Popen(
        [*command, "sleep", "infinity"],
        env=os.environ | tag,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until and holder.poll() is None:
        # unshare becomes sleep once all is in place, id maps included
        if Path(f"/proc/{holder.pid}/comm").read_text().strip() == "sleep":
            return holder.pid
        time.sleep(0.005)
    holder.kill()
    message = holder.communicate()[1].strip()
    raise RuntimeError(f"no namespaces for the lab: {' '.join(command)}: {message or 'no answer'}")


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Process ids of the holders, and the network namespaces by their kernel names (``net:[4026532...]``)."""

    client: int
    server: int
    nets: tuple[str, str]

    @classmethod
    def make(cls, tag: dict[str, str]) -> "Namespaces":
        """Start both holders with ``tag`` in their environment and join them by a veth."""
        user = ["-U", "--map-root-user", "--map-auto"] if ROOTLESS else []
        client = hold(["unshare", *user, "-n", "-m", "--propagation", "private", "--"], tag)
        inside = ["nsenter", "-t", str(client), "-U", "--preserve-credentials", "--"] if ROOTLESS else []
        server = hold([*inside, "unshare", "-n", "-m", "--propagation", "private", "--"], tag)
        return cls(client, server, (namespace_of(client), namespace_of(server)))

    def enter(self, pid: int) -> list[str]:
        """Return the command prefix that runs a command in the namespaces of ``pid``."""
        user = ["-U", "--preserve-credentials"] if ROOTLESS else []
        return ["nsenter", "-t", str(pid), *user, "-n", "-m", "--"]

    def shell(self, pid: int, script: str) -> None:
        """Run a shell script as the lab's root; raises CalledProcessError with what it printed."""
        subprocess.run([*self.enter(pid), "sh", "-ec", script], check=True, capture_output=True, text=True)

    def link(self, blackholes: tuple[str, ...]) -> None:
        """Create the veth and the routes.

        The servers' side has local routes for whole networks, so every address in them can be listened on; the two
        ends of the veth are taken out of them again, and so are ``blackholes``, which swallow what is sent to them.
        """
        self.shell(
            self.client,
            f"""ip link set lo up
            ip link add lab0 type veth peer name lab1 netns {self.server}
            ip addr add {CLIENT_V4}/30 dev lab0
            ip addr add {CLIENT_V6}/64 dev lab0 nodad
            ip link set lab0 up""",
        )
        holes = "\n".join(
            f"ip {'-6' if ':' in address else '-4'} route add blackhole {address} table local" for address in blackholes
        )
        self.shell(
            self.server,
            f"""ip link set lo up
            ip addr add {SERVER_V4}/30 dev lab1
            ip addr add {SERVER_V6}/64 dev lab1 nodad
            ip link set lab1 up
            ip route add local {NET_V4} dev lo
            ip route add unicast {CLIENT_V4} dev lab1 table local
            ip -6 route add local {NET_V6} dev lo
            {holes}""",
        )
        self.routes()

    def routes(self) -> None:
        """Create the client's routes, which a cut link loses."""
        self.shell(
            self.client,
            f"""ip route replace {NET_V4} via {SERVER_V4} dev lab0
            ip -6 addr replace {CLIENT_V6}/64 dev lab0 nodad
            ip -6 route replace {NET_V6} via {SERVER_V6} dev lab0""",
        )

    def cut(self) -> None:
        """Take the link down: the client has no route to anywhere."""
        self.shell(self.client, "ip link set lab0 down")

    def mend(self) -> None:
        """Restore the link to the servers."""
        self.shell(self.client, "ip link set lab0 up")
        self.routes()

    def bind(self, pid: int, mounts: dict[Path, str]) -> None:
        """Bind-mount each source over its target in the namespaces of ``pid``."""
        self.shell(pid, "\n".join(f"mount --bind '{source}' '{target}'" for source, target in mounts.items()))

    def inhabitants(self) -> list[int]:
        """Return the process ids in both namespaces, the holders included."""
        return in_namespaces(self.nets)


def in_namespaces(nets: tuple[str, ...]) -> list[int]:
    """Return the process ids whose network namespace is among ``nets``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if namespace_of(entry.name) in nets:
                    found.append(int(entry.name))
            except OSError:
                continue  # gone, or another user's
    return found
