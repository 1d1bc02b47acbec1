"""The value of --dask, the security file, and a cluster that does not answer."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from results.store import codec
from scanner.scale import cluster as clusters
from scanner.scale.cluster import (
    ClusterChoice,
    ClusterError,
    DaskWorkers,
    WorkerLostError,
    check_installed,
    cluster,
    parse_choice,
)
from scanner.scale.job import Fitness, JobResult
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker


@pytest.mark.parametrize(
    ("text", "local", "address"),
    [
        ("local:3", 3, None),
        ("tcp://scheduler.example:8786", None, "tcp://scheduler.example:8786"),
        ("tls://[2001:db8::1]:8786", None, "tls://[2001:db8::1]:8786"),
    ],
)
def test_values(text: str, local: int | None, address: str | None) -> None:
    assert parse_choice(text) == ClusterChoice(text, local=local, address=address)


def test_one_process_for_each_core_by_default() -> None:
    assert (parse_choice("local").local or 0) >= 1


def test_a_scheduler_file(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text("{}")
    assert parse_choice(str(file)).file == str(file)


@pytest.mark.parametrize("text", ["", "local:0", "local:x", "local:99999", "tcp://a", "http://a:1", "missing.json"])
def test_wrong_values(text: str) -> None:
    with pytest.raises(ClusterError, match="local, local:N, tcp://HOST:PORT") as caught:
        parse_choice(text)
    assert caught.value.usage


def test_without_dask_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    monkeypatch.setattr(clusters, "find_spec", lambda _: None)
    with pytest.raises(ClusterError, match=r"pip install 'mxsweep\[dask\]'"):
        check_installed()
    assert importlib.util.find_spec("distributed") is not None


def test_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "ANSWER", 1)
    choice = parse_choice("tcp://127.0.0.1:1")
    with (
        pytest.raises(ClusterError, match=r"--dask tcp://127\.0\.0\.1:1: no scheduler answers"),
        cluster(choice, None, print),
    ):
        pass


@pytest.mark.parametrize("content", [None, "ca = 1", "ca = 'a'", "not toml"])
def test_a_wrong_security_file(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "security.toml"
    if content is not None:
        file.write_text(content)
    choice = parse_choice("tls://127.0.0.1:1")
    with pytest.raises(ClusterError, match="--dask-security ") as caught, cluster(choice, str(file), print):
        pass
    assert caught.value.usage


class FakeFuture:
    """A task of a client: its key, its state, and its result."""

    def __init__(self, key: str, workers: list[str]) -> None:
        self.key, self.workers = key, workers
        self.status, self.outcome = "pending", (b"", "")
        self.released: list[str] = []

    def result(self) -> tuple[bytes, str]:
        return self.outcome

    def exception(self) -> Exception:
        return ModuleNotFoundError("No module named 'scanner'")

    def release(self) -> None:
        self.released.append("release")

    def cancel(self) -> None:
        self.released.append("cancel")


class FakeClient:
    """A client of a scheduler with some workers, and the completed tasks."""

    loop, status = None, "running"

    def __init__(self, *workers: str) -> None:
        self.workers = list(workers)
        self.tasks: list[FakeFuture] = []
        self.added: list[FakeFuture] = []

    def scheduler_info(self, n_workers: int) -> dict[str, dict[str, dict[str, int]]]:
        assert n_workers == -1
        return {"workers": {worker: {"nthreads": 1} for worker in self.workers}}

    def submit(self, _task: object, _line: bytes, _version: str, *, workers: list[str], key: str, **_: object) -> Any:
        self.tasks.append(FakeFuture(key, workers))
        return self.tasks[-1]

    def as_completed(self, _futures: list[object], *, loop: None) -> "FakeClient":
        assert loop is self.loop
        return self

    def add(self, future: FakeFuture) -> None:
        self.added.append(future)

    def count(self) -> int:
        return len(self.added)

    def next_batch(self, *, block: bool) -> list[FakeFuture]:
        done = [each for each in self.added if each.status != "pending"]
        self.added = [each for each in self.added if each.status == "pending" or block]
        return done


ONE, TWO = "tcp://192.0.2.1:1", "tcp://192.0.2.2:2"


def workers_of(client: FakeClient, monkeypatch: pytest.MonkeyPatch, *, here: bool = False) -> DaskWorkers:
    monkeypatch.setattr(clusters, "_distributed", lambda: client)
    return DaskWorkers(client, here=here)


def passed(machine: str) -> bytes:
    return codec.encode(JobResult(RunState.COMPLETE, fitness=Fitness(machine, ScanWorker(machine))))


def test_a_worker_gets_jobs_after_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is bound to its worker; a job is bound to the fit workers."""
    client = FakeClient(ONE, TWO)
    workers = workers_of(client, monkeypatch)
    workers.require(b"test")
    assert [task.workers for task in client.tasks] == [[ONE], [TWO]]
    assert (workers.count(), workers.testing()) == (0, True)
    client.tasks[0].status, client.tasks[0].outcome = "finished", (passed("one"), ONE)
    client.tasks[1].status = "error"
    assert workers.finished() == []
    assert (workers.count(), workers.testing(), workers.on_one_machine()) == (1, False, 1)
    assert [(each.host, each.error) for each in workers.tested()] == [
        ("", ""),
        ("192.0.2.2", "No module named 'scanner'"),
    ]
    workers.submit(b"job", "a job")
    assert client.tasks[2].workers == [ONE]
    client.tasks[2].status, client.tasks[2].outcome = "finished", (b"result", ONE)
    assert workers.finished() == [("a job", b"result", ONE)]
    assert all(task.released == ["release"] for task in client.tasks)


def test_the_job_of_lost_workers_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler would wait for the lost worker, although another worker has joined."""
    client = FakeClient(ONE)
    workers = workers_of(client, monkeypatch, here=True)
    workers.require(b"test")
    assert (client.tasks, workers.count()) == ([], 1)
    workers.submit(b"job", "a job")
    client.workers = [TWO]
    ((key, error, worker),) = workers.finished()
    assert (key, type(error), worker) == ("a job", WorkerLostError, "")
    assert client.tasks[0].released == ["cancel"]
    assert workers.finished() == []


@pytest.mark.parametrize(
    ("address", "security", "text"),
    [
        ("tls://192.0.2.1:1", None, "--dask tls://192.0.2.1:1: it requires --dask-security FILE"),
        ("tcp://192.0.2.1:1", "file.toml", "--dask-security: it requires tls://, not --dask tcp://192.0.2.1:1"),
    ],
)
def test_certificates_and_tls_belong_together(address: str, security: str | None, text: str) -> None:
    with pytest.raises(ClusterError, match=text) as caught, cluster(parse_choice(address), security, print):
        pass
    assert caught.value.usage
