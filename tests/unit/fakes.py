"""Tables in place of the network: DNS answers, and the behaviour of each address when it is probed.

A lookup or probe that is in no table makes the test fail. A behaviour is a function from an endpoint to a result, so
that it can depend on the TLS profile and on the SNI; a sequence of behaviours depends on the number of probes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import trio

from scanner.core.algorithms import algorithm_of
from scanner.core.pkix import TrustStore
from scanner.core.x509 import facts as certs
from scanner.facts import Alias, Answer, Endpoint, Failure, Handshake, Probe, TLSARecord
from scanner.net import https
from scanner.net.probe import ProbeResult
from scanner.run.examine import DomainResult, Examiner
from scanner.run.ports import FetchPath, Ports
from scanner.run.stats import Stats
from scanner.settings import AUTHENTICATED, AUTHENTICATED_CLASSICAL, OF_ALGORITHM, Settings
from scanner.vocabulary import FailureKind, Mode, Outcome, Phase, Security, StartTLS
from targets.destination import parse_destination
from targets.lists import Target
from targets.scope import Scope
from tests.unit import pki
from tests.unit.pki import CHAIN, NOW, ROOT, Made

DOMAIN = "secure.test"
MX1, MX2 = "mx1.secure.test", "mx2.secure.test"
V4, V4B, V6 = "192.0.2.1", "192.0.2.2", "2001:db8::1"
LAB_ROOT = TrustStore.from_pem(ROOT.pem)

ALGORITHMS = {profile.name: alg for (alg, _), profile in OF_ALGORITHM.items()}
"""The key algorithm that each TLS profile accepts, of the profiles that accept only one."""

Question = tuple[str, str]
Table = Mapping[Question, Answer | Sequence[Answer]]
Behaviour = Callable[[Endpoint], ProbeResult]


# --- the DNS --------------------------------------------------------------------------------------------------


def answer(
    name: str,
    rtype: str,
    *records: str,
    outcome: Outcome = Outcome.DATA,
    security: Security = Security.SECURE,
    alias_of: str = "",
) -> Answer:
    """Return an answer; with ``alias_of`` the records are those of that name, behind a CNAME."""
    aliases = (Alias(name, alias_of, security),) if alias_of else ()
    error = "SERVFAIL" if outcome is Outcome.ERROR else ""
    rname = alias_of or name
    return Answer(name, rtype, outcome, security, tuple(sorted(records)), rname=rname, aliases=aliases, error=error)


def nothing(name: str, rtype: str, outcome: Outcome = Outcome.NODATA) -> Answer:
    return answer(name, rtype, outcome=outcome)


def failed(name: str, rtype: str, security: Security = Security.INDETERMINATE) -> Answer:
    return answer(name, rtype, outcome=Outcome.ERROR, security=security)


def rows(*answers: Answer) -> dict[Question, Answer]:
    return {(each.name, each.rtype): each for each in answers}


def mx(*records: str, domain: str = DOMAIN, security: Security = Security.SECURE) -> dict[Question, Answer]:
    return rows(answer(domain, "MX", *(records or (f"10 {MX1}",)), security=security))


def addresses(
    host: str, *found: str, security: Security = Security.SECURE, alias_of: str = ""
) -> dict[Question, Answer]:
    """Return the A and AAAA answers of a host."""
    by_type = {"A": [a for a in found if ":" not in a], "AAAA": [a for a in found if ":" in a]}
    return rows(
        *(
            answer(host, rtype, *listed, security=security, alias_of=alias_of)
            if listed
            else answer(host, rtype, outcome=Outcome.NODATA, security=security, alias_of=alias_of)
            for rtype, listed in by_type.items()
        )
    )


def missing(host: str, outcome: Outcome = Outcome.NXDOMAIN) -> dict[Question, Answer]:
    return rows(nothing(host, "A", outcome), nothing(host, "AAAA", outcome))


def rdata(record: TLSARecord) -> str:
    return bytes([record.usage, record.selector, record.matching_type]).hex() + record.data


def tlsa(host: str, *records: TLSARecord, security: Security = Security.SECURE) -> dict[Question, Answer]:
    """Return the TLSA answer of a host; without records it is NODATA."""
    name = f"_25._tcp.{host}"
    if not records:
        return rows(answer(name, "TLSA", outcome=Outcome.NODATA, security=security))
    return rows(answer(name, "TLSA", *map(rdata, records), security=security))


def host(name: str, *found: str, records: Sequence[TLSARecord] = ()) -> dict[Question, Answer]:
    """Return the answers of a signed host with its TLSA records."""
    return addresses(name, *found) | tlsa(name, *records)


class Zone:
    """A table as a ``DNSLookup``; of a sequence of answers each is given once, the last one again.

    ``asked`` counts all lookups, ``asked_fresh`` those that bypass the cache.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self.asked: Counter[Question] = Counter()
        self.asked_fresh: Counter[Question] = Counter()
        self.undeclared: list[Question] = []

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        await trio.lowlevel.checkpoint()
        question = name, rtype
        self.asked_fresh[question] += fresh
        found = self._table.get(question)
        if found is None:
            self.undeclared.append(question)
            raise LookupError(f"the test's table has no answer to {question}")
        self.asked[question] += 1
        return found if isinstance(found, Answer) else found[min(self.asked[question], len(found)) - 1]


