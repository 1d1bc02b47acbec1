"""Synthetic runs of any size: lines of the shape and size that a scan writes.

Half of the domains use one of a thousand providers' hosts, the other half hosts of their own or shared by a few, which
is about what MX records in the wild look like. Hosts come in five kinds: most match, some have no TLSA, some mismatch,
some offer no TLS, some cannot be reached.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from results.store import codec
from results.store.reader import HEADER_FILE, lines_path
from scanner.facts import CertFacts, TLSALookup
from scanner.model import DomainRecord, EndpointReport, HostReport, HostVerdict, TargetInfo
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, RunState, Sender
from tests.unit import records

PROVIDERS = 1000
KINDS = ("ok", "ok", "ok", "none", "ok", "none", "mismatch", "ok", "none", "down")
VERSIONS = ("TLSv1.3", "TLSv1.3", "TLSv1.3", "TLSv1.2")
GROUPS = ("X25519MLKEM768", "X25519", "X25519", "secp256r1")
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
    _write(lines_path(place, "certs"), (_cert(number) for number in range(hosts)))
    _write(lines_path(place, "hosts"), (_report(number) for number in range(hosts)))
    chance = random.Random(seed)
    with lines_path(place, "domains").open("wb") as file:
        templates: dict[tuple[int, ...], bytes] = {}
        for number in range(domains):
            chosen = _hosts_of(number, hosts, chance)
            if chosen not in templates:
                templates[chosen] = codec.encode(_domain(chosen))
            file.write(templates[chosen].replace(b"@domain@", b"d%d-%s.example" % (number, b"x" * (number % 9))))
            if len(templates) > hosts:
                templates.clear()
    lines_path(place, "rejects").touch()


def host_name(number: int) -> str:
    """Return the name of a host; the first ones belong to providers with several hosts."""
    return f"mx{number % 5}.provider{number // 5}.example" if number < PROVIDERS else f"mail.own{number}.example"


def kind_of(number: int) -> str:
    """The kind of a synthetic host."""
    return KINDS[number % len(KINDS)]


def _hosts_of(number: int, hosts: int, chance: random.Random) -> tuple[int, ...]:
    first = chance.randrange(min(PROVIDERS, hosts)) if number % 2 else chance.randrange(hosts)
    return (first, (first + 1) % hosts) if number % 3 == 0 else (first,)


def _write(path: Path, items: Iterator[object]) -> None:
    with path.open("wb") as file:
        for item in items:
            file.write(codec.encode(item))


def _der(number: int) -> bytes:
    return b"%01200d" % number  # no certificate, but with a digest of its own: whoever reads it again finds the same


def _digest(number: int) -> str:
    return sha256(_der(number)).hexdigest()


def _cert(number: int) -> CertFacts:
    return records.cert(
        sha256=_digest(number),
        sha512=_digest(number) * 2,
        spki_sha256=_digest(number + 1_000_000),
        der=_der(number),
        issuer_cn=f"Issuing CA {number % 7}",
        key_bits=256 if number % 2 else 384,
    )


def _report(number: int) -> HostReport:
    host = host_name(number)
    kind = kind_of(number)
    if kind == "down":
        endpoints = tuple(EndpointReport(address, (records.refused(address),)) for address in _addresses(number))
    else:
        endpoints = tuple(_endpoint(number, address, kind) for address in _addresses(number))
    tlsa = records.report().tlsa
    if kind == "none":
        tlsa = TLSALookup(host, (), Dane.NONE, Reason.TLSA_NONE)
    return records.report(key=f"{host}:25/smtp", host=host, endpoints=endpoints, skipped=(), tlsa=tlsa)


def _addresses(number: int) -> tuple[str, str]:
    return f"192.0.{number // 250 % 250}.{number % 250}", f"2001:db8::{number:x}"


def _endpoint(number: int, address: str, kind: str) -> EndpointReport:
    shaken = records.handshake(
        version=VERSIONS[number % len(VERSIONS)],
        group=GROUPS[number % len(GROUPS)],
        chain=(_digest(number),),
        signature="ecdsa_secp256r1_sha256",
    )
    report = records.report().endpoints[0]
    evidence = None if kind == "none" else records.evidence(path=(_digest(number),))
    if kind == "mismatch":
        evidence = records.evidence(record=None, depth=-1, path=(_digest(number),))
    probe = records.probe(address, handshake=shaken, transcript=TRANSCRIPT)
    return EndpointReport(address, (probe,), evidence, report.pkix)


_DANE = {"ok": Dane.OK, "none": Dane.NONE, "mismatch": Dane.MISMATCH, "down": Dane.UNKNOWN}


def _host(number: int, place: int) -> HostVerdict:
    kind = kind_of(number)
    first, second = _addresses(number)
    down = kind == "down"
    good = records.endpoint_verdict(address=first, dane=_DANE[kind], reasons=_reasons(kind))
    return records.host_verdict(
        host=host_name(number),
        preference=10 * place,
        report=f"{host_name(number)}:25/smtp",
        dane=_DANE[kind],
        starttls=DomainStartTLS.UNKNOWN if down else DomainStartTLS.ALL,
        sender={"ok": Sender.VERIFIED, "none": Sender.ENCRYPTED}.get(kind, Sender.DEFER),
        conclusive=not down,
        endpoints=(records.unreached(first), records.unreached(second)) if down else (good, records.unreached(second)),
        text="no matching DANE TLSA records" if kind == "mismatch" else "",
    )


def _reasons(kind: str) -> tuple[Reason, ...]:
    return {"mismatch": (Reason.TLSA_MISMATCH,), "none": (Reason.TLSA_NONE,)}.get(kind, ())


def _domain(chosen: tuple[int, ...]) -> DomainRecord:
    verdicts = tuple(_host(number, place) for place, number in enumerate(chosen, 1))
    kinds = {kind_of(number) for number in chosen}
    dane = DomainDane.PROTECTED if kinds == {"ok"} else DomainDane.PARTIAL if "ok" in kinds else DomainDane.NONE
    outcome = DomainOutcome.OK
    if "mismatch" in kinds:
        dane, outcome = DomainDane.BROKEN, DomainOutcome.FAIL
    elif "down" in kinds:
        dane, outcome = DomainDane.UNKNOWN, DomainOutcome.INCONCLUSIVE
    sender = Sender.VERIFIED if dane is DomainDane.PROTECTED else Sender.ENCRYPTED
    if outcome is not DomainOutcome.OK:
        sender = Sender.DEFER
    return records.domain(
        key="@domain@",
        target=TargetInfo("@domain@", "list.csv", 7),
        route=records.route(*(verdict.host for verdict in verdicts)),
        hosts=verdicts,
        verdict=records.verdict(outcome=outcome, dane=dane, sender=sender),
    )
