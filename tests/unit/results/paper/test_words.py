"""The words of MX hosts and of domains that only the paper tables count."""

from dataclasses import replace
from pathlib import Path

import pytest

from results.paper.facts import HostFacts, host_facts
from results.paper.words import HOST_STEPS, MX_KINDS, mx_label, steps_of, words_of_facts
from results.store.partial import MXPart, RoutePart
from tests.unit.results.paper.runs import GOOD, PLAIN, domain, written


@pytest.fixture
def facts(tmp_path: Path) -> dict[str, HostFacts]:
    found = host_facts(written(tmp_path / "facts", [domain("a.example")], [GOOD, PLAIN]))
    return {key.partition(":")[0]: each for key, each in found.items()}


def test_each_step_is_a_part_of_the_one_before(facts: dict[str, HostFacts]) -> None:
    good = facts["good.example"]
    assert steps_of(good) == HOST_STEPS
    assert steps_of(replace(good, reached=False)) == HOST_STEPS[:2]
    assert steps_of(replace(good, usable=False)) == HOST_STEPS[:1]
    assert steps_of(replace(good, secure=False)) == ()


def test_a_host_has_the_words_of_its_records_and_its_session(facts: dict[str, HostFacts]) -> None:
    assert {("starttls_class", "TLS established"), ("parameters", "3 1 1")} <= words_of_facts(facts["good.example"])
    plain = words_of_facts(facts["plain.example"])
    assert {table for table, _ in plain} == {"starttls_class", "host_step"}


@pytest.mark.parametrize(
    ("route", "reasons", "label"),
    [
        (RoutePart(MXPart("data", "secure"), (), None), (), "MX records"),
        (RoutePart(MXPart("nodata", "secure"), (), None), (), "implicit MX"),
        (RoutePart(None, (), None), (), "host named itself"),
        (RoutePart(None, (), "null-mx"), (), "null MX"),
        (RoutePart(None, (), None), ("mx-targets-unresolvable",), "MX hosts without address"),
        (RoutePart(None, (), "mx-lookup-failed"), (), "MX lookup failed"),
        (RoutePart(None, (), None), ("no-address",), "no such domain, or no address"),
    ],
)
def test_kinds_of_mx_from_partial_records(route: RoutePart, reasons: tuple[str, ...], label: str) -> None:
    assert mx_label(route, reasons) == label
    assert label in MX_KINDS
