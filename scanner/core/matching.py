"""Reference identifiers against the names that a certificate presents (RFC 6125, RFC 7672 section 3.2.2).

The rules are OpenSSL's. Which names count: the dNSName SANs; the subject's CNs only where there is no dNSName
SAN at all. An IP literal as reference is a plain name here, as since OpenSSL 4. What is not here: which
references a security level asks for, and IDNA (references are A-labels by the time they arrive). Nothing is
ever an error: a name that is odd never matches.
"""

import re
from collections.abc import Iterable

from scanner.core.x509.dn import ascii_lower
from scanner.facts import CertFacts

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_WILDCARD = re.compile(rf"\*((?:\.{_LABEL}){{2,}})")
"""A whole first label ``*`` and at least two dots: ``*.com`` and ``f*.example.com`` are no wildcards."""

_ONE_LABEL = re.compile(r"[a-z0-9-]+")
"""What ``*`` stands for: never a dot, never an underscore."""


def match_name(reference: str, presented: str) -> bool:
    """Tell whether a presented name satisfies a reference identifier, ASCII case left aside.

    Args:
        reference: a host name, or ``.domain`` for any name below ``domain``.
        presented: a name of the certificate, possibly a wildcard, possibly hostile.

    Returns:
        True for a match. A final dot is part of the name: ``mx.example.`` matches no ``mx.example``.
    """
    wanted, shown = ascii_lower(reference), ascii_lower(presented)
    if not wanted or "\0" in shown:
        return False
    if wanted == shown:
        return True
    if wanted.startswith(".") and len(wanted) > 1:
        return shown.endswith(wanted)
    wildcard = _WILDCARD.fullmatch(shown)
    return wildcard is not None and _covers(wildcard[1], wanted)


def _covers(rest: str, wanted: str) -> bool:
    return wanted.endswith(rest) and _ONE_LABEL.fullmatch(wanted.removesuffix(rest)) is not None


def presented_names(cert: CertFacts) -> tuple[str, ...]:
    """The names of a certificate that count, in its own order.

    Returns:
        The dNSName SANs; without any dNSName SAN, odd ones included, all CNs of the subject.
    """
    if cert.dns_names or any(odd.startswith("dns:") for odd in cert.odd_names):
        return cert.dns_names
    return cert.subject_cns


def matched_peername(cert: CertFacts, references: Iterable[str]) -> str | None:
    """The presented name that the first satisfied reference matches.

    Args:
        cert: the leaf certificate.
        references: reference identifiers, the preferred one first.

    Returns:
        The presented name as it stands in the certificate, None when nothing matches.
    """
    odd = [name.removeprefix("dns:") for name in cert.odd_names if name.startswith("dns:") and "\\x" not in name]
    names = (*presented_names(cert), *odd)  # OpenSSL compares a SAN with a space like any other
    hits = (name for reference in references for name in names if match_name(reference, name))
    return next(hits, None)
