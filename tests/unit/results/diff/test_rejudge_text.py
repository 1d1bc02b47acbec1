"""The differences between stored and recomputed verdicts as text and JSON."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

from rich.console import Console

from results.diff import rejudge_text
from results.diff.rejudge import Rejudged, rejudge
from scanner.vocabulary import Level
from tests.unit import pki
from tests.unit.results.diff.test_rejudge import AT, HOST, LEAF, TRUST, settled


def test_changed_addresses_are_listed(tmp_path: Path) -> None:
    found = rejudge(settled(tmp_path, pki.tlsa(3, 1, 1, LEAF)), TRUST, at=AT + timedelta(days=21))
    out = StringIO()
    rejudge_text.print_rejudged(found, Console(width=200, file=out))
    assert "the verdicts of 0 of 1 domains and 1 addresses change." in out.getvalue()
    (table,) = rejudge_text.tables(found)
    assert table.rows == ((HOST, "192.0.2.1", 1, "pkix trusted > untrusted", "certificate has expired"),)
    assert json.loads(rejudge_text.as_json(found))["endpoints"][0]["host"] == HOST


def test_domains_that_could_not_be_judged_are_counted() -> None:
    first, second = rejudge_text.summary_lines(Rejudged(Level.DANE, None, domains=3, left=2))
    assert "validity periods at the time of each probe" in first
    assert second.startswith("2 domains could not be judged again")
