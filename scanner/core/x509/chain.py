"""The choice of the next certificate while a path is built, as OpenSSL 3 makes it.

Names and key identifiers decide, never the order in which a server sent its certificates; signatures are checked
afterwards (see ``pathchecks``). Where a path may end is decided by ``dane`` and ``pkix``.
"""

import functools
from collections.abc import Iterable, Sequence
from datetime import datetime

from scanner.core.x509 import certificate as x509
from scanner.core.x509 import issuing
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.der import DERError
from scanner.facts import CertFacts

DEPTH_LIMIT = 10
"""The limit that Postfix gives to OpenSSL: smtp_tls_scert_verifydepth (9) and one more."""

MAX_PATH = DEPTH_LIMIT + 1
"""Certificates of a path that OpenSSL still extends; an anchor may come on top of them."""


def readable(chain: Iterable[CertFacts]) -> list[Certificate]:
    """Return the working form of those certificates that have one."""
    found = []
    for facts in chain:
        try:
            found.append(x509.parse(facts.der))
        except DERError:
            continue
    return found


def valid_at(certificate: Certificate, now: datetime) -> bool:
    """Return True between notBefore and notAfter; an unreadable date is never valid."""
    start, end = certificate.not_before, certificate.not_after
    return start is not None and end is not None and start <= now < end


def best_issuer(
    path: Sequence[Certificate], candidates: Iterable[Certificate], now: datetime, *, again: bool = False
) -> Certificate | None:
    """Choose the issuer of the topmost certificate of a path, which is not self-signed.

    Args:
        path: the path so far, leaf first.
        candidates: where to look, the preferred ones first.
        now: the time for which they should be valid.
        again: a certificate of the path may be chosen again, as OpenSSL does with trusted ones.

    Returns:
        The first candidate that is valid now, else the first of those that expire last, None if there is none.
    """
    subject = path[-1]
    named = [c for c in candidates if c.subject_key == subject.issuer_key and (again or c not in path)]
    if len(named) == 1:
        return named[0] if issuing.issued(named[0], subject, leaf=len(path) == 1) else None
    fitting = [c for c in named if issuing.may_have_issued(c, subject)]
    current = next((c for c in fitting if valid_at(c, now)), None)
    return current or (functools.reduce(_later, fitting) if fitting else None)


def _later(first: Certificate, second: Certificate) -> Certificate:
    """Return the one that expires later, the first where that cannot be read (ASN1_TIME_compare)."""
    readable_dates = first.not_after is not None and second.not_after is not None
    return second if readable_dates and second.not_after > first.not_after else first  # type: ignore[operator]
