"""The Dask cluster of a scan: worker processes on this machine, or the workers of a scheduler that exists.

Only this module and ``scanner.scale.worker`` use Dask, which is not imported before the cluster is needed.
"""

import logging
import os
import re
import signal
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from scanner import __version__
from scanner.scale.worker import TOPIC, run_job

ANSWER = 20.0
"""Seconds to wait for the answer of a scheduler, and for the first worker."""

_CONFIG = {
    "distributed.scheduler.allowed-failures": 1000,  # each queued task of a lost worker counts as a failure
    "distributed.comm.timeouts.connect": f"{ANSWER:g}s",
    "distributed.worker.memory.terminate": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.preload": ["scanner.scale.worker"],
    "distributed.admin.system-monitor.gil.enabled": False,
}
_TLS = {"ca": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}


class ClusterError(Exception):
    """An error of the cluster, with one line for the user; ``usage`` is true if an option is wrong."""

    def __init__(self, text: str, *, usage: bool = False) -> None:
        super().__init__(text)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """The value of ``--dask``: ``local`` worker processes on this machine, or the address or file of a scheduler."""

    text: str
    local: int | None = None
    address: str | None = None
    file: str | None = None


def parse_choice(text: str) -> ClusterChoice:
    """Parse the value of ``--dask``.

    Raises:
        ClusterError: the value is neither ``local``, ``local:N``, the address of a scheduler nor a file.
    """
    if match := re.fullmatch(r"local(?::([1-9][0-9]{0,3}))?", text):
        return ClusterChoice(text, local=int(match[1]) if match[1] else len(os.sched_getaffinity(0)))
    if re.fullmatch(r"(?:tcp|tls)://[^\s/]+:[0-9]{1,5}", text):
        return ClusterChoice(text, address=text)
    if Path(text).is_file():
        return ClusterChoice(text, file=text)
    expected = "local, local:N, tcp://HOST:PORT, tls://HOST:PORT or a scheduler file was expected"
    raise ClusterError(f"--dask {text}: {expected}", usage=True)


class Workers(Protocol):
    """The workers that do jobs; tests replace the workers of Dask."""

    def count(self) -> int:
        """Return the number of jobs that the workers do at the same time; excluded workers do not count."""

    def on_one_machine(self) -> int:
        """Return the largest number of jobs that the workers of one machine do at the same time."""

    def submit(self, line: bytes, key: str) -> None:
        """Let a worker do a job."""

    def finished(self) -> list[tuple[str, bytes | Exception, str]]:
        """Return key, result or exception, and worker of each job that has ended since the last call."""

    def exclude(self, worker: str) -> None:
        """Give no more jobs to a worker."""

    def lost(self) -> bool:
        """Return whether the scheduler does not answer any more."""


class DaskWorkers:
    """The workers of a Dask cluster.

    Args:
        client: a client of ``distributed``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._completed = _distributed().as_completed([], loop=client.loop)
        self._excluded: set[str] = set()

    def count(self) -> int:
        """Return the number of jobs that the workers do at the same time; excluded workers do not count."""
        return sum(self._fit().values())

    def on_one_machine(self) -> int:
        """Return the largest number of jobs that the workers of one machine do at the same time."""
        machines = Counter[str]()
        for address, threads in self._fit().items():
            machines[address.rpartition(":")[0]] += threads
        return max(machines.values(), default=1)

    def submit(self, line: bytes, key: str) -> None:
        """Let a worker do a job."""
        fit = list(self._fit()) if self._excluded else None
        future = self._client.submit(run_job, line, __version__, key=key, pure=False, retries=0, workers=fit)
        self._completed.add(future)

    def finished(self) -> list[tuple[str, bytes | Exception, str]]:
        """Return key, result or exception, and worker of each job that has ended since the last call."""
        if self._completed.count() == 0:
            return []
        found: list[tuple[str, bytes | Exception, str]] = []
        for future in self._completed.next_batch(block=False):
            if future.status == "finished":
                found.append((future.key, *future.result()))
            else:
                error = future.exception() if future.status == "error" else ConnectionError(future.status)
                found.append((future.key, error, ""))
            future.release()
        return found

    def exclude(self, worker: str) -> None:
        """Give no more jobs to a worker."""
        self._excluded.add(worker)

    def lost(self) -> bool:
        """Return whether the scheduler does not answer any more."""
        return bool(self._client.status not in ("running", "connecting"))

    def _fit(self) -> dict[str, int]:
        workers = self._client.scheduler_info(n_workers=-1).get("workers", {})  # empty without a connection
        return {address: each["nthreads"] for address, each in workers.items() if address not in self._excluded}


@contextmanager
def cluster(choice: ClusterChoice, security: str | None, statuses: Any) -> Iterator[DaskWorkers]:
    """Start or reach the cluster of a scan.

    Args:
        choice: the value of ``--dask``.
        security: path of a TOML file with the keys ``ca``, ``cert`` and ``key`` (PEM files), for ``tls://``.
        statuses: function that gets the statuses of all jobs, in a thread of Dask.

    Raises:
        ClusterError: no scheduler answers, or no worker is there.
    """
    found = _distributed()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        stack.enter_context(import_module("dask").config.set(_CONFIG))
        if choice.local is not None:
            client = stack.enter_context(found.Client(stack.enter_context(_local(found, choice.local))))
        else:
            client = stack.enter_context(_client(found, choice, security))
        try:
            client.wait_for_workers(choice.local or 1, timeout=ANSWER)
        except TimeoutError:
            raise ClusterError(f"--dask {choice.text}: the scheduler has no worker") from None
        client.subscribe_topic(TOPIC, lambda event: statuses(event[1]))
        yield DaskWorkers(client)


def check_installed() -> None:
    """Check that Dask is installed, without importing it.

    Raises:
        ClusterError: the package ``distributed`` is not installed.
    """
    if find_spec("distributed") is None:
        raise ClusterError("--dask needs Dask: pip install 'mxsweep[dask]'", usage=True)


def _distributed() -> Any:
    return import_module("distributed")


def _local(found: Any, count: int) -> Any:
    """Start worker processes on this machine.

    A scheduler executes whatever a client sends. Temporary certificates keep other users of this machine out.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the workers until they leave the terminal
    try:
        return _local_cluster(found, count)
    except RuntimeError as error:
        raise ClusterError(f"--dask local:{count}: the workers did not start: {error}") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _local_cluster(found: Any, count: int) -> Any:
    return found.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        memory_limit=None,
        security=found.Security.temporary(),
        protocol="tls://",
        silence_logs=logging.CRITICAL,
    )


def _client(found: Any, choice: ClusterChoice, security: str | None) -> Any:
    more = {"scheduler_file": choice.file} if choice.file else {"address": choice.address}
    try:
        return found.Client(timeout=ANSWER, security=_security(found, security), set_as_default=False, **more)
    except (OSError, TimeoutError, ValueError):
        raise ClusterError(f"--dask {choice.text}: no scheduler answers") from None


def _security(distributed: Any, path: str | None) -> Any:
    if path is None:
        return None
    try:
        found = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ClusterError(f"--dask-security {path}: {error}", usage=True) from None
    if set(found) != set(_TLS) or not all(isinstance(value, str) for value in found.values()):
        raise ClusterError(f"--dask-security {path}: the keys {', '.join(_TLS)} were expected", usage=True)
    return distributed.Security(require_encryption=True, **{_TLS[name]: value for name, value in found.items()})
