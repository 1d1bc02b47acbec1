"""The notebook of docs/ runs, and its stored outputs are those of the current code."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import notebook


@pytest.mark.skipif(find_spec("pandas") is None or find_spec("duckdb") is None, reason="pandas and DuckDB are extras")
def test_the_notebook_runs_and_its_outputs_are_current(tmp_path: Path) -> None:
    assert notebook.executed(tmp_path)["cells"] == notebook.read()["cells"]


def test_the_notebook_has_the_form_of_jupyter() -> None:
    stored = notebook.read()
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in stored["cells"]}) == len(stored["cells"])
    for cell in stored["cells"]:
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | (
            {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        )
