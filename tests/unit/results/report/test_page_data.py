"""The data of the page's table of domains."""

import json
from pathlib import Path

import pytest

from results.report.page_data import page_data
from results.store.reader import Run
from results.store.writer import Store
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.results.report.test_html import ATTACK, hostile_run


def test_failing_domains_have_precedence(tmp_path: Path) -> None:
    data = page_data(hostile_run(tmp_path / "run"), limit=2)
    assert data.left_out == 1
    assert [domain[1] for domain in json.loads(data.json)["domains"]] == ["fail", "fail"]


def test_tlsa_records_are_in_presentation_format(tmp_path: Path) -> None:
    data = page_data(hostile_run(tmp_path / "run")).json
    hosts = json.loads(data)["hosts"]
    assert [row for host in hosts for (row,) in host["tlsa"] if "5a" in row] == ["3 1 1 " + "5a" * 32]
    why = [row[2] for host in hosts for address in host["addresses"].values() for row in address["tlsa"] if not row[1]]
    assert why == ["matches no certificate or key of the server, with any selector or digest."]


@pytest.mark.parametrize("character", "<>&")
def test_no_character_can_end_the_element(tmp_path: Path, character: str) -> None:
    assert character in ATTACK
    data = page_data(hostile_run(tmp_path / "run")).json
    assert character.encode() not in data


def test_the_column_of_the_list_is_shown_if_it_has_values(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "run")
    data = page_data(run, column="Country")
    assert (data.column, json.loads(data.json)["column"]) == ("Country", "Country")
    assert {domain[9] for domain in json.loads(data.json)["domains"]} == {"nl"}
    assert page_data(run, column="owner").column == ""


def test_a_host_that_was_not_probed_names_the_probed_host(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", records.header()) as store:
        report = records.report(inferred={"from": f"mx9.example:25/smtp{ATTACK}"})
        store.put_domain(records.domain(hosts=(records.host_verdict(),)), [report], {})
        store.finish(RunState.COMPLETE, {}, records.NOON)
    (host,) = json.loads(page_data(Run.open(tmp_path / "run")).json)["hosts"]
    assert host["inferred"].startswith("not probed: the connections are those of the MX host mx9.example:25/smtp")
    assert "\x1b" not in host["inferred"]
