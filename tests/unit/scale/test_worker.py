"""The task of a worker: what it makes of the messages and of the end of its child, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from results.store import codec
from scanner.scale import worker
from scanner.scale.job import ChildMessage, Job, JobResult, Stage
from scanner.scale.worker import child_result, sees
from scanner.vocabulary import RunState
from tests.unit import records

JOB = codec.encode(Job(Stage.PART, 1, "RUN", {}))
RESULT = JobResult(RunState.COMPLETE, pending=3)


def play(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(worker, "CHILD", (sys.executable, "-c", script))


def test_statuses_are_passed_on_and_the_result_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child repeats its job on standard error; texts that are no messages are ignored."""
    messages = [
        b"no message\n",
        codec.encode(ChildMessage(status=records.status())),
        codec.encode(ChildMessage(result=RESULT)),
    ]
    play(
        monkeypatch,
        f"import sys; sys.stderr.write(sys.stdin.readline()); sys.stdout.buffer.write({b''.join(messages)!r})",
    )
    seen: list[bytes] = []
    assert child_result(JOB, seen.append) == RESULT
    assert seen == [codec.encode(records.status())]


def test_the_last_text_of_a_child_without_a_result_is_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, "import sys; sys.stdin.readline(); raise ValueError('a bug')")
    found = child_result(JOB, print)
    assert (found.state, found.error) == (RunState.INTERRUPTED, "ValueError: a bug")


def test_a_killed_child(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, "import os, sys; sys.stdin.readline(); os.kill(os.getpid(), 9)")
    assert child_result(JOB, print).error == "the process of the job ended with code -9"


def test_a_worker_sees_the_directory_if_the_file_has_the_text_of_the_job(tmp_path: Path) -> None:
    job = Job(Stage.PART, 1, str(tmp_path), {}, proof="abc")
    assert not sees(job)
    (tmp_path / "plan").mkdir()
    for text, expected in (("abc", True), ("abd", False)):
        (tmp_path / "plan" / "proof").write_text(text)
        assert sees(job) is expected


def test_a_local_worker_leaves_the_process_group_of_the_terminal() -> None:
    code = (
        "import os; from scanner.scale.worker import dask_setup; dask_setup(None); print(os.getpgid(0) == os.getpid())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
