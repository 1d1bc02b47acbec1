"""A private validating resolver: unbound as a child process on a loopback port, for as long as a scan runs.

It is our own, so its AD bit is to be believed: a generated configuration, no remote control, only this machine may
ask. It recurses from the root (or from the roots in a hints file, or forwards), and trusts the root's keys that come
with the package; unbound keeps them current by RFC 5011 in a cache directory. One that dies is started again once, on
the same port; the second death is the end. It goes with us, however we go: the kernel kills it when our process
dies (PR_SET_PDEATHSIG), which is why this works on Linux only.
"""

import logging
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import trio

from scanner.core.wire import Message, Question
from scanner.facts import Answer
from scanner.net.datagrams import Datagrams
from scanner.net.exchange import new_ask, server_at
from scanner.net.unbound_conf import LOOPBACK, UnboundSettings, configuration
from scanner.vocabulary import Outcome

log = logging.getLogger("mxsweep")

READY_LIMIT = 15.0  # seconds from start to the first answer; it takes a tenth of one on an idle machine
ASK_EVERY = 0.2  # seconds that a first answer may take before it is asked again
STOP_LIMIT = 3.0  # seconds between SIGTERM and SIGKILL; it has nothing to save but its keys
PORT_TRIES = 3  # a port that was free may be taken by another before unbound has it
RESTARTS = 1  # it dies by accident once; twice is a reason
LAST_WORDS = 20  # lines of its log kept to explain its death
CHUNK = 4096  # octets of its log read at a time, and the longest line that is kept whole

APPARMOR_HINT = (
    "if AppArmor confines unbound, allow it its files in /etc/apparmor.d/local/usr.sbin.unbound:"
    " owner /tmp/mxsweep-*/** rw, owner @{HOME}/.cache/mxsweep/** rw,"
)

