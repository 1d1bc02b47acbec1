"""Records that describe the machines of a scan, and the jobs of a scan in many processes (``--dask``)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vantage:
    """The machine and network from which a run was made."""

    hostname: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanWorker:
    """A machine that took part in a scan with ``--dask``, its resolver, and the part numbers of its parts."""

    hostname: str
    addresses: tuple[str, ...] = ()
    resolver: str = ""
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """The progress of the job of one worker of a scan with ``--dask``, as part of a line of the status file."""

    worker: str
    job: str
    total: int | None
    done: int
    in_flight: int
    endpoints_probed: int
    rss: int
