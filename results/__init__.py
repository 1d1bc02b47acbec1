"""The results of mxsweep: run directories, and the reports, metrics and tables made from their records.

A run is a directory of JSON files that ``mxsweep scan`` writes:

    run.json        version, settings, resolver, totals and state of the run
    domains.jsonl   one line for each domain: route, verdict, and a verdict for each MX host
    hosts.jsonl     one line for each MX host: addresses, TLSA records, probes
    certs.jsonl     one line for each certificate
    rejects.jsonl   one line for each input line that was not scanned

Lines are only appended. A key may have several lines, for example after a retry pass: readers use the last line of a
key. A final line without a line feed is incomplete and is not read. ``open`` reads a run, finished or not:

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
        The run; each record is read from its file on access.

    Raises:
        results.store.files.StoreError: the directory does not contain a run, or the header cannot be read.
    """
    from results.api import OpenRun  # noqa: PLC0415 - every import of a subpackage of results runs this file

    return OpenRun.open(Path(run))
