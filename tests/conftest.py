"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.lab.control import LabError
from tests.lab.use import Lab, running
from tests.sweep import Scan, sweep

settings.register_profile("patient", deadline=None)  # speed is measured in tests/bench
settings.load_profile("patient")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The running lab, shared by all test processes; tests without the mark ``lab`` do not need it."""
    try:
        with running() as found:
            yield found
    except LabError as error:
        pytest.fail(f"the lab cannot be started: {error}")


@pytest.fixture(scope="session")
def scan(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A scan of the whole lab."""
    return sweep(lab, tmp_path_factory.mktemp("scan"))
