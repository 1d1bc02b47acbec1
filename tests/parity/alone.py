"""Command lines that Debian's posttls-finger 3.7.11 does not know, fails at, or answers with a quirk of its own.

The expected lines of mxsweep are stated here, those of Postfix 3.12 unless the reason is another. Where a quirk changes
the outcome, Debian's lines are stated too.
"""

import shlex
from dataclasses import dataclass

from tests.parity.cases import BASE


@dataclass(frozen=True, slots=True)
class LoneCase:
    """A command line, why there is nothing to compare it with, and the lines that mxsweep must print in this order.

    ``debian`` holds the beginnings of Debian's lines where they are stated too.
    """

    name: str
    why: str
    line: str
    expected: tuple[str, ...]
    status: int = 0
    debian: tuple[str, ...] = ()
    debian_status: int = 0

    def lines(self) -> dict[str, list[str]]:
        """Return the command lines for ``driver``."""
        words = [*BASE, *shlex.split(self.line)]
        return {f"{self.name}.alone": ["mxsweep", *words]} | (
            {f"{self.name}.quirk": ["debian", *words]} if self.debian else {}
        )


_NO_SRV = "Host or domain name not found. Name service error for name=_{}._tcp.good311.test type=SRV: Host not found"
_VERIFIED = "Verified TLS connection established to {}: TLSv1.3 with cipher "
_GOOD = "mx.good311.test[10.16.0.25]:25"
_PANIC = "a time limit of 0 makes Debian's panic"
_SOCKET = "client.lab.test[{work}/lmtp.sock]"
_UNIX = "Debian's ends without a word after it has connected to a UNIX socket"

ALONE = (
    LoneCase(
        "srv", "-R is of 3.8", "-R good311.test", (f"Destination address lookup failed: {_NO_SRV.format('smtp')}",)
    ),
    LoneCase(
        "srv-service",
        "-R is of 3.8",
        "-R good311.test:submission",
        (f"Destination address lookup failed: {_NO_SRV.format('submission')}",),
    ),
    LoneCase(
        "srv-bracketed", "-R is of 3.8", "-R [mx.good311.test]", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))
    ),
    LoneCase(
        "raw-key",
        "-x is of 3.9; a server without such a key sends its certificate",
        "-x -l may good311.test",
        (f"Untrusted TLS connection established to {_GOOD}: ",),
    ),
    LoneCase(
        "trace",
        "-L trace is of 3.12; we warn that there is none",
        "-L routine,trace good311.test",
        ("warning: ", _VERIFIED.format(_GOOD)),
    ),
    LoneCase("tlsproxy", "-X is not for users", "-X good311.test", ("fatal: ",), status=1),
    LoneCase("no-limit", _PANIC, "-t 0 good311.test", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    LoneCase("no-number", _PANIC, "-t junk good311.test", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    LoneCase("no-command-limit", _PANIC, "-T 0 good311.test", (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD))),
    LoneCase(
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
    LoneCase(
        "unix-secure",
        _UNIX,
        "-S -l secure -F {root} unix:{work}/lmtp.sock mx.cert-good.test",
        (f"{_SOCKET}: matched peername: mx.cert-good.test", _VERIFIED.format(_SOCKET), "> QUIT", "< 221 2.0.0 Bye"),
    ),
    LoneCase(
        "unix-none", _UNIX, "-S -l none unix:{work}/lmtp.sock", (f"Connected to {_SOCKET}", "> QUIT", "< 221 2.0.0 Bye")
    ),
    LoneCase(
        "endless",
        "a reply without end: Debian's program reads until its time limit, mxsweep 1,024 lines",
        "ehlo-endless.test",
        ("> EHLO client.lab.test", "a reply of more than 1024 lines while sending EHLO"),
    ),
    LoneCase(
        "endless-greeting",
        "a line without end: 3.7.11 reads it until its time is up, 3.12 cuts it off",
        "greeting-endless.test",
        ("warning: disabling input from unknown_stream", "lost connection while reading server greeting"),
    ),
    LoneCase(
        "long-greeting",
        "a line of nine thousand octets: 3.7.11 passes over its end, 3.12 cuts it off",
        "-l may [127.66.0.20]",
        ("warning: disabling input from unknown_stream", "lost connection while reading server greeting"),
        debian=("< 220 mail.annex.test xxx", "Untrusted TLS connection established to ", "< 221 2.0.0 Bye"),
    ),
    LoneCase(
        "capitals",
        "names from the DNS are kept in lower case, where Debian's shows the case that the answer happens to have",
        "GOOD311.test",
        (f"Connected to {_GOOD}", _VERIFIED.format(_GOOD)),
    ),
    LoneCase(
        "fingerprint-without",
        "quirk: a level that is about fingerprints verifies without any, by the trust store",
        "-l fingerprint -F {root} cert-good.test",
        ("server certificate verification failed for mx.cert-good.test[", "Untrusted TLS connection established to "),
        debian=("Verified TLS connection established to ",),
    ),
    LoneCase(
        "starttls-lost",
        "quirk: of all lost connections only this one is fatal",
        "close-starttls.test",
        ("> STARTTLS", "lost connection while sending STARTTLS"),
        debian=("> STARTTLS", "fatal: lost connection while sending STARTTLS"),
        debian_status=1,
    ),
    LoneCase(
        "tlsa-failed",
        "quirk: a failed look-up is made again at once",
        "tlsa-servfail.test",
        ("warning: DANE TLSA lookup problem: ", "Failed to establish session to tlsa-servfail.test via "),
        debian=("warning: DANE TLSA lookup problem: ", "warning: DANE TLSA lookup problem: ", "Failed to establish "),
    ),
)
