import dataclasses
import json
import types
import typing
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results.store import codec
from scanner.facts import CertFacts, Reply
from scanner.model import DomainRecord, EndpointReport, HostReport, RejectRecord, RunHeader
from scanner.settings import Settings
from tests.unit import records

KINDS = [DomainRecord, HostReport, CertFacts, RejectRecord, RunHeader]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # what UTF-8 has a form for
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    float: st.floats(0, 1e9),
    bytes: st.binary(max_size=12),
    datetime: st.datetimes(timezones=st.just(UTC)),
    Any: st.none() | st.booleans() | TEXT,
    type(None): st.none(),
}


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Build values from a type, so that a field that is added is covered at once."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        fields = typing.get_type_hints(hint)
        return st.builds(hint, **{name: values(kind) for name, kind in fields.items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    args = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if typing.get_origin(hint) is dict:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=2)
    assert typing.get_origin(hint) in (typing.Union, types.UnionType), hint
    return st.one_of(*(values(arg) for arg in args))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_record_survives_and_is_one_line(kind: Any, data: st.DataObject) -> None:
    record = data.draw(values(kind))
    line = codec.encode(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert codec.decode(kind, line) == record
    assert json.loads(line) == json.loads(line)
    assert list(json.loads(line)) == [field.name for field in dataclasses.fields(kind)]


def test_times_are_utc_with_z() -> None:
    # RFC 3339 section 5.6; what is shorter than a second only where there is any.
    for microsecond, text in ((250_000, "2026-09-01T12:00:00.250000Z"), (0, "2026-09-01T12:00:00Z")):
        summer = datetime(2026, 9, 1, 12, 0, 0, microsecond, UTC)
        assert json.loads(codec.encode(records.domain(observed_at=summer)))["observed_at"] == text


def test_octets_are_base64() -> None:
    # printf '0\x82\x00\xff' | base64
    assert json.loads(codec.encode(records.cert()))["der"] == "MIIA/w=="


def test_undecodable_octets_in_text_cost_a_character_not_the_line() -> None:
    banner = Reply(220, ("caf\udce9",))
    report = records.report(endpoints=(EndpointReport("192.0.2.1", (records.probe(banner=banner),)),))
    back = codec.decode(HostReport, codec.encode(report))
    found = back.endpoints[0].probes[0].banner
    assert found is not None
    assert found.lines == ("caf\ufffd",)
    assert back.observed_at == report.observed_at


def test_members_of_a_newer_version_are_passed_over() -> None:
    member = json.loads(codec.encode(records.domain())) | {"later": [1]}
    assert codec.decode(DomainRecord, json.dumps(member).encode()) == records.domain()


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"key":"a.exa', b"\x00\x00", b'{"key":"\xff"}'])
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(codec.CodecError):
        codec.decode(DomainRecord, line)


def test_settings_become_plain_members() -> None:
    assert codec.plain(Settings())["timeouts"]["greeting"] == 60.0


def test_what_has_no_json_form_is_our_bug() -> None:
    with pytest.raises(codec.CodecError, match="Type is not JSON serializable: object"):
        codec.encode({"a": object()})


@pytest.mark.parametrize(
    ("record", "words"),
    [
        # orjson: integers beyond 64 bits; 2^64 is the first that is refused
        (records.cert(path_length=2**64), f"CertFacts {records.DIGEST}: Integer exceeds 64-bit range"),
        (records.domain(target=object()), "DomainRecord a.example: Type is not JSON serializable: object"),
        (records.report(port=-(2**63) - 1), "HostReport mx1.example"),
    ],
)
def test_a_record_that_cannot_be_encoded_is_named(record: object, words: str) -> None:
    with pytest.raises(codec.CodecError, match=words):
        codec.encode(record)


def test_pretty_is_the_same_record() -> None:
    assert codec.decode(RunHeader, codec.pretty(records.header())) == records.header()
