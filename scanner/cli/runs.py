"""Opening of run directories for a command, and output of documents."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results.store.files import StoreError
from results.store.reader import Run
from scanner.cli.errors import CliError


@contextmanager
def reading() -> Iterator[None]:
    """Convert errors in reading a run to ``CliError`` within the block.

    Raises:
        CliError: a file of a run cannot be read, or an output file cannot be written.
    """
    try:
        yield
    except StoreError as error:
        raise CliError(str(error)) from None


def open_run(path: str) -> Run:
    """Open a run directory.

    Raises:
        CliError: there is no run, or its header cannot be read.
    """
    with reading():
        return Run.open(Path(path))


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
