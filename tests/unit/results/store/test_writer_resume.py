"""A run taken up again: nothing is lost, nothing written twice, and what was found can be found again."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from results.store.files import StoreError
from results.store.reader import Run
from results.store.writer import Store
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}
FILES = ("certs", "hosts", "domains")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A run with a domain, that was killed."""
    place = tmp_path / "run"
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [records.report()], CERTS)
        store.put_reject("list", 3, "x y", "no name")
    return place


def counts(place: Path) -> list[int]:
    return [(place / f"{name}.jsonl").read_bytes().count(b"\n") for name in FILES]


def test_what_is_there_is_not_written_again(place: Path) -> None:
    before = counts(place)
    with Store.resume(place) as store:
        store.put_host(records.report(), [records.cert()])
        store.put_domain(records.domain(key="b.example"), [records.report()], CERTS)
    assert counts(place) == [before[0], before[1], before[2] + 1]


def test_a_later_report_is_written(place: Path) -> None:
    later = records.report(observed_at=NOON + timedelta(minutes=5))
    with Store.resume(place) as store:
        store.put_host(later, [records.cert()])
        assert store.find_host(later.key) == (later, CERTS)
    assert list(Run.open(place).hosts()) == [later]


def test_what_was_found_is_found_again(place: Path) -> None:
    with Store.resume(place) as store:
        assert store.find_host(records.report().key) == (records.report(), CERTS)
        assert store.find_host("other.example:25/smtp") is None


def test_what_waits_in_memory_is_found_too(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", records.header()) as store:
        for number in range(3):
            store.put_host(records.report(key=f"mx{number}.example:25/smtp"), [records.cert()])
        assert (tmp_path / "run" / "hosts.jsonl").stat().st_size == 0
        for _ in range(2):
            found = store.find_host("mx1.example:25/smtp")
            assert found is not None
            assert found[0].key == "mx1.example:25/smtp"
            store.sync()


def test_anew_is_found_only_what_is_seen_from_now_on(place: Path) -> None:
    with Store.resume(place, anew=True) as store:
        assert store.find_host(records.report().key) is None
        fresh = records.report(observed_at=NOON - timedelta(hours=1))  # the clock was set back
        store.put_host(fresh, [records.cert()])
        assert store.find_host(fresh.key) == (fresh, CERTS)
    assert counts(place)[:2] == [1, 2]


@pytest.mark.parametrize("name", FILES)
def test_a_torn_end_is_cut_off_and_kept(place: Path, name: str) -> None:
    file = place / f"{name}.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"key":"torn.exa')
    Store.resume(place).close()
    assert file.read_bytes() == whole
    assert (place / f"{name}.jsonl.torn").read_bytes() == b'{"key":"torn.exa\n'


def test_a_host_whose_line_was_torn_is_written_again(place: Path) -> None:
    file = place / "hosts.jsonl"
    file.write_bytes(file.read_bytes()[:-1])
    with Store.resume(place) as store:
        assert store.find_host(records.report().key) is None
        store.put_host(records.report(), [records.cert()])
    assert list(Run.open(place).hosts()) == [records.report()]


def test_states(place: Path) -> None:
    assert Run.open(place).header.state is RunState.INTERRUPTED
    with Store.resume(place) as store:
        assert Run.open(place).header.state is RunState.INTERRUPTED, "it may yet be refused"
        store.begin("0.2.0")
        assert Run.open(place).header.state is RunState.RUNNING
        store.finish(RunState.COMPLETE, {"domains": 1}, NOON)
    Store.resume(place).close()
    header = Run.open(place).header
    assert (header.state, header.totals, header.finished) == (RunState.COMPLETE, {"domains": 1}, NOON)


def test_a_file_that_was_never_made(place: Path) -> None:
    (place / "hosts.jsonl").unlink()
    Store.resume(place).close()
    assert counts(place)[1] == 0


def spoil(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda place: (place / name).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: (place / "run.json").unlink(), r"no run here"),
        (spoil("certs.jsonl", b'{"sha256":"zz"}\n'), "non-hexadecimal"),
        (spoil("hosts.jsonl", b'{"key":"a"}\n'), "no host"),
        (spoil("hosts.jsonl", b'{"key":"a","observed_at":"now"}\n'), "isoformat"),
        (spoil("hosts.jsonl", b"[]\n"), "does not begin with a key"),
    ],
)
def test_what_cannot_be_taken_up(place: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(place)
    for _ in range(2):  # and it is not locked afterwards
        with pytest.raises(StoreError, match=words):
            Store.resume(place)


def test_a_run_that_is_being_written(place: Path) -> None:
    with Store.resume(place), pytest.raises(StoreError, match="another process is writing"):
        Store.resume(place)


def test_a_run_that_is_paused_is_taken_up_as_any_other(place: Path) -> None:
    with Store.resume(place) as store:
        store.begin("0.2.0")
        store.mark(RunState.PAUSED)
        found = Run.open(place).header
        assert (found.state, found.finished) == (RunState.PAUSED, None)
    assert Run.open(place).header.state is RunState.INTERRUPTED
    with Store.resume(place) as store:
        store.mark(RunState.PAUSED)
        (place / "run.json").rename(place / "as-killed.json")
        store.mark(RunState.RUNNING)
    (place / "as-killed.json").replace(place / "run.json")
    with Store.resume(place) as store:
        store.begin("0.2.0")
        assert Run.open(place).header.state is RunState.RUNNING


def test_a_run_records_all_versions_that_wrote_it(place: Path) -> None:
    """Version 0.1.0 recorded only the version that began the run."""
    for version, expected in (("0.3.0", ("0.1.0", "0.3.0")), ("0.3.0", ("0.1.0", "0.3.0"))):
        with Store.resume(place) as store:
            store.begin(version)
        assert Run.open(place).header.versions == expected
    assert Run.open(place).header.version == "0.1.0"
