"""Partial records read the lines that whole records were written as."""

from pathlib import Path

import msgspec
import pytest

from results.store import codec
from results.store.files import StoreError
from results.store.partial import HOST, VERDICT, CertPart, DomainPart, ReportPart, lines
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import EndpointReport, PathError
from tests.unit import records

RECORDS = ((DomainPart, records.domain()), (ReportPart, records.report()), (CertPart, records.cert()))


@pytest.mark.parametrize(("kind", "record"), RECORDS)
def test_every_member_of_a_part_is_that_of_the_record(kind: type[msgspec.Struct], record: object) -> None:
    part = msgspec.json.decode(codec.encode(record), type=kind)
    found = {name: value for name, value in msgspec.structs.asdict(part).items() if isinstance(value, str | int)}
    assert "key" in found or "sha256" in found
    whole = codec.plain(record)
    assert {name: whole[name] for name in found} == found


def test_verdicts_are_read_from_their_octets() -> None:
    part = msgspec.json.decode(codec.encode(records.domain()), type=DomainPart)
    (host,) = map(HOST.decode, part.hosts)
    assert (host.host, host.preference, host.dane, host.report) == ("mx1.example", 10, "ok", "mx1.example:25:smtp")
    assert VERDICT.decode(part.verdict).dane == "protected"


@pytest.mark.parametrize(
    ("probes", "version"),
    [
        ((records.probe(),), "TLSv1.3"),
        ((records.probe(), records.refused()), None),  # the confirming probe was refused
        ((), None),
    ],
)
def test_the_handshake_is_that_of_the_probe_that_stands_for_the_address(
    probes: tuple[object, ...], version: str
) -> None:
    report = codec.plain(records.report(endpoints=(EndpointReport("192.0.2.1", ()),)))
    report["endpoints"][0]["probes"] = [codec.plain(probe) for probe in probes]
    (address,) = msgspec.convert(report, ReportPart).endpoints
    assert (address.handshake and address.handshake.version) == version


def test_a_path_error_makes_evidence_no_match() -> None:
    bad = records.evidence(errors=(PathError(10, 0, "certificate has expired"),))
    ends = (
        EndpointReport("192.0.2.1", (records.probe(),), records.evidence()),
        EndpointReport("192.0.2.2", (records.probe(),), bad),
    )
    part = msgspec.json.decode(codec.encode(records.report(endpoints=ends)), type=ReportPart)
    assert [end.dane.matched for end in part.endpoints if end.dane] == [True, False]


def test_a_line_that_is_no_such_record_is_named(tmp_path: Path) -> None:
    Store.create(tmp_path / "run", records.header()).close()
    (tmp_path / "run/hosts.jsonl").write_bytes(b'{"key":"a"}\n')
    with pytest.raises(StoreError, match=r"hosts\.jsonl: "):
        list(lines(Run.open(tmp_path / "run"), "hosts", ReportPart))
