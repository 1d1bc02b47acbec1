"""The MTA-STS policy of a domain, derived again from the stored observations of a run.

If the certificate of a policy host is no longer accepted, the stored HTTPS response is discarded, because a sender
would not have sent the HTTPS request. If the scan did not accept the certificate of the policy host, the run contains
no HTTPS response, so the verdict on the policy stays ``unknown``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from scanner.core.pkix import TrustStore
from scanner.core.sts.discovery import with_response
from scanner.core.sts.policy_certificate import judge_certificate
from scanner.core.sts.records import policy_host, sts_report
from scanner.facts import CertFacts
from scanner.sts import PolicyFetch, STSReport
from scanner.vocabulary import TXTRecord


@dataclass(frozen=True, slots=True)
class PolicyJudge:
    """The trusted roots, certificates and time with which stored policies are judged.

    ``chain_of`` returns the certificates with the given SHA-256 digests. ``at`` is the time at which the validity of
    certificates is checked, None for the time of each request.
    """

    trust: TrustStore
    chain_of: Callable[[Sequence[str]], Sequence[CertFacts]]
    at: datetime | None = None

    def policy(self, old: STSReport) -> STSReport:
        """Return a report with the MTA-STS record, the certificates of the policy host and the policy judged again."""
        fresh = sts_report(old.host.removeprefix(policy_host("")), old.txt, old.observed_at)
        if fresh.record is not TXTRecord.VALID:
            return fresh
        fetches = tuple([self._fetch(old.host, fetch) for fetch in old.fetches])
        body = old.body.encode("utf-8", "replace")
        return with_response(replace(fresh, a=old.a, aaaa=old.aaaa), fetches, body)

    def _fetch(self, host: str, old: PolicyFetch) -> PolicyFetch:
        if old.handshake is None:
            return old
        chain = self.chain_of(old.handshake.chain)
        found = judge_certificate(chain, host, self.trust, self.at or old.started)
        new = replace(old, pkix=found.pkix, pkix_error=found.pkix_error, name_match=found.name_match)
        return new if found.accepted else replace(new, status=None, media_type="", octets=0, failure=None)
