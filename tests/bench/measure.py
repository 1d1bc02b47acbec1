"""The common command of the benchmarks and the attacks: run modules by name, and print one table of their rows."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Collection
from types import ModuleType

from rich.console import Console
from rich.table import Table

from tests.bench.model import Row

Rows = Callable[[], list[Row]]

_MARKS = {True: "[green]ok[/]", False: "[red]missed[/]", None: ""}


def run(package: ModuleType, noun: str, wanted: list[str], reserved: Collection[str] = ()) -> int:
    """Run the modules of a package that have a function ``rows()``.

    Args:
        package: the package.
        noun: the noun for such a module in the table and in messages.
        wanted: names of modules; none or ``all`` stands for every module that is not reserved.
        reserved: names of modules that run only by name.

    Returns:
        The exit status: 0, 1 for a missed target, 2 for an unknown name.
    """
    known = found(package)
    names = [name for name in known if name not in reserved] if wanted in ([], ["all"]) else wanted
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"unknown {noun}: {', '.join(unknown)}; known are: {', '.join(known)}\n")
        return 2
    table = Table(noun, "value", "target", "")
    missed = False
    for name in names:
        for row in known[name]():
            table.add_row(f"{name}: {row.name}", row.value, row.target, _MARKS[row.ok])
            missed = missed or row.ok is False
        table.add_section()
    Console().print(table)
    return int(missed)


def found(package: ModuleType) -> dict[str, Rows]:
    """Return the functions ``rows`` of a package by module, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    wanted = [name for name in names if not name.startswith(("__", "test_"))]
    modules = {name: importlib.import_module(f"{package.__name__}.{name}") for name in wanted}
    return {name: module.rows for name, module in modules.items() if hasattr(module, "rows")}
