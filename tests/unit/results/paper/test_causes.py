"""The causes of DANE mismatches."""

from dataclasses import replace
from pathlib import Path

from results.paper.tables import paper_tables
from results.render.tables import Cell
from results.store.reader import Run
from scanner.model import DaneEvidence, EndpointReport
from scanner.vocabulary import (
    Dane,
)
from tests.unit import pki, records
from tests.unit.results.paper.runs import domain, host, written


def rows(run: Run, name: str, *history: Run) -> dict[tuple[Cell, ...], tuple[Cell, ...]]:
    """A table's rows: labels, and the other cells."""
    (table,) = (table for table in paper_tables(run, history) if table.key == name)
    labels = table.columns.index("domains") if "domains" in table.columns else 1
    return {row[:labels]: row[labels:] for row in table.rows}


def test_t5_tells_causes_apart(tmp_path: Path) -> None:
    """One host has a record with the wrong selector, one a record of nothing, one the right record of another name."""
    chain = pki.chain(pki.LEAF, pki.INTER)
    probe = records.probe(handshake=records.handshake(chain=tuple(cert.sha256 for cert in chain)))
    wrong = replace(pki.tlsa(3, 1, 1, pki.LEAF), selector=0)
    alien = pki.tlsa(3, 1, 1, pki.LEAF, wrong=True)
    named = pki.tlsa(2, 1, 1, pki.INTER)
    miss = DaneEvidence(None, -1, bare_key=False, needs_name=False, path=())
    hit = DaneEvidence(named, 1, bare_key=False, needs_name=True, path=())
    made = [
        replace(host(name, probe, pins=[pin]), endpoints=(EndpointReport("192.0.2.1", (probe,), evidence),))
        for name, pin, evidence in (("wrong", wrong, miss), ("alien", alien, miss), ("named", named, hit))
    ]
    domains = [domain(f"{n}.example", ("wrong", 10, Dane.MISMATCH)) for n in range(2)]
    domains += [domain("x.example", ("alien", 10, Dane.MISMATCH), ("named", 20, Dane.MISMATCH))]
    found = rows(written(tmp_path / "run", domains, made, chain), "T5")
    assert found == {
        ("wrong-selector",): (2, 50.0, 1, 33.33),
        ("name-mismatch",): (1, 25.0, 1, 33.33),
        ("unknown-digest",): (1, 25.0, 1, 33.33),
    }
