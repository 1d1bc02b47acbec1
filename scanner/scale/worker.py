"""The task of a Dask worker: do a job in a child process, report the child's status to the scan, return the result."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import IO

from results.store import codec
from scanner import __version__
from scanner.scale.job import ChildMessage, Job, JobResult
from scanner.scale.plan_files import PLAN, PROOF
from scanner.vocabulary import RunState

CHILD = (sys.executable, "-m", "scanner.cli.scale_child")
"""The command of a child process, with the Python interpreter of the worker."""

TOPIC = "mxsweep-status"
"""The topic of Dask under which a worker reports the statuses of its child process."""

_TAIL = 300  # characters of the last text of a child that ended without a result


def dask_setup(_worker: object) -> None:
    """Move a Dask worker out of the process group of the terminal; Dask calls this function in each new worker.

    An interrupt at the terminal reaches only the process of the scan, not the workers; the process of the scan ends the
    jobs of its workers.
    """
    os.setpgid(0, 0)


def run_job(line: bytes, version: str) -> tuple[bytes, str]:
    """Do a job in a child process; this function is the task that Dask runs in a worker.

    Args:
        line: the job as a line of JSON.
        version: version of mxsweep in the process that submits the job.

    Returns:
        The ``JobResult`` as a line of JSON, and the address of the worker.
    """
    from distributed import get_worker  # noqa: PLC0415 - only with --dask

    worker, job = get_worker(), codec.decode(Job, line)
    if version != __version__:
        return _refusal(f"runs mxsweep {__version__}, this is {version}"), worker.address
    if not sees(job):
        return _refusal(f"cannot see {job.run}: all machines need a shared directory"), worker.address

    def report(status: bytes) -> None:
        worker.log_event(TOPIC, {"run": job.run, "job": job.name, "worker": worker.address, "status": status.decode()})

    return codec.encode(child_result(line, report)), worker.address


def sees(job: Job) -> bool:
    """Return whether this machine sees the run directory: the file ``proof`` contains the text ``job.proof``."""
    try:
        return (Path(job.run) / PLAN / PROOF).read_text("ascii") == job.proof
    except (OSError, ValueError):
        return False


def _refusal(text: str) -> bytes:
    host = socket.gethostname()
    return codec.encode(JobResult(RunState.INTERRUPTED, host=host, error=f"worker {host} {text}", unfit=True))


def child_result(line: bytes, report: Callable[[bytes], None]) -> JobResult:
    """Run the child process of a job, and return its result.

    Args:
        line: the job as a line of JSON.
        report: function that is called with each status of the child process, as a line of JSON.
    """
    child = subprocess.Popen(  # noqa: S603 - the interpreter of this process
        CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    said: list[bytes] = []
    with child:
        if child.stdin is None or child.stdout is None or child.stderr is None:
            raise RuntimeError("the child has no pipes")
        reader = Thread(target=_keep_last, args=(child.stderr, said), daemon=True)
        reader.start()
        child.stdin.write(line)
        child.stdin.flush()
        result = _result(child.stdout, report)
        code = child.wait()
        reader.join()
    if result is None:
        text = said[-1].decode("utf-8", "replace").strip()[-_TAIL:] if said else ""
        result = JobResult(RunState.INTERRUPTED, error=text or f"the process of the job ended with code {code}")
    return result


def _keep_last(lines: IO[bytes], said: list[bytes]) -> None:
    for line in lines:
        if line.strip():
            said[:] = [line]


def _result(lines: IO[bytes], report: Callable[[bytes], None]) -> JobResult | None:
    """Return the result in the output lines of a child process; None if the child process ended without a result.

    ``report`` is called with each status message in the output.
    """
    for line in lines:
        try:
            message = codec.decode(ChildMessage, line)
        except codec.CodecError:
            continue
        if message.result is not None:
            return message.result
        if message.status is not None:
            report(codec.encode(message.status))
    return None
