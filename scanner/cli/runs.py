"""Runs that a user names on the command line: the arguments, and opening them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from scanner.cli.errors import CliError

if TYPE_CHECKING:
    from results.store.reader import Run

RUN = click.argument("path", metavar="RUN")
HISTORY = click.option(
    "--history", multiple=True, metavar="RUN", help="An earlier run: since when, and which certificates went before."
)


@contextmanager
def reading() -> Iterator[None]:
    """Tell in one line what keeps a run from being read."""
    from results.store.files import StoreError  # noqa: PLC0415 - help and usage errors need no results

    try:
        yield
    except StoreError as error:
        raise CliError(str(error)) from None


def open_run(path: str) -> "Run":
    """Open a run directory that the user named.

    Raises:
        CliError: there is no run, or it cannot be read.
    """
    from results.store.reader import Run  # noqa: PLC0415 - help and usage errors need no run

    with reading():
        return Run.open(Path(path))
