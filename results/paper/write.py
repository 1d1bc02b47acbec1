"""Writer of the tables of a measurement paper as files, with a manifest of their sources.

The files are ``T1.csv``, ``T1.tex`` and ``T1.txt`` for each table, and ``manifest.json``, which contains the version of
mxsweep and for each run the dates, settings, resolver, vantage point and input digests. The same runs and the same
version of mxsweep result in the same files.
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
    """The entry of a table in the manifest; ``sha256`` maps file names to digests."""

    name: str
    title: str
    note: str
    rows: int
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of the tables: the run, the earlier runs in the order of time, and the written files."""

    tool: str
    version: str
    schema: int
    run: RunHeader
    history: tuple[RunHeader, ...]
    tables: tuple[TableFile, ...]


def write_paper(run: Run, directory: Path, version: str, history: Sequence[Run] = ()) -> list[Path]:
    """Write the paper tables and the manifest; existing files of the same names are replaced.

    Args:
        run: the run.
        directory: the directory of the files, which is created if it does not exist.
        version: the version of mxsweep, for the manifest.
        history: earlier runs, in any order.

    Returns:
        The paths of the written files.

    Raises:
        StoreError: a run cannot be read, or a file cannot be written.
        ValueError: an earlier run is newer than ``run``.
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
        name = f"{table.key}.{suffix}"
        replace_file(directory / name, content)
        digests[name] = hashlib.sha256(content).hexdigest()
    return TableFile(table.key, table.title, table.note, len(table.rows), digests)
