"""The tables of a measurement paper as files, with a manifest of what they were made from.

A directory gets ``T1.csv``, ``T1.tex`` and ``T1.txt`` for each table and ``manifest.json``: the version of mxsweep, and
for each run its dates, settings, resolver, vantage point and the digests of its input. The same runs and version give
the same files.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from results.paper.tables import paper_tables
from results.render.tables import Table, csv_text, latex, plain_text
from results.store import codec
from results.store.files import naming, replace_file
from results.store.reader import Run
from scanner.model import SCHEMA, RunHeader

MANIFEST = "manifest.json"

_FORMS = {"csv": csv_text, "tex": latex, "txt": plain_text}


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table that was written; ``sha256`` by file name."""

    name: str
    title: str
    note: str
    rows: int
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the tables were made from: the run, then the earlier runs in the order of time."""

    tool: str
    version: str
    schema: int
    run: RunHeader
    history: tuple[RunHeader, ...]
    tables: tuple[TableFile, ...]


def write_paper(run: Run, directory: Path, version: str, history: Sequence[Run] = ()) -> list[Path]:
    """Write the tables and their manifest; files of the same names are replaced.

    Args:
        run: the run.
        directory: the directory of the files, which is made if it does not exist.
        version: the version of mxsweep that makes the tables.
        history: earlier runs, in any order.

    Returns:
        The files.

    Raises:
        StoreError: a run cannot be read, or a file cannot be written.
        ValueError: the history is newer than the run.
    """
    earlier = sorted(history, key=lambda one: one.header.started)
    with naming(directory):
        directory.mkdir(parents=True, exist_ok=True)
    written = [_write(directory, table) for table in paper_tables(run, earlier)]
    headers = tuple(one.header for one in earlier)
    manifest = directory / MANIFEST
    replace_file(manifest, codec.pretty(Manifest("mxsweep", version, SCHEMA, run.header, headers, tuple(written))))
    return [*(directory / name for table in written for name in table.sha256), manifest]


def _write(directory: Path, table: Table) -> TableFile:
    digests = {}
    for suffix, form in _FORMS.items():
        content = form(table).encode(errors="replace")
        name = f"{table.name}.{suffix}"
        replace_file(directory / name, content)
        digests[name] = hashlib.sha256(content).hexdigest()
    return TableFile(table.name, table.title, table.note, len(table.rows), digests)
