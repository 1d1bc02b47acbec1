"""The examination of the MTA-STS policy and of the TLSRPT record of a domain.

The policy host is contacted under the same rules as an MX host: opt-outs, special-purpose addresses, address families,
and limits on connections (``POLICY_CAPS``). Each address of the policy host is tried once; a further address is tried
only if the TCP connection to the previous address failed.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.core import pkix
from scanner.core.sts import discovery, records
from scanner.core.sts.policy_certificate import CertificateVerdict, judge_certificate
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts
from scanner.net.gates import Gates
from scanner.net.single_flight import SingleFlight
from scanner.run.addresses import HostAddresses, choose_addresses, find_addresses
from scanner.run.ports import FetchPath, Ports, now
from scanner.settings import Caps
from scanner.sts import PolicyFetch, STSReport, TLSRPTReport
from scanner.vocabulary import Phase, TXTRecord

if TYPE_CHECKING:
    from scanner.net.https import HTTPSResult

PATH = "/.well-known/mta-sts.txt"

ADDRESSES = 3
"""Maximum number of addresses of a policy host that are tried; a web hosting network may have many more addresses."""

REMEMBERED = 256
"""Maximum number of kept policy results, used again if an input list contains a domain with several ports."""

POLICY_CAPS = Caps(total=64, per_address=2, per_network=8, per_provider=8, rate=50.0, spacing=0.1)
"""Limits on connections to policy hosts: web servers accept more simultaneous connections than mail servers."""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The MTA-STS policy and the TLSRPT record of a domain, and the certificates of the policy host by SHA-256."""

    sts: STSReport
    tlsrpt: TLSRPTReport
    certs: dict[str, CertFacts] = field(default_factory=dict)


async def find_records(domain: str, ports: Ports) -> PolicyResult:
    """Look up the MTA-STS record and the TLSRPT record of a domain, without a request for the policy."""
    sts, tlsrpt = await ports.look_up((records.record_name(domain), "TXT"), (records.tlsrpt_name(domain), "TXT"))
    return PolicyResult(records.sts_report(domain, sts, now()), records.tlsrpt_report(tlsrpt))


class PolicyExaminer:
    """The examiner of MTA-STS policies; a policy is requested once in a pass of the scan, even if the request fails."""

    def __init__(self, ports: Ports, fetch: FetchPath) -> None:
        self._ports = ports
        self._fetch = fetch
        self._gates = Gates(POLICY_CAPS)
        self._results: SingleFlight[str, PolicyResult] = SingleFlight(limit=REMEMBERED)

    async def examine(self, domain: str) -> PolicyResult:
        """Examine a domain: two DNS questions, and an HTTPS request for the policy if the MTA-STS record is valid."""
        return await self._results.get(domain, lambda: self._examine(domain))

    def next_pass(self) -> None:
        """Remove inconclusive results, so that the next retry pass examines the policies again."""
        self._results.forget(lambda result: discovery.worth_retry(result.sts))

    async def _examine(self, domain: str) -> PolicyResult:
        known = await find_records(domain, self._ports)
        report = known.sts
        if report.record is not TXTRecord.VALID:
            return known
        found = await find_addresses(report.host, self._ports)
        report = replace(report, a=found.a, aaaa=found.aaaa)
        chosen, skipped = choose_addresses(report.host, found.all, self._ports)
        fetches = [PolicyFetch(each.address, now(), {}, reason=each.reason) for each in skipped]
        chains: dict[str, CertFacts] = {}
        body = b""
        for address in chosen[:ADDRESSES]:
            visit = _Visit(report.host, self._ports.trust)
            body = await self._visit(visit, address, found)
            fetches.append(visit.fetch)
            chains |= {cert.sha256: cert for cert in visit.chain}
            if visit.fetch.failure is None or visit.fetch.failure.phase is not Phase.CONNECT:
                break
        return PolicyResult(discovery.with_response(report, tuple(fetches), body), known.tlsrpt, chains)

    async def _visit(self, visit: "_Visit", address: str, found: HostAddresses) -> bytes:
        """Fetch the policy from one address of the policy host, within the connection limits of ``POLICY_CAPS``."""
        operator = found.answers[0].rname or visit.host
        async with self._gates.connection(address, operator):
            result = await self._fetch(address, visit.host, PATH, visit.accepts)
        return visit.record(address, result)


class _Visit:
    """One HTTPS request to a policy host: the judgement of the host's certificate, and the record of the request."""

    fetch: PolicyFetch

    def __init__(self, host: str, trust: pkix.TrustStore) -> None:
        self.host = host
        self.chain: tuple[CertFacts, ...] = ()
        self._trust = trust
        self._judged = CertificateVerdict()

    def accepts(self, chain: tuple[bytes, ...]) -> bool:
        """Return True if a certificate chain is trusted and its leaf certificate contains the name of the policy host.

        If the policy host is an alias, a certificate with only the name of the alias target is not accepted.
        """
        self.chain = tuple(map(certs.facts, chain))
        self._judged = judge_certificate(self.chain, self.host, self._trust, now())
        return self._judged.accepted

    def record(self, address: str, result: "HTTPSResult") -> bytes:
        """Record the result of the HTTPS request, and return the body of the response."""
        self.fetch = PolicyFetch(
            address=address,
            started=result.started,
            ms=result.ms,
            handshake=result.handshake,
            pkix=self._judged.pkix,
            pkix_error=self._judged.pkix_error,
            name_match=self._judged.name_match,
            status=result.status,
            media_type=result.media_type,
            octets=len(result.body),
            failure=result.failure,
        )
        return bytes(result.body)
