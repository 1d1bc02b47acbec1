"""Values that no record can hold: the domain gets the record of an internal error, and the scan goes on.

Each value enters at another stage: the certificate, host and domain lines are encoded by orjson, which has no integers
beyond 64 bits and no lone surrogates.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from results.store.reader import Run
from results.store.writer import Store
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, Endpoint, Failure, Reply
from scanner.net.probe import ProbeResult
from scanner.reasons import Reason
from scanner.run import pipeline
from scanner.settings import Caps, Retries, Settings
from scanner.vocabulary import FailureKind, Phase
from tests.unit import fakes, pki, records
from tests.unit.fakes import OK_RECORD, V4, V4B, World, host, mx, shakes

BAD, GOOD = "bad.test", "good.test"
BEYOND = 2**64
ALONE = pki.Plan(pki.name("mx.bad.test"), pki.key("alone"), sans=pki.dns("mx.bad.test")).make()

Change = Callable[[ProbeResult], ProbeResult]


def unhashed(seen: ProbeResult) -> ProbeResult:
    """Return a probe whose chain has a certificate that was not sent: judging raises KeyError."""
    assert seen.probe.handshake is not None
    return replace(seen, probe=replace(seen.probe, handshake=replace(seen.probe.handshake, chain=("00" * 32,))))


def odd_code(seen: ProbeResult) -> ProbeResult:
    failure = Failure(Phase.QUIT, FailureKind.REJECTED, BEYOND, "a reply code beyond 64 bits")
    return replace(seen, probe=replace(seen.probe, failure=failure))


def surrogates(seen: ProbeResult) -> ProbeResult:
    return replace(seen, probe=replace(seen.probe, banner=Reply(220, ("\ud800 \udfff",))))


def unchanged(seen: ProbeResult) -> ProbeResult:
    return seen


def changed(change: Change) -> fakes.Behaviour:
    def behave(endpoint: Endpoint) -> ProbeResult:
        seen = shakes(ALONE)(endpoint)
        return seen if endpoint.profile in fakes.ALGORITHMS else change(seen)

    return behave


def world(change: Change, preference: int = 10) -> World:
    dns = mx(f"{preference} mx.{BAD}", domain=BAD) | host(f"mx.{BAD}", V4B, records=[pki.tlsa(3, 1, 1, ALONE)])
    dns |= mx(f"10 mx.{GOOD}", domain=GOOD) | host(f"mx.{GOOD}", V4, records=[OK_RECORD])
    return World(dns, {V4: shakes(), V4B: changed(change)})


async def scan(place: Path, ends: World) -> dict[str, tuple[str, tuple[Reason, ...], str]]:
    """Scan both domains into a run directory; return outcome, reasons and text of each record."""
    settings = Settings(caps=Caps(total=2), retries=Retries(times=0))
    targets = [fakes.target(name, line) for line, name in enumerate((BAD, GOOD), 1)]
    with Store.create(place, records.header()) as store:
        await pipeline.scan(iter(targets), ends.ports(settings), store, pipeline.Stop(), store.find_host)
    Store.resume(place).close()
    found = {record.key: record.verdict for record in Run.open(place).domains()}
    return {key: (verdict.outcome, verdict.reasons, verdict.text) for key, verdict in found.items()}


def endless_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader of certificates return a path length that was not range-checked, as 0.1.0 did."""
    original = certs.facts

    def facts(der: bytes) -> CertFacts:
        return replace(original(der), path_length=BEYOND) if der == ALONE.der else original(der)

    monkeypatch.setattr(certs, "facts", facts)


@pytest.mark.parametrize(
    ("change", "preference", "words"),
    [
        (unhashed, 10, f"MX host mx.{BAD}: KeyError: "),
        (unchanged, 10, f"CodecError: certificate of mx.{BAD}:25/smtp: CertFacts "),
        (odd_code, 10, f"CodecError: HostReport mx.{BAD}:25/smtp: Integer exceeds 64-bit range"),
        (unchanged, BEYOND, f"CodecError: DomainRecord {BAD}: Integer exceeds 64-bit range"),
    ],
    ids=["judged", "certificate", "host", "domain"],
)
async def test_a_value_that_no_record_can_hold_costs_its_own_domain_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, preference: int, words: str
) -> None:
    if words.startswith("CodecError: certificate"):
        endless_path(monkeypatch)
    found = await scan(tmp_path / "run", world(change, preference))
    assert found[GOOD] == ("ok", (), "")
    outcome, reasons, text = found[BAD]
    assert (outcome, reasons) == ("inconclusive", (Reason.INTERNAL,))
    assert text.startswith(words)


async def test_lone_surrogates_of_a_peer_cost_characters_and_no_record(tmp_path: Path) -> None:
    found = await scan(tmp_path / "run", world(surrogates))
    assert {outcome for outcome, _, _ in found.values()} == {"ok"}
    hosts = {report.host: report for report in Run.open(tmp_path / "run").hosts()}
    banner = hosts[f"mx.{BAD}"].endpoints[0].probes[0].banner
    assert banner is not None
    assert banner.lines == ("\ufffd \ufffd",)
