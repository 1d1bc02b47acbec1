"""The differences between Debian's posttls-finger 3.7.11 and ``mxsweep finger`` that the comparison allows.

A row changes the lines of one or both programs in a pair that is not equal without it. Its reason is the version of
Postfix since which posttls-finger prints what mxsweep prints, a quirk that is not copied, or a limit of the TLS library
and its Python binding.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

Lines = list[str]
Pair = tuple[Lines, Lines]
"""Debian's lines and ours."""
Change = Callable[[Lines, Lines], Pair]


@dataclass(frozen=True, slots=True)
class AllowedDifference:
    """One allowed difference; ``random_only`` if no written pair needs it."""

    name: str
    why: str
    change: Change
    random_only: bool = False


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
    "|0A000102:SSL routines::unsupported protocol"
    "|0A000410:SSL routines::alert handshake failure|0A0000BF:SSL routines::no protocols available"
)
_L_COMPLAINT = r"^warning: unknown -L option value "


def _peer_line(theirs: Lines, ours: Lines) -> Pair:
    def change(match: re.Match[str]) -> str:
        nap, subject, issuer, digest = match.groups()
        return f"{nap.lower()}: subject_CN={subject}, issuer={issuer}, cert fingerprint={digest}, pkey fingerprint="

    return [re.sub(_PEER, change, line) for line in theirs], ours


_GROUPS = {
    "X25519": "x25519",
    "X448": "x448",
    "ECDHE (prime256v1)": "secp256r1",
    "ECDHE (secp384r1)": "secp384r1",
    "ECDHE (secp521r1)": "secp521r1",
}


def _groups(theirs: Lines, ours: Lines) -> Pair:
    def change(match: re.Match[str]) -> str:
        return f" key-exchange {_GROUPS.get(match[1], match[1])}"

    return [re.sub(r" key-exchange (ECDHE \(\w+\)|\S+)", change, line) for line in theirs], ours


def _mismatch_trusted(theirs: Lines, ours: Lines) -> Pair:
    """Change the summary where the host name is the only error."""
    if any(line.endswith(": num=62:hostname mismatch") for line in ours):
        return theirs, _sub(ours, "^Trusted TLS", "Untrusted TLS")
    return theirs, ours


def _mismatch_last(theirs: Lines, ours: Lines) -> Pair:
    """Remove the error lines where the host name is one of several errors: each program reports another one."""
    debian = [line for line in theirs if re.search(_FAILED, line)]
    also = [line for line in ours if re.search(_FAILED, line)]
    if any(not re.search("num=6[24]:", line) for line in debian) or len(debian) != len(also):
        return theirs, ours
    return _without(theirs, _FAILED), _without(ours, _FAILED)


def _once(theirs: Lines, ours: Lines) -> Pair:
    """Remove a lookup warning that follows its like."""
    lookup = "warning: DANE TLSA lookup problem: "
    pairs = zip(["", *theirs], theirs, strict=False)
    return [line for before, line in pairs if before != line or not line.startswith(lookup)], ours


def _starttls_lost(theirs: Lines, ours: Lines) -> Pair:
    """Change exit status 1 after a server that is gone or silent at STARTTLS."""
    for lost in (f"{how} while sending STARTTLS" for how in ("lost connection", "timeout")):
        if f"fatal: {lost}" in theirs and lost in ours:
            return [{"exit status 1": "exit status 0", f"fatal: {lost}": lost}.get(line, line) for line in theirs], ours
    return theirs, ours


def _no_digests(theirs: Lines, ours: Lines) -> Pair:
    """Replace the error lines at level fingerprint without any valid fingerprint."""
    pkix = _FAILED + "(?!.*num=65:).*"
    none = _FAILED + ".*: num=65:no matching DANE TLSA records"
    if not any(re.search(pkix, line) for line in theirs) or not any(re.search(none, line) for line in ours):
        return theirs, ours
    return _sub(theirs, pkix, "no match"), _sub(ours, none, "no match")


def _resumed(theirs: Lines, ours: Lines) -> Pair:
    """Remove the server signature from the summary of a resumed session."""
    found, resumed = [], False
    for line in theirs:
        resumed = (resumed or line.endswith(": Reusing old session")) and not line.startswith("> QUIT")
        found.append(re.sub(r" server-signature .*", "", line) if resumed else line)
    return found, ours


def _reconnects(theirs: Lines, ours: Lines) -> Pair:
    """Remove the lines about cache and peer after the first connection."""
    first = next((n for n, line in enumerate(ours) if line.startswith("Reconnecting after ")), len(ours))
    return _without(theirs, _CACHE), ours[:first] + _without(ours[first:], _PEER_LINES)


def _nothing_offered(theirs: Lines, ours: Lines) -> Pair:
    """Replace the errors of the handshake where our library offers no version within the bounds."""
    if not any("SSL routines::no protocols available" in line for line in ours):
        return theirs, ours
    return _handshake_alike(theirs), _handshake_alike(ours)


def _handshake_alike(lines: Lines) -> Lines:
    return _without(_sub(lines, r"^(SSL_connect error to \S+): .*", r"\1: no handshake"), _LIBRARY)


def _names_before(theirs: Lines, ours: Lines) -> Pair:
    """Remove the name in the peer lines of hosts after one without a session."""
    if theirs[:1] != ours[:1]:
        return theirs, ours
    return _hosts_after(theirs), _hosts_after(ours)


def _hosts_after(lines: Lines) -> Lines:
    first = next((n for n, line in enumerate(lines) if line.startswith("Failed to establish session to ")), len(lines))
    return lines[:first] + _sub(lines[first:], r": subject_CN=[^,]*, issuer=", ": subject_CN=, issuer=")


