"""The test whether a policy host's certificate is trusted and contains the name of the host (RFC 8461 section 3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner.core import pkix
from scanner.core.sts.host_verdict import is_named
from scanner.facts import CertFacts
from scanner.vocabulary import Pkix


@dataclass(frozen=True, slots=True)
class CertificateVerdict:
    """The verdict on the chain of a policy host; without a chain, ``pkix`` is ``untrusted`` (initially ``unknown``)."""

    pkix: Pkix = Pkix.UNKNOWN
    pkix_error: str = ""
    name_match: bool | None = None

    @property
    def accepted(self) -> bool:
        """True if a sender with this verdict sends its HTTPS request to the policy host."""
        return self.pkix is Pkix.TRUSTED and self.name_match is True


def judge_certificate(
    chain: Sequence[CertFacts], host: str, trust: pkix.TrustStore, at: datetime
) -> CertificateVerdict:
    """Return the verdict on a chain.

    Args:
        chain: the certificates as sent, leaf first.
        host: the name of the policy host, even if this name is an alias.
        trust: the trusted roots.
        at: the time at which the validity of certificates is checked.
    """
    errors = pkix.verify(chain, trust, at).errors if chain else ()
    trusted = Pkix.UNTRUSTED if errors or not chain else Pkix.TRUSTED
    return CertificateVerdict(trusted, errors[0].text if errors else "", bool(chain) and is_named(chain[0], host))
