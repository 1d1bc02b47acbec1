"""Scans with ``--sni-sample``: by the server's own log, only the sample of a group is connected to."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from results.diff.rejudge import rejudge
from results.store.reader import Run
from scanner.net import truststore
from tests.lab.cases_sample import BROKEN, CUSTOMERS, EE, NAMELESS, REASON, SCENARIOS, WILDCARD, domains
from tests.lab.model import Scenario
from tests.lab.use import Lab
from tests.lines import dicts
from tests.sweep import MXSWEEP, trusting

pytestmark = pytest.mark.lab

SAMPLE = 2
FLAGS = ("--sni-sample", str(SAMPLE), "--cert-algs", "off", "--quiet", "--retries", "0")
LIST = "".join(f"{domain}\n" for scenario in SCENARIOS for domain in domains(scenario))
CONNECTIONS = {
    EE.domain: SAMPLE,
    WILDCARD.domain: SAMPLE,
    NAMELESS.domain: 2 * CUSTOMERS,
    BROKEN.domain: 2 * CUSTOMERS,
}
"""Connections to each hoster: a host that mismatches is probed twice, to confirm the mismatch."""


@pytest.fixture(scope="module", params=["one process", "two workers"])
def scanned(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Path, Counter[str]]:
    """Return a run, and the number of connections to each hoster by the log of the server."""
    place = tmp_path_factory.mktemp("sample")
    name = f"sample-{request.param.replace(' ', '-')}-{os.getpid()}.lab.test"
    (place / "domains").write_text(LIST)
    more = ("--dask", "local:2") if request.param == "two workers" else ()
    argv = ("scan", str(place / "domains"), "-o", str(place / "run"), "--ehlo", name, *trusting(lab), *FLAGS, *more)
    mark = lab.mark()
    done = lab.run(*MXSWEEP, *argv)
    assert done.returncode == 0, done.stderr
    hellos = [e for e in lab.events(mark) if e["event"] == "ehlo" and not e["tls"] and e["line"] == f"EHLO {name}"]
    return place / "run", Counter(event["host"] for event in hellos)


def of(run: Path, scenario: Scenario) -> list[dict[str, Any]]:
    return [line for line in dicts(run, "hosts") if line["host"].endswith(f".{scenario.domain}")]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.domain)
def test_connections(scanned: tuple[Path, Counter[str]], scenario: Scenario) -> None:
    assert scanned[1][scenario.hosts[0].name] == CONNECTIONS[scenario.domain], scenario.why


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.domain)
def test_verdicts(scanned: tuple[Path, Counter[str]], scenario: Scenario) -> None:
    lines = [line for line in dicts(scanned[0], "domains") if line["key"] in domains(scenario)]
    assert len(lines) == CUSTOMERS
    assert {line["verdict"]["dane"] for line in lines} == {scenario.expect.dane}
    hosts = of(scanned[0], scenario)
    inferred = [line for line in hosts if line["inferred"] is not None]
    assert len(inferred) == (CUSTOMERS - SAMPLE if scenario in (EE, WILDCARD) else 0)
    assert {line["inferred"]["from"] for line in inferred} <= {line["key"] for line in hosts if line not in inferred}
    reasons = {line["key"] for line in lines if REASON in line["verdict"]["reasons"]}
    assert reasons == {line["host"].replace("c", "d", 1) for line in inferred}


def test_the_verdicts_are_computed_again_from_the_files(scanned: tuple[Path, Counter[str]], lab: Lab) -> None:
    found = rejudge(Run.open(scanned[0]), truststore.load(str(lab.root_pem), None))
    assert (found.domains, found.left, found.changed) == (CUSTOMERS * len(SCENARIOS), 0, [])


def test_other_commands_read_the_run(scanned: tuple[Path, Counter[str]], lab: Lab) -> None:
    sql = "SELECT count(*) AS n FROM hosts WHERE inferred_from <> ''"
    done = lab.run(*MXSWEEP, "query", str(scanned[0]), sql, "--format", "json")
    assert json.loads(done.stdout) == {"n": 2 * (CUSTOMERS - SAMPLE)}
    done = lab.run(*MXSWEEP, "report", str(scanned[0]))
    assert REASON in done.stdout
    done = lab.run(*MXSWEEP, "diff", str(scanned[0]), str(scanned[0]))
    assert done.returncode == 0, done.stderr
