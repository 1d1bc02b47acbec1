"""Reference identifiers against the names that a certificate presents (RFC 6125, RFC 7672 section 3.2.2).

The rules are OpenSSL's. The names that count are the dNSName SANs; the subject's CNs count only where there is no
dNSName SAN at all. An IP literal as reference is a plain name here, as since OpenSSL 4. A certificate may present
32,000 names, so the names of one that presents many are looked up and not compared one by one. An odd name is no
error: it never matches. Not here: which references a security level needs, and IDNA (references are A-labels).
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from scanner.core.x509.dn import ascii_lower
from scanner.facts import CertFacts

MANY = 64
"""Names of a certificate beyond which a lookup costs less than comparisons."""

INDEXED = 8
"""Certificates of many names whose lookup tables are kept, each up to some 10 MiB."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_WILDCARD = re.compile(rf"\*((?:\.{_LABEL}){{2,}})")
"""A whole first label ``*`` and at least two dots: ``*.com`` and ``f*.example.com`` are no wildcards."""

_ONE_LABEL = re.compile(r"[a-z0-9-]+")
"""What ``*`` stands for: never a dot, never an underscore."""


def match_name(reference: str, presented: str) -> bool:
    """Return True if a presented name satisfies a reference identifier, ASCII case left aside.

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
    if _is_suffix(wanted):
        return shown.endswith(wanted)
    wildcard = _WILDCARD.fullmatch(shown)
    return wildcard is not None and _covers(wildcard[1], wanted)


def _is_suffix(wanted: str) -> bool:
    return wanted.startswith(".") and len(wanted) > 1


def _covers(rest: str, wanted: str) -> bool:
    return wanted.endswith(rest) and _ONE_LABEL.fullmatch(wanted.removesuffix(rest)) is not None


def presented_names(cert: CertFacts) -> tuple[str, ...]:
    """Return the names of a certificate that count, in its own order.

    Returns:
        The dNSName SANs; without any dNSName SAN, odd ones included, all CNs of the subject.
    """
    if cert.dns_names or any(odd.startswith("dns:") for odd in cert.odd_names):
        return cert.dns_names
    return cert.subject_cns


def matched_peername(cert: CertFacts, references: Iterable[str]) -> str | None:
    """Return the presented name that the first satisfied reference matches.

    Args:
        cert: the leaf certificate.
        references: reference identifiers, the preferred one first.

    Returns:
        The presented name as it stands in the certificate, None when nothing matches.
    """
    odd = [name.removeprefix("dns:") for name in cert.odd_names if name.startswith("dns:") and "\\x" not in name]
    names = (*presented_names(cert), *odd)  # OpenSSL compares a SAN with a space like any other
    if len(names) > MANY:
        found = (_looked_up(_table(names), ascii_lower(reference)) for reference in references)
        return next((names[at] for at in found if at is not None), None)
    hits = (name for reference in references for name in names if match_name(reference, name))
    return next(hits, None)


# --- many names -----------------------------------------------------------------------------------------------


class _Table(NamedTuple):
    """The names of a certificate in lower case, and the first place of each name and of each wildcard's parent."""

    lowered: tuple[str, ...]
    exact: dict[str, int]
    parents: dict[str, int]


@lru_cache(INDEXED)
def _table(names: tuple[str, ...]) -> _Table:
    lowered = tuple(["" if "\0" in name else ascii_lower(name) for name in names])
    exact: dict[str, int] = {}
    parents: dict[str, int] = {}
    for at, name in enumerate(lowered):
        exact.setdefault(name, at)
        wildcard = _WILDCARD.fullmatch(name) if name.startswith("*") else None
        if wildcard is not None:
            parents.setdefault(wildcard[1], at)
    return _Table(lowered, exact, parents)


def _looked_up(table: _Table, wanted: str) -> int | None:
    """Return the place of the first name that satisfies a reference in lower case."""
    if not wanted:
        return None
    if _is_suffix(wanted):
        return next((at for at, name in enumerate(table.lowered) if name.endswith(wanted)), None)
    label, dot, rest = wanted.partition(".")
    wildcard = table.parents.get(dot + rest) if _ONE_LABEL.fullmatch(label) else None
    return min((at for at in (table.exact.get(wanted), wildcard) if at is not None), default=None)
