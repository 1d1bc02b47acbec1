"""The display and the files of the progress that the options of ``scan`` request."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.store.files import StoreError
from scanner.cli import code_of
from scanner.cli.errors import as_cli_error

if TYPE_CHECKING:
    from scanner.model import Status

_KINDS = {"status_file": "results.live.status:StatusFile", "metrics_file": "results.live.status:MetricsFile"}


@dataclass(frozen=True, slots=True)
class ProgressRequest:
    """The requested outputs of the progress: a display unless ``quiet``, and files written every ``every`` seconds.

    ``reopen`` are the functions that reopen the files to which lines are appended.
    """

    quiet: bool
    files: tuple[Callable[["Status"], None], ...]
    every: float
    reopen: tuple[Callable[[], None], ...] = ()


def progress_request(flags: dict[str, Any]) -> ProgressRequest:
    """Return the display and the files of the progress that the options of ``scan`` request.

    Raises:
        CliError: a file cannot be written.
    """
    with as_cli_error(StoreError):
        files = {name: code_of(kind)(Path(flags[name])) for name, kind in _KINDS.items() if flags[name]}
    reopen = tuple(file.reopen for name, file in files.items() if name == "status_file")
    return ProgressRequest(
        flags["quiet"] or flags["output"] is None, tuple(files.values()), flags["status_every"], reopen
    )
