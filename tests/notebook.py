"""Execution of the notebook of docs/, without a notebook server.

``python -m tests.notebook`` executes the cells of docs/study.ipynb in one namespace and stores their outputs in it.
A test compares the stored outputs with those of a new execution.
"""

import ast
import io
import json
import os
import tempfile
from contextlib import chdir, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

from results.store import codec
from results.store.reader import HEADER_FILE, Run
from tests.bench.synthetic import make_run

NOTEBOOK = Path(__file__).parents[1] / "docs" / "study.ipynb"
RUNS = {"RUN1": (1, timedelta()), "RUN2": (2, timedelta(days=7))}
DOMAINS, HOSTS = 2000, 300


def read() -> dict[str, Any]:
    """Return the stored notebook."""
    notebook: dict[str, Any] = json.loads(NOTEBOOK.read_text())
    return notebook


def executed(place: Path) -> dict[str, Any]:
    """Execute the notebook in a directory, in which the runs are made first; return it with the new outputs."""
    for name, (seed, later) in RUNS.items():
        make_run(place / name, DOMAINS, HOSTS, seed)
        header = Run.open(place / name).header
        moved = codec.plain(header) | {"started": (header.started + later).isoformat()}
        (place / name / HEADER_FILE).write_bytes(codec.pretty(moved))
    notebook = read()
    names: dict[str, Any] = {}
    with chdir(place):
        codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for number, cell in enumerate(codes, 1):
            cell["execution_count"] = number
            cell["outputs"] = _outputs("".join(cell["source"]), names, number)
    return notebook


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Execute a cell; return what it printed, and the value of the expression at its end."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - a file of this repository
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last is not None else None  # type: ignore[attr-defined] # noqa: S307 - the same
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(printed.getvalue())})
    if value is not None:
        data = {"text/plain": _lines(repr(value))}
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    """Store the outputs of a new execution."""
    with tempfile.TemporaryDirectory() as place:
        notebook = executed(Path(place))
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + os.linesep)


if __name__ == "__main__":
    main()
