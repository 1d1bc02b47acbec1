"""Fixtures for all tests."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.lab.control import LabError
from tests.lab.use import Lab, running
from tests.sweep import Scan, sweep

settings.register_profile("patient", deadline=None)  # speed is measured in tests/bench
settings.load_profile("patient")


def pytest_configure() -> None:
    """Restore the handlers of signals that ``nohup`` and background jobs of a shell ignore; some tests send them."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


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
