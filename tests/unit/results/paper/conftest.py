"""The run of most tests of the paper."""

from pathlib import Path

import pytest

from results.store.reader import Run
from scanner.model import Route
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
)
from tests.unit import records
from tests.unit.results.paper.runs import GOOD, PLAIN, domain, written


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three domains share a good host, one of them with a plain one beside it; one has the plain host; one no mail."""
    good, plain = ("good.example", 10, Dane.OK), ("plain.example", 20, Dane.NONE)
    null = records.domain(
        key="null.example",
        route=Route((), records.answer("null.example", "MX", "0 ."), final=Reason.NULL_MX),
        hosts=(),
        verdict=records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NULL_MX,)),
    )
    domains = [
        domain("a.example", good, dane=DomainDane.PROTECTED),
        domain("b.example", good, dane=DomainDane.PROTECTED),
        domain("c.example", good, plain, dane=DomainDane.PARTIAL),
        domain("d.example", plain),
        null,
    ]
    return written(tmp_path / "run", domains, [GOOD, PLAIN])
