"""Every record and member has a description, and every description has its record and member."""

import re

import pytest

from results.schema.docs import records
from results.schema.fields import COMMON, FIELDS, RECORDS, meaning

KINDS = {kind.__name__: set(kind.__dataclass_fields__) for kind in records()}


def test_every_record_is_described() -> None:
    assert set(RECORDS) == set(KINDS)


@pytest.mark.parametrize("record", KINDS)
def test_every_member_is_described(record: str) -> None:
    assert [member for member in KINDS[record] if not meaning(record, member)] == []


def test_every_description_has_its_member() -> None:
    assert set(FIELDS) <= set(KINDS)
    assert [(name, member) for name, table in FIELDS.items() for member in table if member not in KINDS[name]] == []
    assert set(COMMON) <= set().union(*KINDS.values())


def test_descriptions_are_free_of_markup_for_docstrings() -> None:
    texts = [*RECORDS.values(), *COMMON.values(), *(text for table in FIELDS.values() for text in table.values())]
    assert [text for text in texts if re.search(r"``|\|", text)] == []
