"""The running lab as tests, the demo and the benchmark see it."""

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.lab import control
from tests.lab.layout import Layout, default_state

RESOLVER = "127.0.0.1:53"
"""Validating, with the lab's trust anchor; an address of the client's namespace."""

PATIENCE = (
    *("--connect-timeout", "2", "--greeting-timeout", "5"),
    *("--command-timeout", "4", "--deadline", "15"),
)
"""As much as the slowest domain of the lab needs; the defaults are for the internet."""

COMMAND_LIMIT = 120.0  # seconds; a command in the lab that takes longer hangs


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab."""

    layout: Layout
    record: control.Record

    @property
    def root_pem(self) -> Path:
        """The lab's root certificate."""
        return self.layout.root_pem

    def run(self, *argv: str, timeout: float = COMMAND_LIMIT, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as a client in the lab, whatever its exit status; its output is text."""
        return subprocess.run(
            control.client_command(self.record, list(argv)),
            env=control.client_environment(self.layout),
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
        """Where the scripted server's log ends now; ``events`` reads on from there."""
        return self.layout.smtpd_log.stat().st_size

    def events(self, mark: int = 0) -> list[dict[str, Any]]:
        """What the scripted server logged since ``mark``."""
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
        """Start it again, with an empty cache."""
        control.start_resolver(self.layout, self.record)

    def storm(self) -> None:
        """Have the moody hosts of a crowded bulk lab turn everyone away for some seconds."""
        os.kill(self.record.processes["bulk"], signal.SIGUSR1)

    def cut(self) -> None:
        """Take the link to the servers down."""
        self.record.namespaces.cut()

    def mend(self) -> None:
        """Bring the link up again."""
        self.record.namespaces.mend()


@contextmanager
def running(layout: Layout | None = None) -> Iterator[Lab]:
    """The lab, started if it is down and stopped again by the last user of those who started it so.

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
    """Stands where a user of ``running`` started the lab, so that a lab started by hand stays up."""
    return layout.state / "borrowed"


def _counted_in(users: Path) -> TextIO:
    """The file of users, locked as one of them."""
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
