"""The results of mxsweep: run directories, and everything that is made of them.

A run is a directory of JSON files that ``mxsweep scan`` writes:

    run.json        version, settings, resolver, totals and state of the run
    domains.jsonl   one line for each domain: route, verdict, and a verdict for each MX host
    hosts.jsonl     one line for each MX host: addresses, TLSA records, probes
    certs.jsonl     one line for each certificate
    rejects.jsonl   one line for each input line that was not scanned

Files are only appended to. A key may have several lines, for example after a later pass: the last line of a key
counts. A last line without an end is being written, and is not read. ``open`` reads a run, finished or not:

    import results

    run = results.open("RUN")
    for record in run.domains():
        print(record.key, record.verdict.outcome)
"""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.api import OpenRun

__all__ = ["open"]


def open(run: str | PathLike[str]) -> "OpenRun":  # noqa: A001 - results.open is its name
    """Open a run directory.

    Args:
        run: path of the directory.

    Returns:
        The run, whose records are read when they are asked for.

    Raises:
        results.store.files.StoreError: there is no run, or its header cannot be read.
    """
    from results.api import OpenRun  # noqa: PLC0415 - every import of a room of results passes through this file

    return OpenRun.open(Path(run))
