"""``mxsweep export`` and ``mxsweep query``: the tables of runs, as files or by SQL queries."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from results.export import database
from results.export import query as forms
from results.export.files import FORMATS
from scanner.cli import console
from scanner.cli.errors import CliError, Exit, as_cli_error
from scanner.cli.runs import reading

NAME_LIMIT = 255
"""Maximum length in characters of the path of a directory: a longer last argument of ``query`` is an SQL query."""


def export(runs: Sequence[str], form: str, output: str, *, strict: bool) -> None:
    """Write the tables of runs into a directory and print the names of the files.

    Raises:
        CliError: a run cannot be read, a file cannot be written, or duckdb is not installed.
    """
    with as_cli_error(database.MissingExtraError, code=Exit.UNFIT), reading(strict=strict) as open_run:
        paths = FORMATS[form]([open_run(path) for path in _distinct(runs)], Path(output))
    sys.stdout.writelines(f"{file}\n" for file in paths)


def query(runs: Sequence[str], sql: str, form: str, *, allow_files: bool, strict: bool) -> None:
    """Print the rows that an SQL query returns. With ``allow_files``, the query may read and write files.

    Raises:
        CliError: the run or the query is missing, a run cannot be read, the query fails, or duckdb is not installed.
    """
    if len(sql) <= NAME_LIMIT and Path(sql).is_dir():
        raise CliError(f"{sql}: the last argument has to be an SQL query")
    if not runs:
        raise CliError("a RUN before the SQL query was expected")
    unfit = as_cli_error(database.MissingExtraError, code=Exit.UNFIT)
    with unfit, as_cli_error(database.QueryError), reading(strict=strict) as open_run:
        opened = [open_run(path) for path in _distinct(runs)]
        with database.load(*opened, allow_files=allow_files) as loaded:
            _print_rows(*loaded.ask(sql), form)


def _distinct(runs: Sequence[str]) -> list[str]:
    """Return the paths of the runs, if all runs are different.

    Raises:
        CliError: a run is named twice, so that the rows of the run would be counted twice.
    """
    places = [Path(path).resolve() for path in runs]
    for path, place in zip(runs, places, strict=True):
        if places.count(place) > 1:
            raise CliError(f"{path}: the run is named twice")
    return list(runs)


def _print_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], form: str) -> None:
    if form == "text":
        forms.as_text(names, rows, console.stdout())
    elif form == "csv":
        forms.as_csv(names, rows, sys.stdout)
    else:
        forms.as_json(names, rows, sys.stdout.buffer)
