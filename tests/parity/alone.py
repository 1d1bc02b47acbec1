"""Command lines that Debian's posttls-finger 3.7.11 does not know, or fails at: what ours has to say is written here.

Expected lines are those of Postfix 3.12 unless the reason says otherwise.
"""

import shlex
from dataclasses import dataclass

from tests.parity.cases import BASE


@dataclass(frozen=True, slots=True)
class Alone:
    """A command line, why there is nothing to compare it with, and lines that it must print in this order."""

    name: str
    why: str
    line: str
    expected: tuple[str, ...]
    status: int = 0

    def lines(self) -> dict[str, list[str]]:
        """What ``driver`` is to run."""
        return {f"{self.name}.alone": ["mxsweep", *BASE, *shlex.split(self.line)]}


_NO_SRV = "Host or domain name not found. Name service error for name=_{}._tcp.good311.test type=SRV: Host not found"
_VERIFIED = "Verified TLS connection established to {}: TLSv1.3 with cipher "
_GOOD = "mx.good311.test[10.16.0.25]:25"
_PANIC = "a time limit of 0 makes Debian's panic"
_SOCKET = "client.lab.test[{work}/lmtp.sock]"
_UNIX = "Debian's ends without a word after it has connected to a UNIX socket"

ALONE = (
    Alone("srv", "-R is of 3.8", "-R good311.test", (f"Destination address lookup failed: {_NO_SRV.format('smtp')}",)),
    Alone(
        "srv-service",
        "-R is of 3.8",
        "-R good311.test:submission",
        (f"Destination address lookup failed: {_NO_SRV.format('submission')}",),
    ),
    Alone("srv-bracketed", "-R is of 3.8", "-R [mx.good311.test]", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    Alone(
        "raw-key",
        "-x is of 3.9; we warn that we cannot ask for such keys",
        "-x -l may good311.test",
        ("warning: ", f"Untrusted TLS connection established to {_GOOD}: "),
    ),
    Alone(
        "trace",
        "-L trace is of 3.12; we warn that there is none",
        "-L routine,trace good311.test",
        ("warning: ", _VERIFIED.format(_GOOD)),
    ),
    Alone("tlsproxy", "-X is not for users", "-X good311.test", ("fatal: ",), status=1),
    Alone("no-limit", _PANIC, "-t 0 good311.test", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    Alone("no-number", _PANIC, "-t junk good311.test", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    Alone("no-command-limit", _PANIC, "-T 0 good311.test", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    Alone(
        "unix-dane",
        f"{_UNIX}; without a host name there is no TLSA record, so dane is secure",
        "-S -l dane unix:{work}/lmtp.sock",
        (
            f"Connected to {_SOCKET}",
            "> LHLO client.lab.test",
            f"certificate verification failed for {_SOCKET}: untrusted issuer /O=mxsweep lab/CN=Lab Root",
            f"Untrusted TLS connection established to {_SOCKET}: ",
        ),
    ),
    Alone(
        "unix-secure",
        _UNIX,
        "-S -l secure -F {root} unix:{work}/lmtp.sock mx.cert-good.test",
        (f"{_SOCKET}: matched peername: mx.cert-good.test", _VERIFIED.format(_SOCKET), "> QUIT", "< 221 2.0.0 Bye"),
    ),
    Alone(
        "unix-none", _UNIX, "-S -l none unix:{work}/lmtp.sock", (f"Connected to {_SOCKET}", "> QUIT", "< 221 2.0.0 Bye")
    ),
    Alone(
        "endless",
        "a reply without end: Debian's reads it until its time is up, we a limited number of octets",
        "ehlo-endless.test",
        ("> EHLO client.lab.test", "lost connection while sending EHLO"),
    ),
    Alone(
        "capitals",
        "names from the DNS are kept in lower case, where Debian's shows the case that the answer happens to have",
        "GOOD311.test",
        (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD)),
    ),
)
