"""``mxsweep diff``: the comparison of two or more runs."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from results.diff import text
from results.diff.compare import Comparison, alone, compare
from results.diff.conditions import Condition, parse, violation
from results.diff.metrics import write_metrics
from results.diff.series import series
from results.store.reader import Run
from scanner.cli import code_of, console
from scanner.cli.errors import CliError, Exit, as_cli_error
from scanner.cli.runs import reading, write


def diff(runs: tuple[str, ...], flags: Mapping[str, Any]) -> Exit:
    """Compare runs and print the changes between the runs.

    Args:
        runs: run directories, the oldest first; with the option ``against`` (a directory of earlier runs), at most one
            run directory.
        flags: the options of the command, by their names.

    Raises:
        CliError: an option has a wrong value, a run cannot be read, or the runs are not in chronological order.
    """
    conditions = _conditions(flags["fail_on"])
    with reading(strict=flags["strict"]) as open_run:
        opened = _opened(runs, flags["against"], flags["last"], open_run)
        found = _compared(opened, flags)
        if flags["metrics"]:
            write_metrics(found, Path(flags["metrics"]))
    _print(found, flags["form"], flags["limit"])
    sentences = [sentence for condition in conditions if (sentence := violation(found, condition))]
    sys.stdout.flush()
    for sentence in sentences:
        console.say(sentence)
    return Exit.MATCHED if sentences else Exit.DONE


def _conditions(texts: Sequence[str]) -> list[Condition]:
    try:
        return [parse(text) for text in texts]
    except ValueError as error:
        raise CliError(f"--fail-on {error}") from None


def _opened(runs: Sequence[str], against: str | None, last: int, open_run: Callable[[str], Run]) -> list[Run]:
    """Return the runs to compare, the oldest first; with ``against``, a single run if no earlier run exists."""
    if against is None:
        return [open_run(path) for path in runs]
    if len(runs) > 1:
        raise CliError("--against finds the earlier runs: give one run, or none for the latest run")
    new = open_run(runs[0]) if runs else None
    found, messages = series(Path(against), new, last, open_run)
    for message in messages:
        console.say(message)
    if not found:
        raise CliError(f"{against}: no run here")
    return found


def _compared(runs: Sequence[Run], flags: Mapping[str, Any]) -> Comparison:
    if flags["against"] is not None and len(runs) == 1:
        return alone(runs[0])
    with as_cli_error(ValueError):
        return compare(runs, timedelta(days=flags["days"]), flags["group_by"] or "")


def _print(found: Comparison, form: str, limit: int | None) -> None:
    rows = None if limit == 0 else limit or text.ROWS
    if form == "text":
        text.print_diff(found, console.stdout(), rows)
    elif form == "markdown":
        write(text.as_markdown(found, rows).encode())
    elif form == "html":
        page: str = code_of("results.report.diff_page:to_html")(found, limit or None)  # this module loads slowly
        write(page.encode())
    elif form == "csv":
        write(text.as_csv(found).encode())
    else:
        write(text.as_json(found))
