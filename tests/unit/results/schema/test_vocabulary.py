"""Every vocabulary of the records has a description, and every word a meaning."""

from enum import StrEnum

import pytest

from results.schema.schema import schema
from results.schema.vocabulary import VOCABULARIES
from scanner.reasons import Reason

NAMES = {kind.__name__ for kind in VOCABULARIES}


def test_every_vocabulary_of_the_schema_is_described() -> None:
    assert {name for name, definition in schema()["$defs"].items() if "enum" in definition} == NAMES


@pytest.mark.parametrize("kind", [kind for kind in VOCABULARIES if kind is not Reason])
def test_every_word_has_a_meaning(kind: type[StrEnum]) -> None:
    assert set(VOCABULARIES[kind].meanings) == set(kind)
