"""The records that a report prints are published as printed, and the next scan finds the domains fixed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.run import mxsweep
from tests.days import play
from tests.lab.model import Scenario
from tests.lab.pki import PKI, Bundle
from tests.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.lab

BROKEN = ("bad311.test", "bad310.test", "bad201.test", "ta-leaf-only.test", "agility-bad.test", "mixed-bad.test")
"""A digest of nothing, the issuer's key, anchors that are not sent, the strongest digest wrong, a usage unknown."""


class KeptZone(PKI):
    """Makes the certificate of a host once: mending records leaves it alone."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, Bundle] = {}

    def make(self, recipe: str, host: str, domain: str) -> Bundle:
        return self._made.setdefault(host, super().make(recipe, host, domain))


def printed(run: Path) -> dict[str, list[str]]:
    """What the report says should be published, by MX host."""
    done = mxsweep("report", str(run), "--format", "json")
    assert done.returncode == 0, done.stderr
    return {task["host"]: task["explanation"]["records"] for task in json.loads(done.stdout)["tasks"]}


def mended(scenario: Scenario, records: list[str]) -> Scenario:
    """The domain with the printed lines in its zone, as they are, in place of the records that it had."""
    return replace(scenario, hosts=(replace(scenario.hosts[0], tlsa=()),), records=tuple(records))


def test_publishing_the_printed_records_fixes_the_domain(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory, pki = tmp_path_factory.mktemp("fixing"), KeptZone()  # a short name: knot's sockets lie below it
    scenarios = tuple(scenario for scenario in SCENARIOS if scenario.domain in BROKEN)
    old = play(scenarios, pki, directory, "old").path
    records = printed(old)
    assert set(records) == {f"mx.{domain}" for domain in BROKEN}
    new = play(tuple(mended(s, records[s.hosts[0].name]) for s in scenarios), pki, directory, "new").path

    explained = mxsweep("explain", str(old), "bad311.test").stdout
    assert all(word in explained for word in records["mx.bad311.test"][0].split())
    assert explained.count("connection 2 of 2") == 2  # a mismatch is looked at twice, at each of two addresses
    found = json.loads(mxsweep("diff", str(old), str(new), "--format", "json").stdout)
    assert {row["domain"] for row in found["fixed"]} == set(BROKEN)
    assert {row["new"]["dane"] for row in found["fixed"]} == {"protected"}
    assert (found["new_broken"], found["still_broken"]) == ([], [])
    assert printed(new) == {}
