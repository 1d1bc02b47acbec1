"""The running lab: commands as a client, server events, and disturbances."""

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from tests.lab import control
from tests.lab.layout import Layout, default_state

RESOLVER = "127.0.0.1:53"
"""Address of the validating resolver in the client's namespace."""

PATIENCE = (
    *("--connect-timeout", "2", "--greeting-timeout", "5"),
    *("--command-timeout", "4", "--deadline", "15"),
)
"""Time limits that the slowest lab domain needs; the defaults are for the internet."""

COMMAND_LIMIT = 120.0  # seconds; a command in the lab that takes longer hangs


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab."""

    layout: Layout
    record: control.LabRecord

    @property
    def root_pem(self) -> Path:
        """Path of the lab's root certificate."""
        return self.layout.root_pem

    def run(
        self, *argv: str, timeout: float = COMMAND_LIMIT, stdin: str = "", env: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a client in the lab, whatever its exit status; its output is text."""
        return subprocess.run(
            control.client_command(self.record, list(argv)),
            env={**control.client_environment(self.layout), **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def popen(self, *argv: str, **more: Any) -> subprocess.Popen[Any]:
        """Start a command as a client in the lab; ``more`` is for ``subprocess.Popen``."""
        environment = control.client_environment(self.layout) | more.pop("env", {})
        return subprocess.Popen(control.client_command(self.record, list(argv)), env=environment, **more)

    def mark(self) -> int:
        """Return the current end of the scripted server's log, from which ``events`` reads on."""
        return self.layout.smtpd_log.stat().st_size

    def events(self, mark: int = 0) -> list[dict[str, Any]]:
        """Return the events of the scripted server's log since ``mark``."""
        with self.layout.smtpd_log.open() as log:
            log.seek(mark)
            return [json.loads(line) for line in log]

    def end_resolver(self) -> None:
        """Kill the client's resolver."""
        pid = self.record.processes["unbound"]
        os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # another process may have started it
            os.waitpid(pid, 0)

    def start_resolver(self) -> None:
        """Start the client's resolver again with an empty cache."""
        control.start_resolver(self.layout, self.record)

    def storm(self) -> None:
        """Make the hosts of ``p0.bulk`` in a crowded bulk lab answer 421 for some seconds."""
        os.kill(self.record.processes["bulk"], signal.SIGUSR1)

    def cut(self) -> None:
        """Take the link to the servers down."""
        self.record.namespaces.cut()

    def mend(self) -> None:
        """Restore the link to the servers."""
        self.record.namespaces.mend()


@contextmanager
def running(layout: Layout | None = None) -> Iterator[Lab]:
    """Yield the lab; start it if it is down, and stop it after its last user.

    Several processes may use it at once; each holds a shared lock on a file beside the state directory.
    """
    layout = layout or Layout(default_state())
    users = Path(f"{layout.state}.users")
    with _counted_in(users) as mine:
        was_up = control.running(control.read(layout))
        record = control.up(layout)
        if not was_up:
            _borrowed(layout).touch()
        try:
            yield Lab(layout, record)
        finally:
            _leave(layout, mine, users)


def _borrowed(layout: Layout) -> Path:
    """Return the file that marks a lab started by ``running``; a lab started by hand stays up."""
    return layout.state / "borrowed"


def _counted_in(users: Path) -> TextIO:
    """Open the file of users with a shared lock."""
    while True:
        mine = users.open("a")
        fcntl.flock(mine, fcntl.LOCK_SH)
        if users.exists() and os.path.samestat(users.stat(), os.fstat(mine.fileno())):
            return mine
        mine.close()  # the last user before us has removed it


def _leave(layout: Layout, mine: TextIO, users: Path) -> None:
    try:
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # someone else still works in it
    if _borrowed(layout).exists():
        control.down(layout)
    users.unlink()
