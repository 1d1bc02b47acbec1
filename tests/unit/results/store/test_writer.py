import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.store import codec
from results.store.files import MAX_WAITING, AppendFile, Lock, StoreError
from results.store.reader import LINE_FILES, Run
from results.store.writer import MAX_RAW, Store
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport, RejectRecord
from scanner.vocabulary import RunState
from tests.lines import dicts
from tests.unit import records, sts
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "first"


def lines(place: Path, name: str) -> list[bytes]:
    return (place / f"{name}.jsonl").read_bytes().splitlines()


def test_a_run_is_read_back_as_it_was_written(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_host(records.report(), [records.cert()])
        store.put_domain(records.domain(), [records.report()], CERTS)
        store.put_reject("list.csv", 9, "not a domain", "not-a-domain")
        store.finish(RunState.COMPLETE, {"domains": 1}, NOON + timedelta(hours=1))
    run = Run.open(place)
    assert list(run.certs()) == [records.cert()]
    assert list(run.hosts()) == [records.report()]
    assert list(run.domains()) == [records.domain()]
    assert list(run.rejects()) == [records.reject()]
    assert run.header == records.header(
        state=RunState.COMPLETE, totals={"domains": 1}, finished=NOON + timedelta(hours=1)
    )
    assert [row["key"] for row in dicts(run.path, "domains")] == ["a.example"]


def test_a_running_run_says_so_and_has_all_its_files(place: Path) -> None:
    with Store.create(place, records.header()):
        assert Run.open(place).header.state is RunState.RUNNING
        assert {path.name for path in place.iterdir()} >= {f"{name}.jsonl" for name in LINE_FILES}


def test_a_run_that_was_left_is_interrupted(place: Path) -> None:
    store = Store.create(place, records.header())
    store.put_domain(records.domain(), [], {})
    store.close()
    assert Run.open(place).header.state is RunState.INTERRUPTED
    assert list(Run.open(place).domains()) == [records.domain()]


def test_a_directory_with_a_run_is_refused_and_kept(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [], {})
    with pytest.raises(StoreError, match="already a run"):
        Store.create(place, records.header())
    assert list(Run.open(place).domains()) == [records.domain()]


def test_a_directory_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match="not empty"):
        Store.create(tmp_path, records.header())


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    Store.create(tmp_path, records.header()).close()
    assert Run.open(tmp_path).header.state is RunState.INTERRUPTED


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file/run: Not a directory"):
        Store.create(tmp_path / "file" / "run", records.header())


def test_a_run_is_locked_until_it_is_closed(place: Path) -> None:
    store = Store.create(place, records.header())
    with pytest.raises(StoreError, match="another process"):
        Lock(place / "run.lock")
    store.close()
    Lock(place / "run.lock").release()


def test_a_run_that_cannot_begin_is_not_locked(place: Path) -> None:
    with pytest.raises(TypeError):
        Store.create(place, records.header(settings={"level": object()}))
    Lock(place / "run.lock").release()


def test_the_first_failure_is_told_though_closing_fails_too(place: Path) -> None:
    def scan() -> None:
        with Store.create(place, records.header()) as store:
            store._files["domains"].close()
            store._files["domains"] = AppendFile(Path("/dev/full"))
            store.put_domain(records.domain(), [], {})
            raise LookupError

    with pytest.raises(LookupError):
        scan()
    Lock(place / "run.lock").release()


def test_a_host_and_its_certificates_come_before_the_domain_and_once(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [records.report()], CERTS)
        store.put_domain(records.domain(key="b.example"), [records.report()], {})
        store.put_host(records.report(key="mx2.example:25:smtp"), [records.cert()])
    assert [len(lines(place, name)) for name in ("certs", "hosts", "domains")] == [1, 2, 2]


@pytest.mark.parametrize("minutes", [5, -60])
def test_another_report_replaces_the_last_one_whatever_the_clock_shows(place: Path, minutes: int) -> None:
    again = records.report(observed_at=NOON + timedelta(minutes=minutes), endpoints=())
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [records.report()], CERTS)
        store.put_domain(records.domain(), [again], {})
        store.put_domain(records.domain(), [again], {})
    assert len(lines(place, "hosts")) == 2
    assert list(Run.open(place).hosts()) == [again]


def test_nothing_embedded_is_written_to_a_run(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(reports=(records.report(),)), [], {})
    assert [record.reports for record in Run.open(place).domains()] == [None]


UNENCODABLE = 2**64  # the first integer that orjson refuses


@pytest.mark.parametrize(
    ("record", "report", "cert", "words"),
    [
        (
            records.domain(),
            records.report(),
            records.cert(path_length=UNENCODABLE),
            "certificate of mx1.example:25:smtp: CertFacts .*: Integer exceeds 64-bit range",
        ),
        (records.domain(), records.report(port=UNENCODABLE), records.cert(), "HostReport mx1.example:25:smtp: Integer"),
        (records.domain(target=object()), records.report(), records.cert(), "DomainRecord a.example: Type is not"),
        (records.domain(), records.report(key="\ud800"), records.cert(), r"HostReport '\\ud800': not in ASCII"),
    ],
    ids=["certificate", "host", "domain", "index"],
)
def test_a_record_that_cannot_be_encoded_leaves_no_trace(
    place: Path, record: DomainRecord, report: HostReport, cert: CertFacts, words: str
) -> None:
    with Store.create(place, records.header()) as store:
        with pytest.raises(codec.CodecError, match=words):
            store.put_domain(record, [report], {DIGEST: cert})
        assert store.find_host(records.report().key) is None
        store.put_domain(records.domain(key="b.example"), [records.report()], CERTS)
    assert [len(lines(place, name)) for name in ("certs", "hosts", "domains")] == [1, 1, 1]


