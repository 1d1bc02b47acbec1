"""Choice of the issuer of the topmost certificate of an incomplete certificate path, by the rules of OpenSSL 3.

The choice of an issuer depends on names and key identifiers, not on the order in which a server sent its certificates;
signatures are checked afterwards (see ``pathchecks``). The modules ``dane`` and ``pkix`` determine the trust anchor of
a path.
"""

import functools
from collections.abc import Iterable, Sequence
from datetime import datetime

from scanner.core.x509 import certificate as x509
from scanner.core.x509 import issuing
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.der import DERError
from scanner.facts import CertFacts

MAX_PATH = 11
"""Maximum number of certificates of a path that OpenSSL extends; a trust anchor may follow these certificates.

Postfix passes the verification depth 10 to OpenSSL: smtp_tls_scert_verifydepth (9) plus one.
"""


def readable(chain: Iterable[CertFacts]) -> list[Certificate]:
    """Return the parsed form of the certificates that can be decoded."""
    found = []
    for facts in chain:
        try:
            found.append(x509.parse(facts.der))
        except DERError:
            continue
    return found


def valid_at(certificate: Certificate, now: datetime) -> bool:
    """Return True if ``now`` is between notBefore and notAfter of a certificate; False for an unreadable date."""
    start, end = certificate.not_before, certificate.not_after
    return start is not None and end is not None and start <= now < end


def best_issuer(
    path: Sequence[Certificate], candidates: Iterable[Certificate], now: datetime, *, again: bool = False
) -> Certificate | None:
    """Return the issuer of the topmost certificate of a path; the topmost certificate is not self-signed.

    Args:
        path: the path so far, leaf first.
        candidates: possible issuers, the preferred issuers first.
        now: the time at which an issuer should be valid.
        again: true if a certificate of the path may be chosen again, as OpenSSL allows for trusted certificates.

    Returns:
        Of the candidates that may have issued the topmost certificate, the first candidate that is valid at ``now``,
        else the candidate with the latest notAfter. None if no candidate may have issued the topmost certificate.
    """
    subject = path[-1]
    named = [c for c in candidates if c.subject_key == subject.issuer_key and (again or c not in path)]
    if len(named) == 1:
        return named[0] if issuing.issued(named[0], subject, leaf=len(path) == 1) else None
    fitting = [c for c in named if issuing.may_have_issued(c, subject)]
    current = next((c for c in fitting if valid_at(c, now)), None)
    return current or (functools.reduce(_later, fitting) if fitting else None)


def _later(first: Certificate, second: Certificate) -> Certificate:
    """Return the certificate that expires later, or ``first`` if a date is unreadable (ASN1_TIME_compare)."""
    readable_dates = first.not_after is not None and second.not_after is not None
    return second if readable_dates and second.not_after > first.not_after else first  # type: ignore[operator]
