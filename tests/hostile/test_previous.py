"""The table of the faults of version 0.1.0: complete, and with the names of tests that exist."""

from pathlib import Path

import pytest

from tests.hostile.previous import TESTS
from tests.hostile.previous_faults import FAULTS

ROOT = Path(__file__).parents[2]


def test_each_fault_has_a_test() -> None:
    assert list(TESTS) == list(FAULTS)


@pytest.mark.parametrize("test", TESTS.values())
def test_the_test_exists_and_is_named_in_the_documentation(test: str) -> None:
    path, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()
    assert f"`{test}`" in (ROOT / "docs" / "hostile.md").read_text()
