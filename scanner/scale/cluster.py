"""The Dask cluster of a scan: worker processes on this machine, or the workers of an existing Dask scheduler.

Only this module and ``scanner.scale.worker`` use Dask, which is not imported before the cluster is needed.
"""

import logging
import os
import re
import secrets
import signal
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scanner import __version__
from scanner.scale.admission import Admission
from scanner.scale.job import JobResult
from scanner.scale.worker import TOPIC, run_job

ANSWER = 20.0
"""Seconds to wait for the answer of a Dask scheduler, and for the first worker of the scheduler."""

_CONFIG = {
    "distributed.scheduler.allowed-failures": 1000,  # each queued task of a lost worker counts as a failure
    "distributed.comm.timeouts.connect": f"{ANSWER:g}s",
    "distributed.worker.memory.terminate": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.preload": ["scanner.scale.worker"],
    "distributed.worker.profile.enabled": False,  # samples the threads of a worker a hundred times a second
    "distributed.admin.system-monitor.gil.enabled": False,
}
_TLS = {"ca": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}


class ClusterError(Exception):
    """An error of the Dask cluster, with one line for the user; ``usage`` is true if a command-line option is wrong."""

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


class WorkerLostError(Exception):
    """Error: all workers that were permitted to do a job are lost; the loss is not a failed attempt of the job."""


class DaskWorkers:
    """The workers of a Dask cluster.

    Args:
        client: a client of ``distributed``.
        here: true if the workers are processes of this machine, which need no fitness test.
    """

    def __init__(self, client: Any, *, here: bool = False) -> None:
        self._client = client
        self._here = here
        self._completed = _distributed().as_completed([], loop=client.loop)
        self._test = b""
        self._admission = Admission()
        self._tests: dict[str, str] = {}  # the worker by the key of its test
        self._jobs: dict[str, tuple[Any, frozenset[str]]] = {}  # future and permitted workers by the key of the job
        self._look()

    def require(self, line: bytes) -> None:
        """Test each worker with the job ``line`` before any other job, except workers on this machine."""
        self._test, self._admission.required = line, not self._here
        self._look()

    def tested(self) -> list[JobResult]:
        """Return the results of the fitness tests that have ended since the last call."""
        return self._admission.results()

    def testing(self) -> bool:
        """Return whether a fitness test of a worker is in progress."""
        return self._admission.testing

    def count(self) -> int:
        """Return the number of jobs that all workers fit for jobs do at the same time."""
        return sum(self._admission.fit.values())

    def on_one_machine(self) -> int:
        """Return the largest number of jobs that the workers of one machine do at the same time."""
        return self._admission.on_one_machine()

    def submit(self, line: bytes, key: str) -> None:
        """Submit a job to Dask, for any worker that is fit for jobs."""
        fit = list(self._admission.fit)
        self._jobs[key] = self._run(line, key, fit), frozenset(fit)

    def finished(self) -> list[tuple[str, bytes | Exception, str]]:
        """Return key, result or exception, and worker of each job that has ended since the last call."""
        found: list[tuple[str, bytes | Exception, str]] = []
        for future in self._completed.next_batch(block=False) if self._completed.count() else ():
            outcome, worker = _outcome(future)
            future.release()
            if future.key in self._tests:
                self._admission.tested(self._tests.pop(future.key), outcome)
            elif self._jobs.pop(future.key, None) is not None:
                found.append((future.key, outcome, worker))
        self._look()
        return [*found, *self._stranded()]

    def exclude(self, worker: str) -> None:
        """Give no more jobs to a worker."""
        self._admission.exclude(worker)

    def lost(self) -> bool:
        """Return whether the scheduler does not answer any more."""
        return bool(self._client.status not in ("running", "connecting"))

    def _look(self) -> None:
        """Look for new and lost workers, and begin the fitness test of each new worker."""
        workers = self._client.scheduler_info(n_workers=-1).get("workers", {})  # empty without a connection
        for worker in self._admission.arrive({address: each["nthreads"] for address, each in workers.items()}):
            key = f"mxsweep fitness of {worker} ({secrets.token_hex(4)})"
            self._tests[key] = worker
            self._run(self._test, key, [worker])

    def _run(self, line: bytes, key: str, workers: list[str]) -> Any:
        future = self._client.submit(run_job, line, __version__, key=key, pure=False, retries=0, workers=workers)
        self._completed.add(future)
        return future

    def _stranded(self) -> Iterator[tuple[str, Exception, str]]:
        """Cancel the jobs whose permitted workers are all lost, and yield a ``WorkerLostError`` for each of these jobs.

        The Dask scheduler itself would wait until the lost workers come back.
        """
        present = self._admission.present
        for key, (future, permitted) in list(self._jobs.items()):
            if permitted.isdisjoint(present):
                del self._jobs[key]
                future.cancel()
                yield key, WorkerLostError(), ""


def _outcome(future: Any) -> tuple[bytes | Exception, str]:
    """Return the result of a job, or the exception that prevented the result, and the address of the worker."""
    if future.status == "finished":
        line, worker = future.result()
        return line, worker
    return (future.exception() if future.status == "error" else ConnectionError(future.status)), ""


@contextmanager
def cluster(choice: ClusterChoice, security: str | None, statuses: Any) -> Iterator[DaskWorkers]:
    """Start the Dask cluster of a scan, or connect to an existing cluster, for the duration of the ``with`` block.

    Args:
        choice: the value of ``--dask``.
        security: path of a TOML file with the keys ``ca``, ``cert`` and ``key`` (PEM files), for a scheduler at
            ``tls://``; None without ``--dask-security``.
        statuses: function that gets the status messages of all jobs, called in a thread of Dask.

    Raises:
        ClusterError: no scheduler answers, or the scheduler has no worker.
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
        yield DaskWorkers(client, here=choice.local is not None)


def check_installed() -> None:
    """Check that Dask is installed, without importing Dask.

    Raises:
        ClusterError: the package ``distributed`` is not installed.
    """
    if find_spec("distributed") is None:
        raise ClusterError("--dask needs Dask: pip install 'mxsweep[dask]'", usage=True)


def _distributed() -> Any:
    return import_module("distributed")


def _local(found: Any, count: int) -> Any:
    """Start a Dask cluster of ``count`` worker processes on this machine.

    A Dask scheduler executes any code that a client sends. With temporary TLS certificates, other users of this machine
    cannot connect to the scheduler.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the workers until they leave the terminal
    try:
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
    except RuntimeError as error:
        raise ClusterError(f"--dask local:{count}: the workers did not start: {error}") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _client(found: Any, choice: ClusterChoice, security: str | None) -> Any:
    if choice.address is not None:
        _check_scheme(choice.address, security)
    more = {"scheduler_file": choice.file} if choice.file else {"address": choice.address}
    try:
        return found.Client(timeout=ANSWER, security=_security(found, security), set_as_default=False, **more)
    except (OSError, TimeoutError, ValueError):
        raise ClusterError(f"--dask {choice.text}: no scheduler answers") from None


def _check_scheme(address: str, security: str | None) -> None:
    """Raise an error if the scheme (``tcp`` or ``tls``) of a scheduler's address contradicts ``--dask-security``."""
    encrypted = address.startswith("tls://")
    if security is not None and not encrypted:
        raise ClusterError(f"--dask-security: it requires tls://, not --dask {address}", usage=True)
    configured = import_module("dask").config.get("distributed.comm.tls.client.cert", None)
    if encrypted and security is None and configured is None:
        raise ClusterError(f"--dask {address}: it requires --dask-security FILE", usage=True)


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
