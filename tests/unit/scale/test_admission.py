"""The workers that get jobs: new, tested, refused, excluded and lost workers."""

import pytest

from results.store import codec
from scanner.scale.admission import Admission, machine_of
from scanner.scale.job import Fitness, JobResult
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker

ONE, TWO, THREE = "tls://192.0.2.1:1", "tls://192.0.2.1:2", "tls://192.0.2.9:3"


def fit(machine: str = "a") -> bytes:
    return codec.encode(JobResult(RunState.COMPLETE, fitness=Fitness(machine, ScanWorker(machine))))


def required() -> Admission:
    admission = Admission()
    admission.required = True
    return admission


def test_workers_of_this_machine_need_no_test() -> None:
    admission = Admission()
    assert admission.arrive({ONE: 1, TWO: 2}) == []
    assert (admission.fit, admission.testing, admission.on_one_machine()) == ({ONE: 1, TWO: 2}, False, 3)
    admission.exclude(TWO)
    assert admission.fit == {ONE: 1}


def test_a_new_worker_is_tested_once_and_gets_jobs_if_it_passes() -> None:
    admission = required()
    assert admission.arrive({ONE: 1, TWO: 1}) == [ONE, TWO]
    assert admission.arrive({ONE: 1, TWO: 1}) == []
    assert (admission.fit, admission.testing) == ({}, True)
    admission.tested(ONE, fit())
    assert (admission.fit, admission.testing) == ({ONE: 1}, True)
    refusal = JobResult(RunState.INTERRUPTED, host="two", error="no resolver")
    admission.tested(TWO, codec.encode(refusal))
    assert (admission.fit, admission.testing) == ({ONE: 1}, False)
    assert [result.error for result in admission.results()] == ["", "no resolver"]
    assert admission.results() == []
    assert admission.arrive({ONE: 1, TWO: 1, THREE: 4}) == [THREE]


def test_a_worker_on_which_the_test_cannot_run_is_named_by_its_address() -> None:
    """A worker without mxsweep cannot load the task."""
    admission = required()
    admission.arrive({THREE: 1})
    admission.tested(THREE, ModuleNotFoundError("No module named 'scanner'"))
    (result,) = admission.results()
    assert (result.host, result.error, admission.fit) == ("192.0.2.9", "No module named 'scanner'", {})


def test_the_test_of_a_lost_worker_is_forgotten() -> None:
    admission = required()
    admission.arrive({ONE: 1})
    admission.arrive({})
    admission.tested(ONE, ConnectionError("lost"))
    assert (admission.testing, admission.results(), admission.present) == (False, [], frozenset())


def test_processes_with_the_same_loopback_address_are_on_one_machine() -> None:
    """A machine may have several addresses, and containers of one address may be several machines."""
    admission = required()
    admission.arrive({ONE: 1, TWO: 2, THREE: 4})
    admission.tested(ONE, fit("a"))
    admission.tested(TWO, fit("b"))
    admission.tested(THREE, fit("a"))
    assert admission.on_one_machine() == 5


@pytest.mark.parametrize(("worker", "host"), [(ONE, "192.0.2.1"), ("tcp://[2001:db8::1]:4", "[2001:db8::1]")])
def test_the_host_of_a_worker(worker: str, host: str) -> None:
    assert machine_of(worker) == host
