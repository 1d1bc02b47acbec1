"""The spool: each destination once, shuffled, counted, whatever the list looks like; and taken up again."""

import io
import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets import partition, spool, streams
from targets.kinds import SAMPLE
from targets.lists import Form, Lists, PlainNames, Reader, Reject, Target
from targets.partition import Sampling, octets_of
from targets.spool import OTHER_REASONS, Spool, SpoolError

READER = Reader()


def listed(data: bytes, reader: Reader = READER) -> Lists:
    return Lists(["-"], reader, stdin=io.BytesIO(data))


def made(place: Path, data: bytes, **more: object) -> Spool:
    return Spool.make(place / "spool", listed(data).blocks(), READER, **more)  # type: ignore[arg-type]


def names(count: int, stem: str = "d") -> bytes:
    return b"".join(b"%s%d.example\n" % (stem.encode(), number) for number in range(count))


def raws(items: object) -> list[str]:
    return [item.raw for item in items if isinstance(item, Target)]  # type: ignore[attr-defined]


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of a few lines are partitioned, and buffers overflow."""
    monkeypatch.setattr(spool, "SMALL", 10)
    monkeypatch.setattr(partition, "WAITING", 7)
    monkeypatch.setattr(partition, "BUCKETS", 4)
    monkeypatch.setattr(spool, "BUCKETS", 4)
    monkeypatch.setattr(streams, "CHUNK", 64)


WORDS = st.sampled_from(
    [
        "a.example", "b.example", "xn--bcher-kva.example", "A.Example", "a.example.", "a_b.example", "-a.example",
        "a-.example", "a..example", ".example", "example.", "192.0.2.1", "1.2", "1-2.", "12.", "[192.0.2.1]",
        "a.example:587", "a.example # why", "# why", "", " a.example", "1,c.example", "c.example,1", '"c.example"',
        "x" * 63 + ".example", "x" * 64 + ".example", ".".join(["y" * 60] * 5), "bücher.example", "\0", "a.example\r",
    ]
)  # fmt: skip
DATA = st.lists(WORDS, max_size=30).map(lambda found: "\n".join(found).encode())


def opened_out(lists: Lists) -> list[Target | Reject]:
    """The blocks of lists, line by line."""
    found: list[Target | Reject] = []
    for entry in lists.blocks():
        if isinstance(entry, PlainNames):
            rows = enumerate(entry.names, entry.line)
            found += [Target(READER.plain(n.decode()), n.decode(), entry.source, line) for line, n in rows]
        else:
            found.append(entry)
    return found


@given(data=DATA, block=st.sampled_from([16, 64, 65536]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_in_blocks_are_the_lines(monkeypatch: pytest.MonkeyPatch, data: bytes, block: int) -> None:
    """The fast way and the slow one agree on every line, also where each is a duplicate."""
    monkeypatch.setattr(streams, "CHUNK", block)
    slow = listed(data)
    assert opened_out(listed(data)) == [slow._entry("-", line, row) for line, row in slow._sources[0].rows()]


@pytest.mark.parametrize("data", [b"a.example\nb.example\n" * 40, names(100)])
def test_plain_lines_take_the_fast_way(tmp_path: Path, data: bytes) -> None:
    """The lines by which a list is recognised are read again, unless the list is a pipe."""
    (tmp_path / "list").write_bytes(data)
    (block,) = Lists([tmp_path / "list"]).blocks()
    assert isinstance(block, PlainNames)
    assert block.names == data.split()
    *ahead, block = listed(data * 2).blocks()
    assert len(ahead) == SAMPLE
    assert isinstance(block, PlainNames)


@pytest.mark.parametrize("more", [Reader(587), Reader(lmtp=True)])
def test_a_name_that_is_not_its_own_key_takes_the_slow_way(more: Reader) -> None:
    (entry,) = listed(b"a.example\n", more).blocks()
    assert isinstance(entry, Target)
    assert entry.destination.key != "a.example"


@given(data=DATA, small=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_spool_holds_what_the_lists_hold(
    tmp_path_factory: pytest.TempPathFactory, big: None, data: bytes, *, small: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(spool, "SMALL", 1000)
        expected, lists = list(listed(data)), listed(data)
        list(lists)
        found = made(tmp_path_factory.mktemp("s"), data)
        items = list(found.items())
    targets = [entry for entry in expected if isinstance(entry, Target)]
    rejects = [entry for entry in expected if isinstance(entry, Reject)]
    assert sorted(raws(items)) == sorted(raws(targets))
    assert sorted(items, key=repr) == sorted(expected, key=repr)
    assert items[: len(rejects)] == rejects
    assert (found.total, found.rejects, found.duplicates) == (len(targets), len(rejects), lists.duplicates)


def test_ranks_fields_and_sources_travel(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"rank,Domain,note\n7,{name.title()}.Example.,tab\there\n8,{name}.example,later\n")
    lists = Lists([str(tmp_path / "one"), str(tmp_path / "two")], form=Form("domain"))
    found = {item.raw: item for item in Spool.make(tmp_path / "s", lists.blocks(), READER).items()}
    one = found["One.Example."]
    assert isinstance(one, Target)
    assert (one.destination.key, one.source, one.line) == ("one.example", str(tmp_path / "one"), 2)
    assert one.fields == {"rank": "7", "note": "tab\there"}
    assert found.keys() == {"One.Example.", "Two.Example."}


def test_order_is_shuffled_and_always_the_same(tmp_path: Path, big: None) -> None:
    data = names(200)
    orders = [raws(made(tmp_path / name, data).items()) for name in ("one", "two")]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(data.decode().split())
    neighbours = sum(abs(int(a[1:-8]) - int(b[1:-8])) == 1 for a, b in zip(orders[0], orders[0][1:], strict=False))
    assert neighbours < 20, "what stands together in the list does not come in a row"


def test_first_is_served_first_and_wins(tmp_path: Path, big: None) -> None:
    (tmp_path / "urgent").write_bytes(names(30))
    urgent = str(tmp_path / "urgent")
    given = Target(READER.destination("g.example"), "g.example", "--domain", 1)
    entries = chain([given], listed(names(100)).blocks())
    found = Spool.make(tmp_path / "s", entries, READER, first=Lists([urgent]).blocks())
    items = [item for item in found.items() if isinstance(item, Target)]
    assert {item.source for item in items[:30]} == {urgent}
    assert {item.source for item in items[30:]} == {"-", "--domain"}
    assert (found.total, found.duplicates) == (101, 30)


def test_what_is_done_is_left_out(tmp_path: Path, big: None) -> None:
    data = b"bad domain\nbad too\n" + names(100)
    everything = raws(made(tmp_path, data).items())
    again = Spool.open(tmp_path / "spool", READER)
    done = [*everything[:60], "unknown.example", everything[0]]
    assert again.leave_out(done, rejects=1) == 60
    rest = list(again.items())
    assert isinstance(rest[0], Reject)
    assert rest[0].raw == "bad too"
    assert raws(rest) == everything[60:]
    assert raws(Spool.open(tmp_path / "spool", READER).items()) == everything, "marks are not for ever"


def test_only_what_is_asked_for(tmp_path: Path, big: None) -> None:
    found = made(tmp_path, b"bad domain\n" + names(50))
    assert found.only(["d7.example", "d8.example", "e.example"]) == 2
    assert sorted(raws(found.items())) == ["d7.example", "d8.example"]
    assert not any(isinstance(item, Reject) for item in found.items())


@pytest.mark.parametrize("key", ["unix:/a\\tb", "unix:/ü", "a.example"])
def test_keys_with_odd_characters(tmp_path: Path, key: str) -> None:
    assert not set(octets_of(f"{key}\t\n")) & set(b"\t\n")
    assert octets_of(key).decode("unicode_escape") == key
    reader = Reader(lmtp=True)
    found = Spool.make(tmp_path / "s", listed(key.encode(), reader).blocks(), reader)
    (target,) = found.items()
    assert isinstance(target, Target)
    assert target.destination == reader.destination(key)
    assert found.leave_out([target.destination.key], 0) == 1


def cut(place: Path) -> None:
    name = next(path for path in place.iterdir() if path.name.startswith("rest"))
    name.write_bytes(name.read_bytes()[:-1])


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (lambda place: (place / "index.json").unlink(), "was not read to its end"),
    (lambda place: (place / "index.json").write_text("{"), "index.json: "),
    (lambda place: (place / "index.json").write_text('{"x":1}'), "index.json: "),
    (lambda place: (place / "rejects").unlink(), "missing or changed since it was written"),
    (cut, "missing or changed since it was written"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGE)
def test_a_spool_that_is_not_whole(tmp_path: Path, damage: Callable[[Path], object], words: str) -> None:
    made(tmp_path, names(3))
    damage(tmp_path / "spool")
    with pytest.raises(SpoolError, match=words):
        Spool.open(tmp_path / "spool", READER)


def test_an_unfinished_spool_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "rest-000").write_text("old\t0\t1\n")
    assert raws(made(tmp_path, b"new.example\n").items()) == ["new.example"]
    assert json.loads((tmp_path / "spool" / "index.json").read_bytes())["total"] == 1


@given(data=DATA, count=st.integers(1, 12), seed=st.integers(0, 9))
@settings(max_examples=40)
def test_a_sample_depends_on_the_destinations_alone(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, count: int, seed: int
) -> None:
    rows = data.split(b"\n")
    if rows and b"," in data:
        return  # the first lines show the layout, so the order of the lines matters
    forward, backward, whole = (
        made(tmp_path_factory.mktemp("s"), b"\n".join(each), sampling=sampling)
        for each, sampling in ((rows, Sampling(count, seed)), (rows[::-1], Sampling(count, seed)), (rows, None))
    )
    found = [{e.destination.key for e in each.items() if isinstance(e, Target)} for each in (forward, backward, whole)]
    assert found[0] == found[1] <= found[2]
    assert forward.total == len(found[0]) == min(count, whole.total)
    assert (forward.rejects, forward.duplicates) == (whole.rejects, whole.duplicates)


def test_another_seed_is_another_sample(tmp_path: Path, big: None) -> None:
    chosen = {
        seed: frozenset(raws(made(tmp_path / str(seed), names(200), sampling=Sampling(20, seed)).items()))
        for seed in range(4)
    }
    assert len(set(chosen.values())) == 4


def test_rejects_are_counted_by_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "REASONS", 2)
    found = made(tmp_path, b"a.example\nb c\nd e\nx*.example\n-a.example\nf g\n", cut=lambda: ["one: cut short"])
    expected = {
        "not a valid host name: it contains white space": 3,
        "not a valid host name: character '*' is not allowed": 1,
        OTHER_REASONS: 1,
    }
    assert found.reasons == expected
    again = Spool.open(tmp_path / "spool", READER)
    assert (again.reasons, again.cut, next(iter(again.reasons))) == (expected, ["one: cut short"], next(iter(expected)))


def test_a_spool_moves(tmp_path: Path) -> None:
    found = made(tmp_path, names(5))
    found.move(tmp_path / "elsewhere")
    assert len(raws(found.items())) == Spool.open(tmp_path / "elsewhere", READER).total == 5


@pytest.mark.usefixtures("big")
def test_the_buckets_together_are_the_items(tmp_path: Path) -> None:
    found = made(tmp_path, names(40) + b"bad domain\n")
    halves = [raws(found.targets(range(half, found.buckets, 2))) for half in range(2)]
    assert sorted(halves[0] + halves[1]) == sorted(raws(found.items()))
    assert [reject.raw for reject in found.rejected()] == ["bad domain"]
