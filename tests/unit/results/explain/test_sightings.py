"""The search for certificates that fit TLSA records."""

from datetime import timedelta
from pathlib import Path

from results.explain.sightings import sightings
from results.explain.tlsa_cause import SeenCertificate
from tests.unit.records import NOON
from tests.unit.results.explain.test_worklist import BROKEN, OLD_KEY, earlier, run_of

HOST = "mx1.example"


def test_without_tlsa_data_nothing_is_read(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [BROKEN])
    assert sightings(run, [], {HOST: ()}) == {HOST: {}}


def test_a_certificate_that_another_host_sent(tmp_path: Path) -> None:
    run = earlier(tmp_path, "run", 0, broken=True)
    found = sightings(run, [], {"mx2.example": [OLD_KEY]})
    assert found == {"mx2.example": {OLD_KEY: SeenCertificate("/CN=old")}}


def test_a_certificate_that_the_host_sent_earlier_has_precedence(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [BROKEN])
    history = [earlier(tmp_path, name, days, broken=False) for name, days in (("one", 1), ("two", 2))]
    found = sightings(run, history, {HOST: [OLD_KEY, "ff" * 32]})
    assert found == {HOST: {OLD_KEY: SeenCertificate("/CN=old", NOON - timedelta(days=1), by_host=True)}}
