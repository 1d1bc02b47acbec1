"""Functions for commands: opening of run directories, and output of documents."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from results.store.corrupt import CorruptLines
from results.store.files import StoreError
from results.store.flaws import flaw_of
from results.store.reader import Run
from scanner.cli import code_of
from scanner.cli.console import say
from scanner.cli.errors import CliError
from scanner.scale.plan_files import PLAN

COLLECT = 100_000
"""First threshold of the garbage collector while runs are read: the default cost 10 % of the time of ``--rejudge``."""


@contextmanager
def reading(*, strict: bool = False) -> Iterator[Callable[[str], Run]]:
    """Convert an error in reading runs to a ``CliError``; print the number of corrupt lines after the ``with`` block.

    Args:
        strict: true to treat a corrupt line as an error.

    Yields:
        A function that opens a run directory.

    Raises:
        CliError: a file of a run cannot be read or contains a value that no scan writes, or an output file cannot be
            written.
    """
    corrupt = None if strict else CorruptLines()
    opened: list[Run] = []
    thresholds = gc.get_threshold()
    gc.set_threshold(COLLECT, *thresholds[1:])

    def open_run(path: str) -> Run:
        opened.append(Run.open(Path(path), corrupt))
        if (Path(path) / PLAN).is_dir() and (text := code_of("scanner.scale.state:not_judged")(Path(path))):
            say(text)
        return opened[-1]

    try:
        yield open_run
    except StoreError as error:
        raise CliError(str(error)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        flaw = next(filter(None, map(flaw_of, opened)), None)
        if flaw is None:
            raise  # the error is a bug of mxsweep
        raise CliError(flaw) from error
    finally:
        gc.set_threshold(*thresholds)
        for line in corrupt.summaries() if corrupt else ():
            say(line)


def write(content: bytes, output: str | None = None) -> None:
    """Write a document to a file or to standard output, without a conversion to the locale's encoding.

    Raises:
        CliError: the file cannot be written.
        OSError: standard output cannot be written.
    """
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise CliError(f"{output}: {error.strerror or error}") from None
