"""Machines of a cluster: network namespaces with own names, addresses and resolvers, on a bridge to the servers."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab import control
from tests.lab.netns import ROOTLESS, hold, in_namespaces, namespace_of
from tests.lab.use import Lab

BRIDGE = "cluster0"
GATEWAY_V4, GATEWAY_V6 = "172.16.0.254", "fd01::ff"


@dataclass(frozen=True, slots=True)
class LabMachine:
    """A machine: its name, its address, and the process that keeps its namespaces."""

    lab: Lab
    name: str
    v4: str
    v6: str
    holder: int

    def popen(self, *argv: str, files: int | None = None) -> subprocess.Popen[str]:
        """Start a program on the machine; ``files`` is its limit of open files."""
        limit = ["prlimit", f"--nofile={files}", "--"] if files else []
        return subprocess.Popen(
            [*_inside(self.holder), *limit, *argv],
            env=control.client_environment(self.lab.layout) | {"PYTHONPATH": str(control.ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def shell(self, script: str) -> None:
        """Run a shell script on the machine."""
        subprocess.run([*_inside(self.holder), "sh", "-ec", script], check=True, capture_output=True, text=True)


def _inside(holder: int) -> list[str]:
    user = ["-U", "--preserve-credentials"] if ROOTLESS else []
    return ["nsenter", "-t", str(holder), *user, "-n", "-m", "-u", "--"]


@contextmanager
def machines(lab: Lab, *names: str) -> Iterator[list[LabMachine]]:
    """Make machines for the block, each with a default route to the servers; all their processes end with it.

    Another test process that makes machines in the same lab waits for the end of the block.
    """
    spaces = lab.record.namespaces
    with (lab.layout.state / "machines.lock").open("w") as lock, ExitStack() as stack:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the bridge and the addresses are there once
        spaces.shell(
            spaces.server,
            f"""ip link add {BRIDGE} type bridge
            ip addr add {GATEWAY_V4}/24 dev {BRIDGE}
            ip addr add {GATEWAY_V6}/64 dev {BRIDGE} nodad
            ip link set {BRIDGE} up""",
        )
        stack.callback(spaces.shell, spaces.server, f"ip link del {BRIDGE}")
        yield [stack.enter_context(_machine(lab, name, number)) for number, name in enumerate(names, 1)]


@contextmanager
def _machine(lab: Lab, name: str, number: int) -> Iterator[LabMachine]:
    spaces = lab.record.namespaces
    user = ["nsenter", "-t", str(spaces.client), "-U", "--preserve-credentials", "--"] if ROOTLESS else []
    holder = hold([*user, "unshare", "-n", "-m", "-u", "--propagation", "private", "--"], {})
    made = LabMachine(lab, name, f"172.16.0.{number}", f"fd01::{number}", holder)
    net = namespace_of(holder)
    try:
        spaces.shell(
            spaces.server,
            f"""ip link add to-{name} type veth peer name eth0 netns {holder}
            ip link set to-{name} master {BRIDGE} up""",
        )
        made.shell(
            f"""hostname {name}
            ip link set lo up
            ip addr add {made.v4}/24 dev eth0
            ip addr add {made.v6}/64 dev eth0 nodad
            ip link set eth0 up
            ip route add default via {GATEWAY_V4}
            ip -6 route add default via {GATEWAY_V6}"""
        )
        yield made
    finally:
        for pid in in_namespaces((net,)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(subprocess.CalledProcessError):  # the kernel removes the link later by itself, or has removed it
            spaces.shell(spaces.server, f"ip link del to-{name}")


def own_file(machine: LabMachine, place: Path, text: str) -> None:
    """Replace a file of the machine, such as ``/etc/resolv.conf``."""
    source = machine.lab.layout.state / f"{machine.name}-{place.name}"
    source.write_text(text)
    machine.shell(f"mount --bind '{source}' '{place}'")