def _trust_files(theirs: Lines, ours: Lines) -> Pair:
    """Remove both programs' lines about a file that cannot be opened."""
    unread = r"^warning: .*: cannot read trusted certificates: "
    if not any(re.search(unread, line) for line in ours):
        return theirs, ours
    return _without(theirs, _LIBRARY), _without(ours, unread)


def _keyword_complaints(theirs: Lines, ours: Lines) -> Pair:
    """Remove the complaints about a word where there is one more of them."""
    if len([line for line in ours if re.search(_L_COMPLAINT, line)]) == 1 + len(
        [line for line in theirs if re.search(_L_COMPLAINT, line)]
    ):
        return _without(theirs, _L_COMPLAINT), _without(ours, _L_COMPLAINT)
    return theirs, ours


ROWS: tuple[AllowedDifference, ...] = (
    AllowedDifference(
        "peer line",
        "since Postfix 3.9 the line about the peer's certificate is worded differently, with the host in lower case",
        _peer_line,
    ),
    AllowedDifference(
        "group",
        "since Postfix 3.10 the summary line contains OpenSSL's name of the key exchange group",
        _groups,
    ),
    AllowedDifference(
        "via port",
        "since Postfix 3.8 the line about a failed session contains `via HOST:PORT`",
        _ours(r"^(Failed to establish session to .* via .*?):\d+(: )", r"\1\2"),
    ),
    AllowedDifference(
        "name mismatch is Trusted",
        "since Postfix 3.10.4 a session is Trusted if a name mismatch is its only error",
        _mismatch_trusted,
    ),
    AllowedDifference(
        "name mismatch comes last",
        "since Postfix 3.10.4 a name mismatch is reported only if there is no other error",
        _mismatch_last,
    ),
    AllowedDifference("TLSA asked twice", "posttls-finger repeats a failed TLSA lookup at once", _once),
    AllowedDifference(
        "STARTTLS reply lost",
        "posttls-finger ends with a fatal error if a connection is lost at STARTTLS",
        _starttls_lost,
    ),
    AllowedDifference(
        "no fingerprints",
        "posttls-finger verifies the chain against the trust store at the level fingerprint without digests",
        _no_digests,
    ),
    AllowedDifference(
        "session in use",
        "since Postfix 3.9 the line about a reused session contains `untrusted peer credential`",
        _theirs("re-using session with untrusted certificate,", "re-using session with untrusted peer credential,"),
    ),
    AllowedDifference(
        "resumed summary",
        "since Postfix 3.10 the summary line of a resumed session contains no server signature",
        _resumed,
    ),
    AllowedDifference(
        "reconnect lines",
        "since Postfix 3.12 further connections print lines about the peer, but not about the session cache",
        _reconnects,
    ),
    AllowedDifference(
        "group warning",
        "since Postfix 3.8 the warning about an unknown key exchange group has another wording",
        _theirs("^warning: ignoring unknown ECDHE curve ", "warning: ignoring unknown key exchange group "),
    ),
    AllowedDifference(
        "names of a host before",
        "posttls-finger keeps the names of a host with TLSA records as match arguments for the hosts after it",
        _names_before,
        random_only=True,
    ),
    AllowedDifference(
        "-L complaints",
        "since Postfix 3.12 the list of `-L` is parsed once more, so its warning is printed once more",
        _keyword_complaints,
    ),
    AllowedDifference(
        "large hello",
        "mxsweep prints a hint if a server does not answer a ClientHello with post-quantum groups",
        lambda theirs, ours: (theirs, _without(ours, "^note: the server did not answer a ClientHello ")),
    ),
    AllowedDifference(
        "usage text",
        "since Postfix 3.8 and 3.9 the usage text contains the options `-R` and `-x`",
        _theirs(r"\[-acCfSvw\]", "[-acCfRSvwx]"),
    ),
    AllowedDifference(
        "trust store files", "the Python binding of OpenSSL does not provide the number of a system error", _trust_files
    ),
    AllowedDifference(
        "library source",
        "the Python binding of OpenSSL does not provide file, line and data of an error",
        _both(rf"({_LIBRARY}[0-9A-F]+:[^:]*:[^:]*:[^:]*):.*", r"\1"),
    ),
    AllowedDifference(
        "alert words",
        "OpenSSL 4 no longer begins the names of alerts with sslv3 or tlsv1",
        _both(r"::(sslv3|tlsv1|tls) alert ", "::alert "),
    ),
    AllowedDifference(
        "address as a name",
        "since OpenSSL 4 an address in a match argument is a name, and there can be several",
        lambda theirs, ours: (_without(theirs, r'^warning: \S+: error loading match name: "[0-9a-fA-F.:]+"$'), ours),
        random_only=True,
    ),
    AllowedDifference(
        "old TLS alone",
        "OpenSSL 4 offers no version below TLS 1.2 at the default security level",
        _nothing_offered,
        random_only=True,
    ),
    AllowedDifference(
        "old TLS",
        "OpenSSL 4 checks the server's protocol version before the server's signature, and reports the version",
        _both(
            rf"({_LIBRARY})({_TOO_OLD})",
            r"\1too old",
        ),
    ),
)


def normalise(theirs: Lines, ours: Lines) -> tuple[Lines, Lines, tuple[str, ...]]:
    """Return both lists of lines after as many rows as make them equal, and the names of the rows that changed them."""
    used = []
    for row in ROWS:
        if theirs == ours:
            break
        changed = row.change(theirs, ours)
        if changed != (theirs, ours):
            used.append(row.name)
        theirs, ours = changed
    return theirs, ours, tuple(used)
