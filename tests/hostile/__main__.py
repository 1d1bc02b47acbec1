"""``python -m tests.hostile [NAME ...]``: run attacks in full, print one table; exit 1 where a target was missed.

An attack is a module of this package with a function ``rows()``. ``all`` or no name runs every attack.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

import tests.hostile
from tests.bench.model import Row

_MARKS = {True: "[green]ok[/]", False: "[red]missed[/]", None: ""}

Rows = Callable[[], list[Row]]


def found() -> dict[str, Rows]:
    """Return the attacks of this package by name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(tests.hostile.__path__))
    wanted = [name for name in names if not name.startswith(("__", "test_"))]
    modules = {name: importlib.import_module(f"tests.hostile.{name}") for name in wanted}
    return {name: module.rows for name, module in modules.items() if hasattr(module, "rows")}


def main(wanted: list[str]) -> int:
    """Run the named attacks, or every attack.

    Returns:
        The exit status: 0, 1 for a missed target, 2 for an unknown name.
    """
    attacks = found()
    names = list(attacks) if wanted in ([], ["all"]) else wanted
    unknown = [name for name in names if name not in attacks]
    if unknown:
        sys.stderr.write(f"unknown attack: {', '.join(unknown)}; the attacks are: {', '.join(attacks)}\n")
        return 2
    table = Table("attack", "value", "target", "")
    missed = False
    for name in names:
        for row in attacks[name]():
            table.add_row(f"{name}: {row.name}", row.value, row.target, _MARKS[row.ok])
            missed = missed or row.ok is False
        table.add_section()
    Console().print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
