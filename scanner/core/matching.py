"""The comparison of reference identifiers with the names in a certificate (RFC 6125, RFC 7672 section 3.2.2).

Names are compared by the rules of OpenSSL. The dNSName SANs are compared; the subject's CNs are compared only
if the certificate contains no dNSName SAN. An IP literal as reference is treated as a name, as in OpenSSL 4. A
certificate may contain 32,000 names, so the names of such a certificate are put into a hash table instead of being
compared one by one. A dNSName SAN with unprintable or non-ASCII octets never matches. Reference identifiers are
A-labels; the module ``policy`` selects the reference identifiers of a security level.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from scanner.core.x509.dn import ascii_lower
from scanner.facts import CertFacts

MANY = 64
"""Number of names in a certificate above which a hash table costs less than comparisons."""

INDEXED = 8
"""Maximum number of cached hash tables of certificate names; a hash table has up to some 10 MiB."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_WILDCARD = re.compile(rf"\*((?:\.{_LABEL}){{2,}})")
"""Pattern of a wildcard name: first label ``*``, at least two dots. ``*.com`` and ``f*.example.com`` are not wildcards.
"""

_ONE_LABEL = re.compile(r"[a-z0-9-]+")
"""Pattern of the labels that ``*`` in a wildcard matches: labels without dots and underscores."""


def match_name(reference: str, presented: str) -> bool:
    """Return True if a presented name matches a reference identifier, without regard to ASCII case.

    Args:
        reference: a host name, or ``.domain`` for any name below ``domain``.
        presented: a name of the certificate, possibly a wildcard, possibly hostile.

    Returns:
        True if the names match. A final dot is part of the name: ``mx.example.`` does not match ``mx.example``.
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
    """Return the names that a certificate presents, in its order; ``compared_names`` adds malformed names.

    The names are the well-formed dNSName SANs, or without any dNSName SAN, even malformed, all CNs of the subject.
    """
    if cert.dns_names or any(odd.startswith("dns:") for odd in cert.odd_names):
        return cert.dns_names
    return cert.subject_cns


def compared_names(cert: CertFacts) -> tuple[str, ...]:
    """Return the presented names and the malformed dNSName SANs, such as names with a space, that OpenSSL compares."""
    odd = [name.removeprefix("dns:") for name in cert.odd_names if name.startswith("dns:") and "\\x" not in name]
    return (*presented_names(cert), *odd)


def matched_peername(cert: CertFacts, references: Iterable[str]) -> str | None:
    """Return the presented name of a leaf certificate, as spelled there, that matches a reference identifier, or None.

    The first of ``references`` that matches a presented name determines the result.
    """
    names = compared_names(cert)
    if len(names) > MANY:
        found = (_looked_up(_table(names), ascii_lower(reference)) for reference in references)
        return next((names[at] for at in found if at is not None), None)
    hits = (name for reference in references for name in names if match_name(reference, name))
    return next(hits, None)


class ComparedNames:
    """The names that several certificates present, for the test whether any of the names matches a domain.

    Args:
        certs: leaf certificates.
    """

    __slots__ = ("_certs", "_text")

    def __init__(self, certs: Sequence[CertFacts]) -> None:
        self._certs = certs
        self._text = "\n".join([ascii_lower(name) for cert in certs for name in compared_names(cert)])

    def match(self, domains: Collection[str]) -> bool:
        """Return whether a certificate presents the name of a domain, a name below it, or a wildcard that covers it.

        A name that matches a domain contains the text of the domain, or is a wildcard that consists of ``*`` and the
        parent domain. Certificates without the text of the domain and without that wildcard are not compared further.
        """
        if not any(map(self._contains, domains)):
            return False
        references = [reference for domain in domains for reference in (domain, "." + domain)]
        return any(matched_peername(cert, references) is not None for cert in self._certs)

    def _contains(self, domain: str) -> bool:
        lowered = ascii_lower(domain)
        return lowered in self._text or "*." + lowered.partition(".")[2] in self._text


# --- many names -----------------------------------------------------------------------------------------------


class _Table(NamedTuple):
    """The names of a certificate in lower case.

    ``exact`` maps each name to its first index in ``lowered``. ``parents`` maps the parent domain of each wildcard to
    the first index of the wildcard.
    """

    lowered: tuple[str, ...]
    exact: dict[str, int]
    parents: dict[str, int]


@lru_cache(INDEXED)
def _table(names: tuple[str, ...]) -> _Table:
    lowered = _lowered(names)
    last = len(lowered) - 1
    exact = dict(zip(reversed(lowered), range(last, -1, -1), strict=True))  # the first of equal names stays
    wildcards = ((at, _WILDCARD.fullmatch(name)) for at, name in enumerate(lowered) if name[:1] == "*")
    parents: dict[str, int] = {}
    for at, wildcard in wildcards:
        if wildcard is not None:
            parents.setdefault(wildcard[1], at)
    return _Table(lowered, exact, parents)


def _lowered(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in lower case; a name with a NUL character, which never matches, becomes an empty text."""
    joined = "\n".join(names)
    if joined.isascii() and "\0" not in joined and joined.count("\n") == len(names) - 1:
        return tuple(joined.lower().split("\n"))  # all names in one call
    return tuple(["" if "\0" in name else ascii_lower(name) for name in names])


def _looked_up(table: _Table, wanted: str) -> int | None:
    """Return the index of the first name that matches a reference identifier in lower case."""
    if not wanted:
        return None
    if _is_suffix(wanted):
        return next((at for at, name in enumerate(table.lowered) if name.endswith(wanted)), None)
    label, dot, rest = wanted.partition(".")
    wildcard = table.parents.get(dot + rest) if _ONE_LABEL.fullmatch(label) else None
    return min((at for at in (table.exact.get(wanted), wildcard) if at is not None), default=None)
