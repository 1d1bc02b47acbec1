"""What may differ between Debian's posttls-finger 3.7.11 and ``mxsweep finger``: this table, and nothing else.

A row changes the lines of both programs, or of one, in a pair that is not equal without it. Each says why: the version
of Postfix since which posttls-finger itself does as we do, a quirk that is not copied, or what OpenSSL and its binding
do not let us know.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

Lines = list[str]
Pair = tuple[Lines, Lines]
"""Debian's lines and ours."""
Change = Callable[[Lines, Lines], Pair]


@dataclass(frozen=True, slots=True)
class Row:
    """One difference that is forgiven."""

    name: str
    why: str
    change: Change


def _sub(lines: Lines, pattern: str, replacement: str) -> Lines:
    return [re.sub(pattern, replacement, line) for line in lines]


def _without(lines: Lines, pattern: str) -> Lines:
    return [line for line in lines if not re.search(pattern, line)]


def _theirs(pattern: str, replacement: str) -> Change:
    return lambda theirs, ours: (_sub(theirs, pattern, replacement), ours)


def _ours(pattern: str, replacement: str) -> Change:
    return lambda theirs, ours: (theirs, _sub(ours, pattern, replacement))


def _both(pattern: str, replacement: str) -> Change:
    return lambda theirs, ours: (_sub(theirs, pattern, replacement), _sub(ours, pattern, replacement))


# --- rows that are more than a pattern ------------------------------------------------------------------------

_PEER = r"^(\S+): subject_CN=(.*), issuer_CN=(.*), fingerprint=(\S+), pkey_fingerprint="
_FAILED = r"^((server|CA) )?certificate verification failed for "
_CACHE = r"^(looking for|reloaded|save) session \[|: Reusing old session$"
_PEER_LINES = r"^\S+: (matched peername: |Matched |subject_CN=)"
_LIBRARY = r"^warning: TLS library problem: error:"
_TOO_OLD = (
    "0A00014D:SSL routines::legacy sigalg disallowed or unsupported|0A00042E:SSL routines::alert protocol version"
)
_L_COMPLAINT = r"^warning: unknown -L option value "


def _peer_line(theirs: Lines, ours: Lines) -> Pair:
    def change(match: re.Match[str]) -> str:
        nap, subject, issuer, digest = match.groups()
        return f"{nap.lower()}: subject_CN={subject}, issuer={issuer}, cert fingerprint={digest}, pkey fingerprint="

    return [re.sub(_PEER, change, line) for line in theirs], ours


def _mismatch_trusted(theirs: Lines, ours: Lines) -> Pair:
    """Where the host name is the only thing wrong."""
    if any(line.endswith(": num=62:hostname mismatch") for line in ours):
        return theirs, _sub(ours, "^Trusted TLS", "Untrusted TLS")
    return theirs, ours


def _mismatch_last(theirs: Lines, ours: Lines) -> Pair:
    """Where more than the host name is wrong: Debian's line tells of the name, ours of something else."""
    told = [line for line in theirs if re.search(_FAILED, line)]
    also = [line for line in ours if re.search(_FAILED, line)]
    if any("num=62:hostname mismatch" not in line for line in told) or len(told) != len(also):
        return theirs, ours
    return _without(theirs, _FAILED), _without(ours, _FAILED)


def _address_mismatch(theirs: Lines, ours: Lines) -> Pair:
    return theirs, _sub(ours, "num=64:IP address mismatch$", "num=62:hostname mismatch")


def _once(theirs: Lines, ours: Lines) -> Pair:
    """A line that follows its like is dropped."""
    lookup = "warning: DANE TLSA lookup problem: "
    pairs = zip(["", *theirs], theirs, strict=False)
    return [line for before, line in pairs if before != line or not line.startswith(lookup)], ours


def _starttls_lost(theirs: Lines, ours: Lines) -> Pair:
    """Exit status 1 for a server that went away."""
    lost = "lost connection while sending STARTTLS"
    if f"fatal: {lost}" in theirs and lost in ours:
        return [{"exit status 1": "exit status 0", f"fatal: {lost}": lost}.get(line, line) for line in theirs], ours
    return theirs, ours


def _no_digests(theirs: Lines, ours: Lines) -> Pair:
    """A run at level fingerprint whose fingerprints are no fingerprints: no certificate can match."""
    pkix, none = _FAILED + ".*: untrusted issuer .*", _FAILED + ".*: num=65:no matching DANE TLSA records"
    if not any(re.search(pkix, line) for line in theirs) or not any(re.search(none, line) for line in ours):
        return theirs, ours
    return _sub(theirs, pkix, "no match"), _sub(ours, none, "no match")


