"""``mxsweep runs`` lists the runs in a directory, and ``mxsweep prune`` removes and compresses old runs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from results.render.escape import safe
from results.store.collection import (
    DomainCounts,
    Retention,
    StoredRun,
    compress,
    compressible,
    figures,
    latest_of,
    removable,
    remove,
    runs_in,
)
from results.store.files import StoreError
from scanner.cli import console
from scanner.cli.runs import reading

_HEADS = ("run", "date", "label", "state", "domains", "DANE broken")

WIDE = 70
"""Minimum width of the terminal in columns for a table.

In a narrower terminal, each run is printed on several lines.
"""


def runs(directory: str, *, as_json: bool) -> None:
    """Print a line for each run of a directory, the oldest first.

    Raises:
        CliError: the directory cannot be read.
    """
    with reading() as open_run:
        found, messages = runs_in(Path(directory))
        rows: list[tuple[StoredRun, DomainCounts]] = []
        for run in found:
            try:
                rows.append((run, figures(open_run(str(run.path)))))
            except StoreError as error:
                messages.append(str(error))
    _print_json(rows) if as_json else _print_table(rows)
    sys.stdout.flush()
    for message in messages:
        console.say(message)


def _print_table(rows: Sequence[tuple[StoredRun, DomainCounts]]) -> None:
    out = console.stdout()
    texts = [_texts(*row) for row in rows]
    if out.width < WIDE:
        for name, *more, domains, broken in texts:
            counts = f"{domains} domains, {broken} with broken DANE"
            for text in (name, *(f"  {each}" for each in (*more, counts) if each)):
                out.print(Text(text))
        return
    table = Table(box=None, pad_edge=False)
    for head in _HEADS:
        table.add_column(head, justify="right" if head in _HEADS[-2:] else "left", overflow="fold")
    for row in texts:
        table.add_row(*map(Text, row))
    out.print(table)


def _texts(run: StoredRun, count: DomainCounts) -> list[str]:
    date = f"{run.header.started:%Y-%m-%d %H:%M}"
    texts = (run.path.name, date, run.header.label, run.state, f"{count.domains:,}", f"{count.broken:,}")
    return [safe(text) for text in texts]


def _print_json(rows: Sequence[tuple[StoredRun, DomainCounts]]) -> None:
    found = [
        {
            "run": run.path.name,
            "started": run.header.started.isoformat(),
            "label": run.header.label,
            "state": run.state,
            "active": run.locked,
            "domains": count.domains,
            "broken": count.broken,
        }
        for run, count in rows
    ]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def prune(directory: str, *, keep: int, keep_weekly: int, compress_kept: bool, dry_run: bool) -> None:
    """Remove old runs of a directory, compress the other runs if requested, and print each change.

    Args:
        directory: the directory with the runs.
        keep: number of last runs to keep for each label.
        keep_weekly: number of weeks for which the last run of the week is kept for each label.
        compress_kept: compress the files of JSON lines of kept runs, except the last run of each label.
        dry_run: print the changes without making them.

    Raises:
        CliError: the directory cannot be read, or a run cannot be removed or compressed.
    """
    with reading():
        place = Path(directory)
        found, messages = runs_in(place)
        latest = latest_of(place)
        gone = removable(found, Retention(keep, keep_weekly), latest)
        smaller = compressible(found, gone, latest) if compress_kept else []
        changes = ((gone, "remove", "removed", remove), (smaller, "compress", "compressed", compress))
        for chosen, verb, done, change in changes:
            for run in chosen:
                if not dry_run:
                    change(run)
                sys.stdout.write(f"{f'would {verb}' if dry_run else done} {safe(str(run.path))}\n")
    for message in messages:
        console.say(f"{message}; this run is kept")
