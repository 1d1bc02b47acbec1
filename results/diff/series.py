"""Search for the earlier runs in a directory with which a run is compared (``mxsweep diff --against``)."""

from collections.abc import Callable, Iterator
from pathlib import Path

from results.store.files import StoreError
from results.store.reader import HEADER_FILE, Run

LAST = 7  # default maximum number of earlier runs


def series(directory: Path, new: Run | None, last: int, open_run: Callable[[str], Run]) -> tuple[list[Run], list[str]]:
    """Return a run and the earlier runs that have the same label.

    Args:
        directory: directory with run directories; symbolic links in it, such as ``latest``, are ignored.
        new: the newest run of the comparison; None for the latest run of the directory.
        last: maximum number of earlier runs; with more earlier runs, the latest runs are returned.
        open_run: function that opens a run directory.

    Returns:
        The runs in the order of time, the run ``new`` last, and a message for each run that cannot be read. If the
        directory contains no run, the list of runs is empty.

    Raises:
        StoreError: the directory cannot be read.
    """
    found: list[Run] = []
    messages: list[str] = []
    for path in _run_directories(directory):
        try:
            found.append(open_run(str(path)))
        except StoreError as error:
            messages.append(f"{error}; this run is left out")
    found.sort(key=_order)
    if new is None:
        if not found:
            return [], messages
        new = found[-1]
    return [*_before(found, new)[-last:], new], messages


def _before(runs: list[Run], new: Run) -> list[Run]:
    place = new.path.resolve()
    return [
        run
        for run in runs
        if run.header.label == new.header.label and _order(run) <= _order(new) and run.path.resolve() != place
    ]


def _order(run: Run) -> tuple[float, str]:
    return run.header.started.timestamp(), run.path.name


def _run_directories(directory: Path) -> Iterator[Path]:
    try:
        paths = sorted(path for path in directory.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise StoreError(f"{directory}: {error.strerror or error}") from error
    return (path for path in paths if (path / HEADER_FILE).exists())
