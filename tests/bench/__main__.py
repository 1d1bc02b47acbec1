"""``python -m tests.bench [NAME ...]``: run benchmarks, print one table; exit 1 where a target was missed.

A benchmark is a module of this package with a function ``rows()``.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

import tests.bench
from tests.bench.model import Row

_RESERVED = {"soak", "disturbed"}  # they take long, so they never run among the others
_MARKS = {True: "[green]ok[/]", False: "[red]missed[/]", None: ""}

Rows = Callable[[], list[Row]]


def found() -> dict[str, Rows]:
    """The benchmarks of this package by name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(tests.bench.__path__))
    modules = {name: importlib.import_module(f"tests.bench.{name}") for name in names if not name.startswith("__")}
    return {name: module.rows for name, module in modules.items() if hasattr(module, "rows")}


def main(wanted: list[str]) -> int:
    """Run the benchmarks named, all but those for ``make soak`` where none is.

    Returns:
        The exit status: 0, 1 for a missed target, 2 for a name that is no benchmark.
    """
    benchmarks = found()
    names = wanted or [name for name in benchmarks if name not in _RESERVED]
    unknown = [name for name in names if name not in benchmarks]
    if unknown:
        sys.stderr.write(f"no benchmark: {', '.join(unknown)}; there are: {', '.join(benchmarks)}\n")
        return 2
    table = Table("benchmark", "value", "target", "")
    missed = False
    for name in names:
        for row in benchmarks[name]():
            table.add_row(f"{name}: {row.name}", row.value, row.target, _MARKS[row.ok])
            missed = missed or row.ok is False
        table.add_section()
    Console().print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