def _resumed(theirs: Lines, ours: Lines) -> Pair:
    """The summary of a resumed session."""
    found, resumed = [], False
    for line in theirs:
        resumed = (resumed or line.endswith(": Reusing old session")) and not line.startswith("> QUIT")
        found.append(re.sub(r" server-signature .*", "", line) if resumed else line)
    return found, ours


def _reconnects(theirs: Lines, ours: Lines) -> Pair:
    """What is told after the first connection: Debian of its cache, and never of the peer."""
    first = next((n for n, line in enumerate(ours) if line.startswith("Reconnecting after ")), len(ours))
    return _without(theirs, _CACHE), ours[:first] + _without(ours[first:], _PEER_LINES)


def _trust_files(theirs: Lines, ours: Lines) -> Pair:
    """OpenSSL's words about a file, and ours."""
    if not any(line.startswith("cannot load Certification Authority data") for line in ours):
        return theirs, ours
    told = r"^warning: .*: (cannot read trusted certificates: |no PEM certificates in it)"
    return _without(theirs, _LIBRARY), _without(ours, told)


def _keyword_complaints(theirs: Lines, ours: Lines) -> Pair:
    """Three complaints about the same word against four."""
    if len([line for line in ours if re.search(_L_COMPLAINT, line)]) == 1 + len(
        [line for line in theirs if re.search(_L_COMPLAINT, line)]
    ):
        return _without(theirs, _L_COMPLAINT), _without(ours, _L_COMPLAINT)
    return theirs, ours


ROWS: tuple[Row, ...] = (
    Row("peer line", "Postfix 3.9: its wording; and the host in lower case as in the lines around it", _peer_line),
    Row(
        "group",
        "Postfix 3.10: the key exchange is named as OpenSSL names the group",
        _theirs(r" key-exchange X25519\b", " key-exchange x25519"),
    ),
    Row(
        "via port",
        "Postfix 3.8: `via HOST:PORT`",
        _ours(r"^(Failed to establish session to .* via .*?):\d+(: )", r"\1\2"),
    ),
    Row("name mismatch is Trusted", "Postfix 3.10.4: a wrong name alone makes Trusted", _mismatch_trusted),
    Row("name mismatch comes last", "Postfix 3.10.4: of several things wrong the name is told last", _mismatch_last),
    Row("TLSA asked twice", "quirk: a failed TLSA look-up is repeated at once", _once),
    Row("STARTTLS reply lost", "quirk: a connection lost at STARTTLS is fatal", _starttls_lost),
    Row("no fingerprints", "quirk: the level fingerprint without digests verifies as PKIX does", _no_digests),
    Row(
        "session in use",
        "Postfix 3.9: `untrusted peer credential`",
        _theirs("re-using session with untrusted certificate,", "re-using session with untrusted peer credential,"),
    ),
    Row("resumed summary", "Postfix 3.10: a resumed session has no server signature", _resumed),
    Row(
        "reconnect lines",
        "Postfix 3.12: further connections tell of the peer, and not of the session cache",
        _reconnects,
    ),
    Row("-L complaints", "Postfix 3.12: the -L list is read once more", _keyword_complaints),
    Row("usage text", "Postfix 3.8 and 3.9: -R and -x", _theirs(r"\[-acCfSvw\]", "[-acCfRSvwx]")),
    Row("trust store files", "binding: files of trusted roots are not read by OpenSSL", _trust_files),
    Row(
        "library source",
        "binding: file, line and data of a library error are not known",
        _both(rf"({_LIBRARY}[0-9A-F]+:[^:]*:[^:]*:[^:]*):.*", r"\1"),
    ),
    Row(
        "alert words",
        "OpenSSL 4: alerts are no longer SSLv3's or TLSv1's",
        _both(r"::(sslv3|tlsv1|tls) alert ", "::alert "),
    ),
    Row(
        "old TLS",
        "OpenSSL 4: the server's version is refused before its signature",
        _both(
            rf"({_LIBRARY})({_TOO_OLD})",
            r"\1too old",
        ),
    ),
)


def normalise(theirs: Lines, ours: Lines) -> tuple[Lines, Lines, tuple[str, ...]]:
    """Both after as many rows as it takes, and the names of the rows that did something."""
    used = []
    for row in ROWS:
        if theirs == ours:
            break
        changed = row.change(theirs, ours)
        if changed != (theirs, ours):
            used.append(row.name)
        theirs, ours = changed
    return theirs, ours, tuple(used)
