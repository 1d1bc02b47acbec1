"""Synthetic runs of any size: lines of the shape and size that a scan writes.

Half of the domains use one of a thousand providers' hosts, the other half hosts of their own or shared by a few, which
is about what MX records in the wild look like. Hosts come in four kinds: most match, some have no TLSA, some mismatch,
some cannot be reached. Evidence and verdicts are those that ``scanner.core`` computes, and each host has a certificate
of its own: the same certificate with another end of the signature.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from results.store import codec
from results.store.reader import HEADER_FILE, lines_path
from scanner.core import judgement, rollup, route
from scanner.core.names import tlsa_name
from scanner.core.pkix import TrustStore
from scanner.core.x509 import facts as certs
from scanner.facts import Answer, CertFacts, TLSALookup
from scanner.model import DomainRecord, EndpointReport, HostReport, HostVerdict, Route, RouteHost, TargetInfo
from scanner.vocabulary import Level, Outcome, RunState
from tests.unit import records
from tests.unit.pki import LEAF, NOW, ROOT, tlsa

NAME = "@domain@"
"""The name of the domain in a template of a record."""

PROVIDERS = 1000
KINDS = ("ok", "ok", "ok", "none", "ok", "none", "mismatch", "ok", "none", "down")
VERSIONS = ("TLSv1.3", "TLSv1.3", "TLSv1.3", "TLSv1.2")
GROUPS = ("X25519MLKEM768", "X25519", "X25519", "secp256r1")
_DIFFERENT = 8  # octets at the end of a signature by which certificates differ
_TRUST = TrustStore.from_pem(ROOT.pem)
TRANSCRIPT = tuple(f"< 250-EXTENSION{number} with its parameters" for number in range(16))


def make_run(place: Path, domains: int, hosts: int, seed: int = 1) -> None:
    """Write a run.

    Args:
        place: a directory that is made.
        domains: lines of domains.jsonl.
        hosts: lines of hosts.jsonl; there is a certificate for each.
        seed: the same seed makes the same run.
    """
    place.mkdir(parents=True)
    header = records.header(state=RunState.COMPLETE, finished=datetime(2026, 9, 1, 14, tzinfo=UTC))
    (place / HEADER_FILE).write_bytes(codec.pretty(header))
    with lines_path(place, "certs").open("wb") as certificates, lines_path(place, "hosts").open("wb") as reports:
        for number in range(hosts):
            report, chain = _report(number)
            certificates.writelines(map(codec.encode, chain or _chain(number)))
            reports.write(codec.encode(report))
    chance = random.Random(seed)
    with lines_path(place, "domains").open("wb") as file:
        templates: dict[tuple[int, ...], bytes] = {}
        for number in range(domains):
            chosen = _hosts_of(number, hosts, chance)
            if chosen not in templates:
                templates[chosen] = codec.encode(_domain(chosen))
            file.write(templates[chosen].replace(NAME.encode(), b"d%d-%s.example" % (number, b"x" * (number % 9))))
            if len(templates) > hosts:
                templates.clear()
    lines_path(place, "rejects").touch()


def host_name(number: int) -> str:
    """Return the name of a host; the first ones belong to providers with several hosts."""
    return f"mx{number % 5}.provider{number // 5}.example" if number < PROVIDERS else f"mail.own{number}.example"


def _key(host: str) -> str:
    return f"{host}:25/smtp"


def kind_of(number: int) -> str:
    """The kind of a synthetic host."""
    return KINDS[number % len(KINDS)]


def _hosts_of(number: int, hosts: int, chance: random.Random) -> tuple[int, ...]:
    first = chance.randrange(min(PROVIDERS, hosts)) if number % 2 else chance.randrange(hosts)
    return (first, (first + 1) % hosts) if number % 3 == 0 else (first,)


@cache
def _leaf() -> bytes:
    return LEAF.der[:-_DIFFERENT]


def _chain(number: int) -> tuple[CertFacts, ...]:
    return (certs.facts(_leaf() + number.to_bytes(_DIFFERENT)),)


def _report(number: int) -> tuple[HostReport, tuple[CertFacts, ...]]:
    """Return the report of a host, and the certificates of its chain."""
    host, kind = host_name(number), kind_of(number)
    v4, v6 = _addresses(number)
    a, aaaa = records.answer(host, "A", v4), records.answer(host, "AAAA", v6)
    lookup = judgement.tlsa_step(host, 25, (a, aaaa), (_tlsa_answer(host, kind),))
    assert isinstance(lookup, TLSALookup)
    chain = () if kind == "down" else _chain(number)
    endpoints = tuple(_endpoint(number, address, chain, lookup) for address in (v4, v6))
    found = records.report(key=_key(host), host=host, a=a, aaaa=aaaa, tlsa=lookup, endpoints=endpoints, skipped=())
    return found, chain


def _tlsa_answer(host: str, kind: str) -> Answer:
    name = tlsa_name(host, 25)
    if kind == "none":
        return records.answer(name, "TLSA", outcome=Outcome.NODATA)
    record = tlsa(3, 1, 1, LEAF, wrong=kind == "mismatch")
    return records.answer(name, "TLSA", f"030101{record.data}")


def _addresses(number: int) -> tuple[str, str]:
    return f"192.0.{number // 250 % 250}.{number % 250}", f"2001:db8::{number:x}"


def _endpoint(number: int, address: str, chain: Sequence[CertFacts], lookup: TLSALookup) -> EndpointReport:
    if not chain:
        return EndpointReport(address, (records.refused(address),))
    shaken = records.handshake(
        version=VERSIONS[number % len(VERSIONS)],
        group=GROUPS[number % len(GROUPS)],
        chain=tuple(cert.sha256 for cert in chain),
        signature="ecdsa_secp256r1_sha256",
    )
    report = EndpointReport(address, (records.probe(address, handshake=shaken, transcript=TRANSCRIPT),))
    return judgement.with_pkix(judgement.with_dane(report, chain, lookup, NOW), chain, _TRUST, NOW)


@cache
def _verdict(kind: str, place: int) -> HostVerdict:
    """Return the verdict of the first host of a kind, in this place of a route."""
    number = KINDS.index(kind)
    report, chain = _report(number)
    way = _route((number,))
    hop = RouteHost(report.host, 10 * place)
    return judgement.judge_host(Level.DANE, NAME, way, hop, report, {cert.sha256: cert for cert in chain})


def _verdict_of(number: int, place: int) -> HostVerdict:
    """Return the verdict of a host: that of another host of its kind, with the names and addresses of this host."""
    verdict, host = _verdict(kind_of(number), place), host_name(number)
    pairs = zip(verdict.endpoints, _addresses(number), strict=True)
    endpoints = tuple(replace(endpoint, address=address) for endpoint, address in pairs)
    return replace(verdict, host=host, report=_key(host), endpoints=endpoints)


def _route(chosen: Sequence[int]) -> Route:
    texts = (f"{10 * place} {host_name(number)}" for place, number in enumerate(chosen, 1))
    return route.from_mx(NAME, records.answer(NAME, "MX", *texts))


def _domain(chosen: tuple[int, ...]) -> DomainRecord:
    """Return the record of a domain with these hosts; the name of the domain is ``NAME``."""
    way = _route(chosen)
    verdicts = tuple(_verdict_of(number, place) for place, number in enumerate(chosen, 1))
    return records.domain(
        key=NAME,
        target=TargetInfo(NAME, "list.csv", 7),
        route=way,
        hosts=verdicts,
        verdict=rollup.judge_domain(Level.DANE, way, verdicts),
    )
