"""The generated pages of docs/ are those that the code generates."""

from pathlib import Path

import pytest

from results.schema.docs import DIRECTORY, documents, main

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("name", documents())
def test_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / DIRECTORY / name).read_text("utf-8") == documents()[name], "run `python -m results.schema.docs`"


def test_main_writes_every_page(tmp_path: Path) -> None:
    main(tmp_path / "new")
    assert {path.name: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()} == documents()


def test_words_of_members_are_in_the_table_of_fields() -> None:
    assert (
        "| `outcome` | value | delivery of mail at the requested security level: "
        "`ok`, `fail`, `inconclusive`, `no_mail` |" in documents()["fields.md"]
    )
