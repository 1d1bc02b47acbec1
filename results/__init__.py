"""Access to the results of mxsweep: run directories, and the reports, metrics and tables made from their records.

A run is a directory of JSON files that ``mxsweep scan`` writes:

    run.json        version, settings, resolver, totals and state of the run
    domains.jsonl   one line for each domain: MX records, verdict, and a verdict for each MX host
    hosts.jsonl     one line for each MX host: addresses, TLSA records, probes
    certs.jsonl     one line for each certificate
    rejects.jsonl   one line for each input line that was not scanned

A scan only appends lines to the files of a run. Several lines of a file may have the same key, for example after a
second examination of a host: readers use the last line with the key. A last line without a line feed is incomplete, and
readers ignore the line. ``open`` reads a finished or unfinished run:

    import results

    run = results.open("RUN")
    for record in run.domains():
        print(record.key, record.verdict.outcome)

With DuckDB (``pip install 'mxsweep[export]'``), a run is also a set of tables, and ``database`` opens several runs:

    run.sql("SELECT dane, count(*) AS domains FROM domains GROUP BY dane").df()
    results.database("RUN1", "RUN2").sql("SELECT run, count(*) AS domains FROM domains GROUP BY run").pl()

``df``, ``arrow`` and ``pl`` return data frames of pandas, pyarrow and polars, which have to be installed as extras of
mxsweep.
"""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.api import OpenRun
    from results.export.frames import RunDatabase

__all__ = ["database", "open"]


def open(run: str | PathLike[str]) -> "OpenRun":  # noqa: A001 - results.open is its name
    """Open a run directory.

    Args:
        run: path of the directory.

    Returns:
        The run; a record is read from the file when the program requests the record.

    Raises:
        results.store.files.StoreError: the directory does not contain a run, or run.json cannot be read.
    """
    from results.api import OpenRun  # noqa: PLC0415 - every import of a subpackage of results runs this file

    return OpenRun.open(Path(run))


def database(*runs: "str | PathLike[str] | OpenRun") -> "RunDatabase":
    """Open several runs as one set of tables, whose column ``run`` contains the name of a run's directory.

    Args:
        runs: paths of run directories, or objects that ``open`` returned.

    Returns:
        The tables. A table is read from the files of the runs when an SQL query first uses the table.

    Raises:
        results.export.database.MissingExtraError: DuckDB is not installed.
        results.store.files.StoreError: a directory does not contain a run, or temporary files cannot be written.
    """
    from results.api import OpenRun  # noqa: PLC0415 - as in ``open``
    from results.export.frames import RunDatabase  # noqa: PLC0415 - the same

    return RunDatabase([run if isinstance(run, OpenRun) else open(run) for run in runs])
