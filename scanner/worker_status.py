"""The record of a job of a scan in many processes, a part of the status of the scan."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A job of a worker of a scan with ``--dask`` at one moment."""

    worker: str
    job: str
    total: int | None
    done: int
    in_flight: int
    endpoints_probed: int
    rss: int
