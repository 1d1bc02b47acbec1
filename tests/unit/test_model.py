"""Evidence and the records of the output files: when a TLSA record matches (RFC 7671 section 5), and lines by key."""

import json
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest

from results.store import codec
from scanner import model
from scanner.model import SCHEMA, PathError, RunHeader, TargetInfo
from tests.unit import records

EXPIRED = PathError(10, 0, "certificate has expired")
NO_MATCH = PathError(65, 0, "no matching DANE TLSA records")

CLASSES = [kind for kind in vars(model).values() if is_dataclass(kind) and kind.__module__ == model.__name__]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, True),
        ({"needs_name": True}, True),  # the name is compared elsewhere
        ({"depth": 1, "bare_key": True}, True),
        ({"errors": (EXPIRED,)}, False),
        ({"record": None, "depth": -1, "errors": (NO_MATCH,)}, False),
        ({"record": None, "depth": -1}, False),
    ],
)
def test_a_match_is_a_record_and_a_path_without_errors(parts: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert records.evidence(**parts).matched is expected


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (records.domain(), "a.example"),
        (records.report(), "mx1.example:25:smtp"),
        (records.reject(), "list.csv:9"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_line_begins_with_its_key_and_ends_with_its_schema(record: object, key: str) -> None:
    members = list(json.loads(codec.encode(record)).items())
    assert members[0] == ("key", key)
    assert members[-1] == ("schema", SCHEMA)


@pytest.mark.parametrize("record", [records.header(), records.status()], ids=lambda value: type(value).__name__)
def test_the_run_and_its_status_tell_their_schema(record: object) -> None:
    assert json.loads(codec.encode(record))["schema"] == SCHEMA


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_records_cannot_change(kind: Any) -> None:
    empty = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(empty, fields(kind)[0].name, None)


def test_records_share_no_default_dictionary() -> None:
    first, second = TargetInfo("a.example"), TargetInfo("b.example")
    first.fields["country"] = "nl"
    assert second.fields == {}
    headers = [RunHeader("0.1.0", records.NOON, records.header().state) for _ in range(2)]
    for name in ("settings", "totals", "reject_reasons"):
        assert getattr(headers[0], name) == {}
        assert getattr(headers[0], name) is not getattr(headers[1], name)