# The child ties itself to us before it becomes unbound; preexec_fn would do it too, but not safely beside threads.
_TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]): sys.exit("our parent has gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class UnboundError(Exception):
    """There is no private resolver (any more); the text says why."""


def program() -> str | None:
    """Find unbound, also where daemons are kept that users seldom call."""
    return shutil.which("unbound", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin:/sbin")


@asynccontextmanager
async def private_unbound(settings: UnboundSettings) -> AsyncIterator["Unbound"]:
    """Run a private resolver for as long as the block runs.

    Args:
        settings: what it is told.

    Yields:
        The resolver, ready to be asked at its ``address``, which stays the same.

    Raises:
        UnboundError: it does not start, or died twice; then the block is cancelled.
    """
    with tempfile.TemporaryDirectory(prefix="mxsweep-") as directory:
        child = Unbound(settings, Path(directory))
        try:
            await child.begin()
            raised = None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child.watch, nursery.cancel_scope)
                try:
                    yield child
                except Exception as error:  # noqa: BLE001 - raised again below: a nursery would wrap it in a group
                    raised = error
                nursery.cancel_scope.cancel()
            if child.failure or raised:
                raise child.failure or raised or AssertionError
        finally:
            with trio.CancelScope(shield=True):
                await child.stop()


class Unbound:
    """The child. ``address`` is where it is asked, ``failure`` why it is no more."""

    def __init__(self, settings: UnboundSettings, directory: Path) -> None:
        self.address = (LOOPBACK, 0)
        self.failure: UnboundError | None = None
        self._settings = settings
        self._directory = directory
        self._restarts = RESTARTS
        self._starts = 0
        self._sign = f"{secrets.token_hex(8)}.mxsweep.invalid"  # whoever knows it is the child that we started
        self._ready = trio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: trio.lowlevel.FdStream | None = None
        self._words: deque[str] = deque(maxlen=LAST_WORDS)
        self._end = ""

    @property
    def pid(self) -> int | None:
        """The process id, None when there is none."""
        return self._process.pid if self._process else None

    async def begin(self) -> None:
        """Start on a free port.

        Raises:
            UnboundError: it does not start.
        """
        path = program()
        if path is None:
            raise UnboundError("unbound is not installed (Debian: apt-get install unbound)")
        version = await trio.to_thread.run_sync(_version, path)
        for tries_left in reversed(range(PORT_TRIES)):
            self.address = (LOOPBACK, free_port())
            text = configuration(self._settings, self._directory, self.address[1], sign=self._sign, version=version)
            (self._directory / "unbound.conf").write_text(text, encoding="utf-8")
            try:
                await self._start(path)
            except UnboundError:
                if not tries_left or "in use" not in "".join(self._words):
                    raise
            else:
                return

    async def watch(self, scope: trio.CancelScope) -> None:
        """Start it again when it dies; when it cannot be had any more, set ``failure`` and cancel ``scope``."""
        while self.failure is None:
            await self._listen()
            self._ready = trio.Event()
            await self._ended()  # its log ends a moment before it does
            await self.stop()
            try:
                await self._restart()
            except UnboundError as error:
                self.failure = error
                scope.cancel()

    async def _restart(self) -> None:
        why = self._last_words()
        if not self._restarts:
            raise UnboundError(f"the private unbound died again: {why}")
        self._restarts -= 1
        log.warning("the private unbound died and is started again: %s", why)
        await self._start(program() or "")

    async def guarded(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask once more what failed while the child died: its last answers may be half of the truth."""
        starts = self._starts
        answer = await ask()
        if answer.outcome is Outcome.ERROR and (self._starts != starts or not self._ready.is_set()):
            await self._ready.wait()
            return await ask()
        return answer

    async def stop(self) -> None:
        """End it, with grace if there is time, and take its last words."""
        process, self._process = self._process, None
        if process is not None:
            self._end = f"it ended with status {process.poll()}" if process.poll() is not None else "it gave no answer"
            _signal(process, signal.SIGTERM)
            await self._ended(process)
            _signal(process, signal.SIGKILL)
            process.wait()
        if self._log is not None:
            await self._listen()
            await self._log.aclose()
            self._log = None

    async def _ended(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until it has ended, but not for ever."""
        process = process or self._process
        if process is not None:
            with trio.move_on_after(STOP_LIMIT):
                await trio.to_thread.run_sync(process.wait, abandon_on_cancel=True)

    async def _start(self, path: str) -> None:
        """Start it and wait for its first answer."""
        self._words.clear()
        command = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), path]
        reading, writing = os.pipe()
        try:
            # ours and not trio's open_process: that forks in a thread, and with the thread the child would be killed
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - see above; our own words only
                [*command, "-d", "-p", "-c", str(self._directory / "unbound.conf")],
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,  # a Ctrl-C is for us: it must answer until we have drained
            )
        finally:
            os.close(writing)
            self._log = trio.lowlevel.FdStream(reading)
        await self._first_answer(self._process)
        self._starts += 1
        self._ready.set()

    async def _first_answer(self, process: subprocess.Popen[bytes]) -> None:
        """Ask for what only it knows, until it answers."""
        server = server_at(*self.address, trust=True)
        ports = Datagrams()
        with trio.move_on_after(READY_LIMIT), closing(ports):
            while process.poll() is None:
                ask = new_ask(Question(self._sign, "A"), dnssec=False, cd=False)
                reply = await ports.ask(server, ask, trio.current_time() + ASK_EVERY)
                if isinstance(reply, Message) and reply.answers:
                    return
                await trio.sleep(ASK_EVERY / 10)
        await self.stop()
        why = self._last_words()
        hint = f"; {APPARMOR_HINT}" if "ermission denied" in why else ""
        raise UnboundError(f"unbound does not start: {why}{hint}")

    async def _listen(self) -> None:
        """Read its log until its end, which is the child's end: nothing else holds the pipe."""
        rest = b""
        while self._log is not None and (octets := await self._log.receive_some(CHUNK)):
            *lines, rest = (rest + octets).split(b"\n")
            for line in lines:
                self._hear(line)
            rest = rest[-CHUNK:]
        self._hear(rest)

    def _hear(self, line: bytes) -> None:
        words = re.sub(r"^\[\d+\] unbound\[\d+:\d+\] ", "", line.decode("utf-8", "replace").strip())
        if words:
            self._words.append(words)
            log.debug("unbound: %s", words)

    def _last_words(self) -> str:
        """What it complained of, and how it ended."""
        errors = [words for words in self._words if words.startswith(("error", "fatal")) or "rror:" in words]
        return "; ".join((*errors, self._end))


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the whole process group, unless it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def free_port() -> int:
    """A loopback port that is free for UDP and TCP, chosen by the kernel."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind((LOOPBACK, 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


def _version(path: str) -> tuple[int, ...]:
    """What ``unbound -V`` says; nothing, if it says nothing that can be read."""
    done = subprocess.run([path, "-V"], capture_output=True, text=True, check=False)  # noqa: S603 - found by us
    found = re.search(r"Version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else ()
