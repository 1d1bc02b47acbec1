"""Lines of every earlier version are readable, and no member of a line is removed or changes its type."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from results.schema.schema import SCHEMAS, schema
from results.store import codec
from tests.golden.write import golden

GOLDEN = Path(__file__).parents[2] / "tests" / "golden"


def line(name: str) -> bytes:
    return (GOLDEN / f"{name}.jsonl").read_bytes()


def shape(value: Any) -> Any:
    """What kinds of values stand where; the first member stands for a list."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def lost(old: Any, new: Any, where: str = "") -> list[str]:
    """Members that are no longer written, or have another kind."""
    if isinstance(old, dict) and isinstance(new, dict):
        gone = [f"{where}.{key}" for key in old if key not in new]
        return gone + [found for key in old if key in new for found in lost(old[key], new[key], f"{where}.{key}")]
    if isinstance(old, list) and isinstance(new, list):
        return lost(old[0], new[0], f"{where}[]") if old and new else []
    return [] if old == new else [f"{where}: {old} became {new}"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_there_is_a_golden_line_of_every_file(name: str) -> None:
    jsonschema.validate(json.loads(line(name)), schema(name))


@pytest.mark.parametrize("name", SCHEMAS)
def test_golden_lines_are_still_read(name: str) -> None:
    assert codec.decode(SCHEMAS[name], line(name)) == golden()[name]


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_member_goes_away_or_changes_its_kind(name: str) -> None:
    old, new = json.loads(line(name)), json.loads(codec.encode(golden()[name]))
    assert lost(shape(old), shape(new)) == []


def test_a_lost_member_would_be_seen() -> None:
    old = {"a": [{"b": "x"}], "c": 1}
    assert lost(shape(old), shape({"a": [{}]})) == [".c", ".a[].b"]
    assert lost(shape(old), shape({"a": [{"b": 1}], "c": 1})) == [".a[].b: str became int"]
