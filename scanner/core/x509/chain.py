"""Building a certificate path the way OpenSSL 3 does: which certificate may have issued another, and which is best.

Names and key identifiers decide, never the order in which a server sent its certificates; signatures are checked
afterwards (see ``pathchecks``). Whether a path is trusted is the business of ``dane`` and ``pkix``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from scanner.core.x509 import certificate as x509
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.der import DERError
from scanner.facts import CertFacts

DEPTH_LIMIT = 9  # Postfix's smtp_tls_scert_verifydepth: the deepest certificate that may count
MAX_PATH = DEPTH_LIMIT + 2  # longer ones are not built any further: Postfix allows one more, OpenSSL adds the anchor


def readable(chain: Iterable[CertFacts]) -> list[Certificate]:
    """The working form of those certificates that have one."""
    found = []
    for facts in chain:
        try:
            found.append(x509.parse(facts.der))
        except DERError:
            continue
    return found


def valid_at(certificate: Certificate, now: datetime) -> bool:
    """True between notBefore and notAfter; an unreadable date is never valid."""
    start, end = certificate.not_before, certificate.not_after
    return start is not None and end is not None and start <= now < end


def best_issuer(
    subject: Certificate, candidates: Iterable[Certificate], taken: Sequence[Certificate], now: datetime
) -> Certificate | None:
    """Choose the issuer of a certificate.

    Args:
        subject: the certificate on top of the path so far.
        candidates: where to look, the preferred ones first.
        taken: certificates already on the path: none is used twice.
        now: the time for which they should be valid.

    Returns:
        The first candidate that is valid now, else the one that expires last, None if there is none.
    """
    fitting = [c for c in candidates if c not in taken and c.may_have_issued(subject)]
    current = next((c for c in fitting if valid_at(c, now)), None)
    return current or max(fitting, key=_expiry, default=None)


def _expiry(certificate: Certificate) -> float:
    return certificate.not_after.timestamp() if certificate.not_after else 0.0
