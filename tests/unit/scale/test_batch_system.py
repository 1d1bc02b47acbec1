"""A scan on workers that a batch system starts: the class of dask-jobqueue that executes jobs on this machine.

The class has the code of the classes for SLURM and PBS, but executes the job script itself. The network is made up.
"""

import subprocess
from pathlib import Path

import pytest

from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.bench import made_up
from tests.lines import dicts
from tests.sweep import MXSWEEP

DOMAINS = 200
PATIENCE = 300.0

BATCH = """
import subprocess, sys
from dask_jobqueue.local import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        cores=1, processes=1, memory="1GB", log_directory=sys.argv[1], scheduler_options={"host": "127.0.0.1"}
    ) as cluster:
        cluster.scale(jobs=2)
        sys.exit(subprocess.call([*sys.argv[2:], "--dask", cluster.scheduler_address]))
"""
"""The recipe of docs/scale-out.md, with ``LocalCluster`` in place of ``SLURMCluster``."""

FLAGS = (
    *("--resolver", "192.0.2.53", "--unvalidated", "--allow-private", "--ehlo", "me.example", "--quiet"),
    *("--rate", "100000", "--dns-rate", "100000"),
)


@pytest.mark.filterwarnings("ignore")
def test_a_scan_on_the_jobs_of_a_batch_system(tmp_path: Path) -> None:
    environment = made_up.prepare(tmp_path / "made-up")
    (tmp_path / "list").write_bytes(b"".join(made_up.names(DOMAINS)))
    (tmp_path / "batch.py").write_text(BATCH)
    run = tmp_path / "run"
    command = (*MXSWEEP, "scan", str(tmp_path / "list"), "-o", str(run), *FLAGS)
    done = subprocess.run(
        [MXSWEEP[0], str(tmp_path / "batch.py"), str(tmp_path), *command],
        check=False,
        env=environment,
        timeout=PATIENCE,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert Run.open(run).header.state is RunState.COMPLETE
    assert {line["key"] for line in dicts(run, "domains")} == {f"d{number}.example" for number in range(DOMAINS)}
    assert sum(1 for _ in dicts(run, "hosts")) == DOMAINS // made_up.PER_HOST