# --- servers --------------------------------------------------------------------------------------------------

_ORDER = tuple(Phase)


def _probe(endpoint: Endpoint, starttls: StartTLS, failure: Failure | None = None) -> Probe:
    return Probe(endpoint, NOW, {}, starttls, failure=failure)


def shakes(*chain: Made, version: str = "TLSv1.3", then: Failure | None = None, group: str | None = None) -> Behaviour:
    """Return a behaviour with a handshake and this chain (by default that of the lab)."""
    sent = tuple(made.der for made in chain or CHAIN)

    def behave(endpoint: Endpoint) -> ProbeResult:
        result = _secured(endpoint, sent, version, then)
        shake = result.probe.handshake
        if shake is None:
            return result
        return replace(result, probe=replace(result.probe, handshake=replace(shake, group=group)))

    return behave


def anonymous() -> Behaviour:
    """Return a behaviour with a handshake without a certificate."""
    return lambda endpoint: _secured(endpoint, (), "TLSv1.2", None)


SIGNATURES = {"EC": "ecdsa_secp256r1_sha256", "RSA": "rsa_pss_rsae_sha256", "ED25519": "ed25519"}
"""A signature scheme of each key type of the test certificates."""


def _secured(endpoint: Endpoint, sent: tuple[bytes, ...], version: str, failure: Failure | None) -> ProbeResult:
    digests = tuple(certs.facts(der).sha256 for der in sent)
    signature = SIGNATURES[certs.facts(sent[0]).key_type] if sent else None
    shake = Handshake(version, "TLS_AES_256_GCM_SHA384", 256, 256, None, signature, endpoint.sni, digests)
    only = ALGORITHMS.get(endpoint.profile)
    if only is not None and only is not algorithm_of(shake):
        return breaks_handshake(endpoint)
    starttls = StartTLS.IMPLICIT if endpoint.mode.implicit_tls else StartTLS.OFFERED
    return ProbeResult(Probe(endpoint, NOW, {}, starttls, handshake=shake, failure=failure), sent)


def fails(phase: Phase, kind: FailureKind, code: int | None = None, text: str = "a text of the peer") -> Behaviour:
    """Return a behaviour that fails in this phase; STARTTLS is as in a real dialogue that fails there."""
    failure = Failure(phase, kind, code, text)

    def behave(endpoint: Endpoint) -> ProbeResult:
        return ProbeResult(_probe(endpoint, _known(endpoint.mode, failure), failure))

    return behave


