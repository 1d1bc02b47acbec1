"""Facts are values: equal by their members, unchangeable, and cheap to hash where they are keys."""

from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import pytest

from scanner import facts
from scanner.facts import Endpoint, Failure, TLSALookup
from scanner.vocabulary import FailureKind, Mode, Phase
from tests.unit import records

ENDPOINT = Endpoint("192.0.2.1", 25, "mx1.example", Mode.SMTP, "authenticated")

CLASSES = [kind for kind in vars(facts).values() if isinstance(kind, type) and is_dataclass(kind)]


@pytest.mark.parametrize(
    ("parts", "same_hash"),
    [
        ({"address": "192.0.2.2"}, False),
        ({"sni": "mx2.example"}, False),
        ({"sni": None}, False),
        ({"port": 465}, True),
        ({"mode": Mode.LMTP}, True),
        ({"profile": "opportunistic"}, True),
    ],
)
def test_endpoints_that_differ_are_two_keys(parts: dict[str, Any], same_hash: bool) -> None:  # noqa: FBT001 - a column
    other = replace(ENDPOINT, **parts)
    assert (hash(other) == hash(ENDPOINT)) is same_hash
    assert len({ENDPOINT, other, replace(ENDPOINT), replace(other)}) == 2


@pytest.mark.parametrize(
    "fact",
    [
        ENDPOINT,
        Failure(Phase.CONNECT, FailureKind.TIMEOUT),
        records.answer("mx1.example", "A", "192.0.2.1"),
        records.cert(),
        records.handshake(),
        records.probe(),
        TLSALookup("mx1.example", (records.MATCHING,), dane=None, reason=None),
        records.MATCHING,
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_fact_cannot_change_and_equals_its_copy(fact: Any) -> None:
    first = fields(fact)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(fact, first, None)
    assert replace(fact) == fact
    assert replace(fact, **{first: "other"}) != fact


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_facts_have_no_dictionary(kind: type) -> None:  # a run holds many
    assert "__slots__" in vars(kind)
    assert not any("__dict__" in vars(base) for base in kind.__mro__)