def test_a_certificate_that_two_hosts_of_a_domain_sent_is_written_once(place: Path) -> None:
    hosts = [records.report(), records.report(key="mx2.example:25:smtp")]
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), hosts, CERTS)
    assert [len(lines(place, name)) for name in ("certs", "hosts")] == [1, 2]


def test_a_stored_report_that_cannot_be_decoded_counts_as_not_written(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [records.report()], CERTS)
    path = place / "hosts.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"port":25', b'"port":"x"', 1))  # as long as it has to be
    with Store.resume(place) as store:
        assert store.find_host(records.report().key) is None


def test_a_run_on_a_full_disk_fails_with_one_line(place: Path) -> None:
    store = Store.create(place, records.header())
    store._files["domains"].close()
    store._files["domains"] = AppendFile(Path("/dev/full"))
    store.put_domain(records.domain(), [], {})
    with pytest.raises(StoreError, match="No space left"):
        store.sync()
    with pytest.raises(StoreError, match="No space left"):
        store.close()
    Lock(place / "run.lock").release()


def test_what_waits_is_due_after_a_second(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        assert not store.due(100.0)
        store.put_domain(records.domain(), [], {})
        assert not store.due(200.0)
        assert not store.due(200.9)
        assert store.due(201.0)
        assert lines(place, "domains") == []
        store.sync()
        assert len(lines(place, "domains")) == 1
        assert not store.due(300.0)


def test_memory_is_bounded_between_syncs(place: Path) -> None:
    big = records.domain(verdict=records.verdict(text="x" * 100_000))
    with Store.create(place, records.header()) as store:
        for number in range(MAX_WAITING // 100_000 + 1):
            store.put_domain(replace(big, key=f"{number}.example"), [], {})
        assert (place / "domains.jsonl").stat().st_size > MAX_WAITING


def test_certificates_are_on_disk_before_hosts_before_domains(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        order.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        synced(descriptor)

    with Store.create(place, records.header()) as store:
        monkeypatch.setattr(os, "fsync", fsync)
        store.put_domain(records.domain(), [records.report()], CERTS)
        store.sync()
        assert order == ["certs.jsonl", "hosts.jsonl", "domains.jsonl"]


def test_a_rejected_line_is_bounded(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_reject("-", 1, "x" * 5000, "too-long")
    assert list(Run.open(place).rejects()) == [RejectRecord("-:1", "-", 1, "x" * MAX_RAW, "too-long")]


def test_the_certificates_of_a_policy_host_are_written_once(tmp_path: Path) -> None:
    probe = records.probe()
    assert probe.handshake is not None
    fetch = replace(sts.FETCH, handshake=probe.handshake)
    record = records.domain(sts=sts.report(sts.policy(), fetch))
    with Store.create(tmp_path / "run", records.header()) as store:
        for key in ("a.example", "b.example"):
            store.put_domain(replace(record, key=key), [], {records.DIGEST: records.cert()})
    assert [cert.sha256 for cert in Run.open(tmp_path / "run").certs()] == [records.DIGEST]


def test_domains_and_rejects_are_replaced_as_a_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed replacement leaves the file unchanged; lines can be appended after a replacement."""
    reject = [codec.encode(RejectRecord(f"-:{line}", "-", line, "x", "no name")) for line in range(3)]
    monkeypatch.setattr("results.store.writer.MAX_WAITING", 10)
    with Store.create(place, records.header()) as store:
        store.put_reject("-", 9, "x", "no name")
        store.sync()

        def broken() -> Iterator[bytes]:
            yield reject[0]
            raise StoreError("gone")

        with pytest.raises(StoreError, match="gone"):
            store.replace_lines("rejects", broken())
        assert [each.line for each in Run.open(place).rejects()] == [9]
        store.replace_lines("rejects", reject)
        assert (place / "rejects.jsonl").read_bytes() == b"".join(reject)
        store.put_reject("-", 4, "x", "no name")
    assert [each.line for each in Run.open(place).rejects()] == [0, 1, 2, 4]
    assert not list(place.glob("*.new"))


def test_lines_of_another_run_are_copied_once(tmp_path: Path) -> None:
    host, certificate = codec.encode(records.report()), codec.encode(records.cert())
    later = codec.encode(replace(records.report(), observed_at=records.NOON + timedelta(hours=1)))
    with Store.create(tmp_path / "run", records.header()) as store:
        for line in (host, host, later):
            store.copy_host(line)
            store.copy_cert(certificate)
        store.put_host(replace(records.report(), observed_at=records.NOON + timedelta(hours=1)), [records.cert()])
        for bad in (b'{"key":"a"}\n', b'{"key":"a","observed_at":"noon"}\n', b"[]\n"):
            with pytest.raises(ValueError, match=r"."):
                store.copy_host(bad)
            with pytest.raises(ValueError, match=r"."):
                store.copy_cert(bad)
    assert (tmp_path / "run" / "hosts.jsonl").read_bytes() == host + later
    assert (tmp_path / "run" / "certs.jsonl").read_bytes() == certificate