def _known(mode: Mode, failure: Failure) -> StartTLS:
    rejected = failure.kind is FailureKind.REJECTED
    if mode.implicit_tls:
        return StartTLS.IMPLICIT
    if failure.phase is Phase.EHLO and rejected and failure.code and failure.code // 100 == 5:
        return StartTLS.NOT_OFFERED
    if failure.phase is Phase.STARTTLS and rejected and failure.code != 421:
        return StartTLS.REFUSED
    return StartTLS.OFFERED if _ORDER.index(failure.phase) > _ORDER.index(Phase.EHLO) else StartTLS.UNKNOWN


def no_starttls(endpoint: Endpoint) -> ProbeResult:
    """Return the result of a dialogue without STARTTLS."""
    return ProbeResult(_probe(endpoint, StartTLS.NOT_OFFERED))


def by_profile(*, authenticated: Behaviour, easier: Behaviour, classical: Behaviour | None = None) -> Behaviour:
    """Return a behaviour that depends on our TLS profile; ``classical`` is as ``authenticated`` unless given."""
    known = {AUTHENTICATED.name: authenticated, AUTHENTICATED_CLASSICAL.name: classical or authenticated}
    return lambda endpoint: known.get(endpoint.profile, easier)(endpoint)


refuses = fails(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
times_out = fails(Phase.CONNECT, FailureKind.TIMEOUT, text="")
breaks_handshake = fails(Phase.HANDSHAKE, FailureKind.TLS, text="alert handshake failure")


class Servers:
    """A table as a ``ProbeEndpoint``; of a sequence of behaviours each is used once, the last one again.

    ``calls`` are the endpoints in the order in which they were probed. ``others`` are the probes for certificates with
    another key algorithm, which the behaviour of the last call answers.
    """

    def __init__(self, table: Mapping[str, Behaviour | Sequence[Behaviour]], *, seconds: float = 0) -> None:
        self._table = table
        self._seconds = seconds
        self.calls: list[Endpoint] = []
        self.others: list[Endpoint] = []
        self.undeclared: list[str] = []

    async def __call__(self, endpoint: Endpoint, host: str = "") -> ProbeResult:  # noqa: ARG002 - the gates want it
        (self.others if endpoint.profile in ALGORITHMS else self.calls).append(endpoint)
        await trio.sleep(self._seconds)
        found = self._table.get(endpoint.address)
        if found is None:
            self.undeclared.append(endpoint.address)
            raise LookupError(f"the test's table has no server at {endpoint.address}")
        if callable(found):
            return found(endpoint)
        probes = sum(call.address == endpoint.address for call in self.calls)
        return found[min(probes, len(found)) - 1](endpoint)


# --- the world ------------------------------------------------------------------------------------------------


@dataclass
class World:
    """The DNS and the servers of an examination."""

    dns: Table
    servers: Mapping[str, Behaviour | Sequence[Behaviour]] = field(default_factory=dict)
    scope: Scope = field(default_factory=lambda: Scope(allow_private=True))
    trust: TrustStore = LAB_ROOT
    unrouted: tuple[str, ...] = ()
    seconds: float = 0
    fetch: FetchPath = https.fetch

    def __post_init__(self) -> None:
        self.zone = Zone(self.dns)
        self.net = Servers(self.servers, seconds=self.seconds)

    def ports(self, settings: Settings) -> Ports:
        return Ports(settings, self.zone, self.net, self.trust, self.scope, Stats(), self._routed, self.fetch)

    def _routed(self, address: str) -> bool:
        return address not in self.unrouted

    def check(self) -> None:
        """Fail after a lookup or probe that is in no table."""
        assert (self.zone.undeclared, self.net.undeclared) == ([], [])

    async def examine(self, text: str = DOMAIN, settings: Settings | None = None) -> DomainResult:
        """Examine one target."""
        result = await Examiner(self.ports(settings or Settings())).examine(target(text))
        self.check()
        return result


def target(text: str = DOMAIN, line: int = 1) -> Target:
    return Target(parse_destination(text), text, "list.txt", line)


OK_RECORD = pki.tlsa(3, 1, 1, pki.LEAF)
WRONG_RECORD = pki.tlsa(3, 1, 1, pki.LEAF, wrong=True)
