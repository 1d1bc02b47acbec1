"""MX hosts that fail."""

from dataclasses import replace
from pathlib import Path

from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    Sender,
)
from tests.unit import records
from tests.unit.results.count.runs import summary

MISMATCH = records.host_verdict(dane=Dane.MISMATCH, sender=Sender.DEFER)


def test_failing_hosts_are_ranked_by_domains(tmp_path: Path) -> None:
    down = records.host_verdict(
        host="down.example", dane=Dane.NONE, sender=Sender.DEFER, endpoints=(records.unreached(),), reasons=()
    )
    wrong = replace(MISMATCH, host="wrong.example", endpoints=(), reasons=(Reason.TLSA_MISMATCH,), text="no match")
    domains = [
        records.domain(key="a.example", hosts=(down, records.host_verdict())),
        records.domain(key="b.example", hosts=(down, wrong)),
    ]
    first, second = summary(tmp_path, domains).failing
    assert (first.host, first.domains, first.dane) == ("down.example", 2, Dane.NONE)
    assert first.reasons == (Reason.CONNECTION_REFUSED,)
    assert first.text == "Connection refused"
    assert (second.host, second.domains, second.text) == ("wrong.example", 1, "no match")
