"""A lab on several days: for each day a lab is started with the domains of that day, scanned, and stopped.

The certificate authorities are the same on all days.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from results.store.reader import Run
from tests.lab import control
from tests.lab.layout import Layout
from tests.lab.model import Scenario
from tests.lab.pki import PKI
from tests.lab.ready import PROBE_DOMAIN
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab
from tests.sweep import MXSWEEP, trusting

_FIXED = tuple(s for s in SCENARIOS if s.domain == PROBE_DOMAIN or s.rcodes or any(host.postfix for host in s.hosts))
"""Scenarios without which a server of the lab has no work, or its start cannot be detected."""


@contextmanager
def in_lab(scenarios: tuple[Scenario, ...], pki: PKI, directory: Path, name: str) -> Iterator[Lab]:
    """Start a lab with some domains and certificates for the block; its state is below ``directory``."""
    layout = Layout(directory / f"lab-{name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "PKI", lambda: pki)
        patch.setattr(control, "ALL", (*_FIXED, *scenarios))
        record = control.up(layout)
    try:
        yield Lab(layout, record)
    finally:
        control.down(layout)


def play(scenarios: tuple[Scenario, ...], pki: PKI, directory: Path, name: str) -> Run:
    """Start a lab with some domains and certificates, and scan the domains into ``directory/name``."""
    with in_lab(scenarios, pki, directory, name) as lab:
        return _scan(lab, [scenario.domain for scenario in scenarios], directory / name)


def _scan(lab: Lab, domains: list[str], run: Path) -> Run:
    done = lab.run(
        *(*MXSWEEP, "scan", "-", "-o", str(run), "--quiet", "--ehlo", "days.lab.test", *trusting(lab)),
        stdin="".join(f"{domain}\n" for domain in domains),
    )
    assert done.returncode == 0, done.stderr
    return Run.open(run)
