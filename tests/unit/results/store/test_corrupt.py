"""Corrupt lines of a run: each is counted once per file, up to a maximum, or is an error."""

from pathlib import Path

import pytest

from results.store.corrupt import MAX_CORRUPT, CorruptLines, handle
from results.store.files import StoreError

DOMAINS, HOSTS = Path("run/domains.jsonl"), Path("run/hosts.jsonl")

Skipped = tuple[Path, int, str]


@pytest.mark.parametrize(
    ("skipped", "expected"),
    [
        ([], []),
        ([(DOMAINS, 7, "no JSON")], [f"{DOMAINS}: 1 corrupt line skipped, the first is line 7: no JSON"]),
        (
            [(DOMAINS, 9, "later"), (DOMAINS, 2, "earlier")],  # the first by number, not by time
            [f"{DOMAINS}: 2 corrupt lines skipped, the first is line 2: earlier"],
        ),
        (
            [(DOMAINS, 2, "first reading"), (DOMAINS, 2, "second reading")],
            [f"{DOMAINS}: 1 corrupt line skipped, the first is line 2: first reading"],
        ),
        (
            [(DOMAINS, 2, "a"), (HOSTS, 2, "b"), (DOMAINS, 3, "c")],
            [
                f"{DOMAINS}: 2 corrupt lines skipped, the first is line 2: a",
                f"{HOSTS}: 1 corrupt line skipped, the first is line 2: b",
            ],
        ),
    ],
)
def test_one_message_for_each_file(skipped: list[Skipped], expected: list[str]) -> None:
    corrupt = CorruptLines()
    for path, number, text in skipped:
        handle(path, number, ValueError(text), corrupt)
    assert corrupt.summaries() == expected


def test_a_reader_that_skips_nothing_names_file_and_line() -> None:
    cause = ValueError("no JSON")
    with pytest.raises(StoreError) as caught:
        handle(DOMAINS, 7, cause, None)
    assert str(caught.value) == f"{DOMAINS}: line 7: no JSON"
    assert caught.value.__cause__ is cause


def test_a_file_with_too_many_corrupt_lines_is_an_error() -> None:
    corrupt = CorruptLines()
    for number in range(1, MAX_CORRUPT + 1):
        corrupt.skip(DOMAINS, number, ValueError("no JSON"))
    corrupt.skip(DOMAINS, MAX_CORRUPT, ValueError("no JSON"))  # read again
    corrupt.skip(HOSTS, 1, ValueError("no JSON"))  # another file has its own count
    with pytest.raises(StoreError) as caught:
        corrupt.skip(DOMAINS, MAX_CORRUPT + 1, ValueError("no JSON"))
    assert str(caught.value) == f"{DOMAINS}: more than {MAX_CORRUPT} corrupt lines, the first is line 1: no JSON"
