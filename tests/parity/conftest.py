"""The run of all written pairs, made once for all test processes."""

import fcntl
import json
import os

import pytest

from tests.lab.use import Lab
from tests.parity.run import ParityRun, all_pairs


@pytest.fixture(scope="session")
def pairs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> ParityRun:
    """Return every outcome; the first process makes them, the others wait and read."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    kept = directory / "parity.json"
    with (directory / "parity.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(all_pairs(lab).outcomes))
    return ParityRun(json.loads(kept.read_text()))
