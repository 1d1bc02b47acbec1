"""The commands diff, export and query, and what ``report`` does with ``--paper``, ``--metrics`` and ``--rejudge``."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from scanner import __version__
from scanner.cli.errors import CliError, Exit
from scanner.cli.runs import open_run, reading

if TYPE_CHECKING:
    from results.store.reader import Run
    from scanner.core.pkix import TrustStore

_LIMIT = click.IntRange(min=0)


# --- diff -----------------------------------------------------------------------------------------------------


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="OLD [RUN...] NEW")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown", "html"]), default="text")
@click.option("--days", type=click.IntRange(min=0), default=21, show_default=True, help="Expiring within so many days.")
@click.option("--limit", type=_LIMIT, metavar="N", help="Rows of each table, 0 for all [default: 20; html: all].")
@click.option("--fail-on", type=click.Choice(["new-broken"]), help="Exit 4 if a domain is newly broken.")
def diff(runs: tuple[str, ...], form: str, days: int, limit: int | None, fail_on: str | None) -> int:
    """Tell what changed between runs, the oldest first: verdicts, lists, MX, certificates, TLSA, rollovers."""
    from results.diff.compare import compare  # noqa: PLC0415 - other commands need none of it

    try:
        with reading():
            found = compare([open_run(path) for path in runs], timedelta(days=days))
    except ValueError as error:
        raise CliError(str(error)) from None
    _print_diff(found, form, limit)
    return Exit.MATCHED if fail_on and found.new_broken else Exit.DONE


def _print_diff(found: Any, form: str, limit: int | None) -> None:
    from results.diff import text as diff_text  # noqa: PLC0415 - as above
    from scanner.cli import console  # noqa: PLC0415 - as above

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
    from results.export.database import MissingExtraError  # noqa: PLC0415 - other commands need none of it
    from results.export.files import FORMATS  # noqa: PLC0415 - as above

    try:
        with reading():
            paths = FORMATS[form](open_run(run), Path(output))
    except MissingExtraError as error:
        raise CliError(str(error), Exit.UNFIT) from None
    for path in paths:
        click.echo(path)


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("sql", metavar="SQL")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
def query(run: str, sql: str, form: str) -> None:
    """Ask SQL of a run: its tables are domains, routes, hosts, endpoints and certs."""
    from results.export import database  # noqa: PLC0415 - other commands need none of it

    try:
        with reading(), database.load(open_run(run)) as loaded:
            _print_rows(*loaded.ask(sql), form)
    except database.MissingExtraError as error:
        raise CliError(str(error), Exit.UNFIT) from None
    except database.QueryError as error:
        raise CliError(str(error)) from None


def _print_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], form: str) -> None:
    from results.export import query as forms  # noqa: PLC0415 - as above
    from scanner.cli import console  # noqa: PLC0415 - as above

    if form == "text":
        forms.as_text(names, rows, console.stdout())
    elif form == "csv":
        forms.as_csv(names, rows, sys.stdout)
    else:
        forms.as_json(names, rows, sys.stdout.buffer)


# --- what report does with --paper, --metrics and --rejudge ---------------------------------------------------


def paper(run: "Run", directory: str, history: Sequence["Run"]) -> None:
    """``report RUN --paper -o DIR [--history RUN...]``: write the tables of a paper and name the files.

    Raises:
        CliError: a run cannot be read, a file cannot be written, or the history is newer than the run.
    """
    from results.paper.write import write_paper  # noqa: PLC0415 - other commands need none of it

    try:
        with reading():
            paths = write_paper(run, Path(directory), __version__, history)
    except ValueError as error:
        raise CliError(str(error)) from None
    for path in paths:
        click.echo(path)


def metrics(run: "Run", path: str) -> None:
    """``report RUN --metrics FILE``: write the metrics of a run, the file replaced whole.

    Raises:
        CliError: the run cannot be read or the file cannot be written.
    """
    from results.export.metrics import write_metrics  # noqa: PLC0415 - other commands need none of it

    with reading():
        write_metrics(run, Path(path))


def rejudge(
    run: "Run", *, at: str | None, level: str | None, ca_file: str | None, ca_path: str | None, form: str
) -> None:
    """``report RUN --rejudge``: judge a run again and show what changes.

    Args:
        run: the run.
        at: the time at which dates are judged, as the user wrote it; None for that of each probe.
        level: the level, None for the run's own.
        ca_file: a PEM bundle of trusted roots; without it and ``ca_path``, what the run was made with.
        ca_path: a directory of trusted roots.
        form: ``text`` or ``json``.

    Raises:
        CliError: a flag is not what it should be, or the run cannot be read.
    """
    from results.diff import rejudge_text  # noqa: PLC0415 - other commands need none of it
    from results.diff.rejudge import rejudge as judge  # noqa: PLC0415 - as above
    from scanner.cli import console  # noqa: PLC0415 - as above
    from scanner.vocabulary import Level  # noqa: PLC0415 - as above

    trust = _trust(run, ca_file, ca_path)
    with reading():
        found = judge(run, trust, Level(level) if level else None, moment(at) if at else None)
    if form == "json":
        _write(rejudge_text.as_json(found))
    else:
        rejudge_text.print_rejudged(found, console.stdout())


def moment(text: str) -> datetime:
    """Read a time: ``2026-12-31``, ``2026-12-31T06:00``, with or without a zone (UTC), or ``+30d`` from now.

    Raises:
        CliError: it is none of these.
    """
    days = re.fullmatch(r"\+(\d{1,5})d", text)
    if days:
        return datetime.now(UTC) + timedelta(days=int(days[1]))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"--at {text}: a date (2026-12-31), a time (2026-12-31T06:00) or +DAYSd was expected") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _trust(run: "Run", ca_file: str | None, ca_path: str | None) -> "TrustStore":
    """The trusted roots that were asked for, else those that the run's settings name, else the system's."""
    from scanner.core.pkix import TrustStore  # noqa: PLC0415 - as above
    from scanner.net import truststore  # noqa: PLC0415 - as above

    if not ca_file and not ca_path:
        ca_file, ca_path = run.header.settings.get("ca_file"), run.header.settings.get("ca_path")
    try:
        found = truststore.load(ca_file, ca_path) if ca_file or ca_path else truststore.system()
    except truststore.TrustStoreError as error:
        raise CliError(f"{error}; --ca-file F names another") from None
    return found or TrustStore.from_pem()


COMMANDS: Sequence[click.Command] = (diff, export, query)
"""To be added to the program's group."""
