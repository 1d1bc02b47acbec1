"""``mxsweep diff``: the comparison of two or more runs."""

from datetime import timedelta

from results.diff import text
from results.diff.compare import Comparison, compare
from scanner.cli import console
from scanner.cli.errors import CliError, Exit
from scanner.cli.runs import reading, write


def diff(runs: tuple[str, ...], form: str, days: int, limit: int | None, fail_on: str | None, *, strict: bool) -> Exit:
    """Compare runs and print what changed.

    Args:
        runs: run directories, the oldest first.
        form: ``text``, ``json``, ``markdown`` or ``html``.
        days: period after the newest run, in days, for which expiring certificates are listed.
        limit: maximum number of rows of each table; 0 for all rows, None for the default of the format.
        fail_on: ``new-broken`` or None.
        strict: make a corrupt line of a run an error.

    Raises:
        CliError: a run cannot be read, or the runs are not in chronological order.
    """
    with reading(strict=strict) as open_run:
        opened = [open_run(path) for path in runs]
        try:
            found = compare(opened, timedelta(days=days))
        except ValueError as error:
            raise CliError(str(error)) from None
    _print(found, form, limit)
    return Exit.MATCHED if fail_on and found.new_broken else Exit.DONE


def _print(found: Comparison, form: str, limit: int | None) -> None:
    rows = None if limit == 0 else limit or text.ROWS
    if form == "text":
        text.print_diff(found, console.stdout(), rows)
    elif form == "markdown":
        write(text.as_markdown(found, rows).encode())
    elif form == "html":
        write(text.as_html(found, limit or None).encode())
    else:
        write(text.as_json(found))
