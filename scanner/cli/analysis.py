"""The commands diff, export and query, and what ``report`` does with ``--paper``, ``--metrics`` and ``--rejudge``."""

import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import rich_click as click

from results.files import StoreError
from results.run import Run
from scanner.cli import console
from scanner.cli.errors import CliError, Exit

_LIMIT = click.IntRange(min=0)


def open_run(path: str) -> Run:
    """Open a run directory that the user named.

    Raises:
        CliError: there is no run, or it cannot be read.
    """
    try:
        return Run.open(Path(path))
    except StoreError as error:
        raise CliError(str(error)) from None


# --- diff -----------------------------------------------------------------------------------------------------


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="OLD [RUN...] NEW")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown", "html"]), default="text")
@click.option("--days", type=click.IntRange(min=0), default=21, show_default=True, help="Expiring within so many days.")
@click.option("--limit", type=_LIMIT, metavar="N", help="Rows of each table, 0 for all [default: 20; html: all].")
@click.option("--fail-on", type=click.Choice(["new-broken"]), help="Exit 4 if a domain is newly broken.")
def diff(runs: tuple[str, ...], form: str, days: int, limit: int | None, fail_on: str | None) -> int:
    """Tell what changed between runs, the oldest first: verdicts, lists, MX, certificates, TLSA, rollovers."""
    from results.diff import compare  # noqa: PLC0415 - other commands need none of it

    try:
        found = compare([open_run(path) for path in runs], timedelta(days=days))
    except (StoreError, ValueError) as error:
        raise CliError(str(error)) from None
    _print_diff(found, form, limit)
    return Exit.MATCHED if fail_on and found.new_broken else Exit.DONE


def _print_diff(found: Any, form: str, limit: int | None) -> None:
    from results import diff_text  # noqa: PLC0415 - as above

    rows = None if limit == 0 else limit or diff_text.ROWS
    if form == "text":
        diff_text.print_diff(found, console.stdout(), rows)
    elif form == "markdown":
        _write(diff_text.as_markdown(found, rows).encode())
    elif form == "html":
        _write(diff_text.as_html(found, limit or None).encode())
    else:
        _write(diff_text.as_json(found))


def _write(octets: bytes) -> None:
    """Put a document on standard output, whatever the locale's encoding."""
    sys.stdout.buffer.write(octets)
    sys.stdout.flush()


# --- export and query -----------------------------------------------------------------------------------------


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "sqlite"]), default="csv", show_default=True)
@click.option("-o", "--output", required=True, metavar="DIR", help="Directory for the files; none is overwritten.")
def export(run: str, form: str, output: str) -> None:
    """Write a run as tables: domains, routes, hosts, endpoints and certs."""
    from results.database import MissingExtraError  # noqa: PLC0415 - other commands need none of it
    from results.export import FORMATS  # noqa: PLC0415 - as above

    try:
        paths = FORMATS[form](open_run(run), Path(output))
    except MissingExtraError as error:
        raise CliError(str(error), Exit.UNFIT) from None
    except StoreError as error:
        raise CliError(str(error)) from None
    for path in paths:
        click.echo(path)


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("sql", metavar="SQL")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
def query(run: str, sql: str, form: str) -> None:
    """Ask SQL of a run: its tables are domains, routes, hosts, endpoints and certs."""
    from results import database  # noqa: PLC0415 - other commands need none of it

    try:
        with database.load(open_run(run)) as loaded:
            _print_rows(*loaded.ask(sql), form)
    except database.MissingExtraError as error:
        raise CliError(str(error), Exit.UNFIT) from None
    except (StoreError, database.QueryError) as error:
        raise CliError(str(error)) from None


def _print_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], form: str) -> None:
    from results import query as forms  # noqa: PLC0415 - as above

    if form == "text":
        forms.as_text(names, rows, console.stdout())
    elif form == "csv":
        forms.as_csv(names, rows, sys.stdout)
    else:
        forms.as_json(names, rows, sys.stdout.buffer)


COMMANDS: Sequence[click.Command] = (diff, export, query)
"""To be added to the program's group."""
