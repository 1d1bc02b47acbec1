"""The fixture of the comparison tests."""

from pathlib import Path

import pytest

from tests.unit.results.diff.runs import Runs


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)
