"""Each column has the same value in Python and in SQL."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from results.export.columns import TableDefinition, field_columns
from results.export.database import load
from results.export.rows import field_names
from results.export.tables import TABLES, run_names, table_of
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import TLSALookup
from scanner.model import TargetInfo
from scanner.reasons import Reason
from scanner.vocabulary import RunState
from tests.unit import records, sts

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")

FIELDS = {"owner": 'Ärger & "Co"', "Domain": "x", "o'wner": "1", "": "nothing"}


@pytest.fixture
def odd(tmp_path: Path) -> Run:
    """A run with every odd form: no MX answer, no host, null values, many fields, no certificate facts."""
    path = tmp_path / "odd*[run]'s"  # a pattern, were it not hidden from DuckDB
    with Store.create(path, records.header(label="odd")) as store:
        cert = records.cert(sha256="ff" * 32, not_before=None, not_after=None, der=bytes(range(256)), is_ca=None)
        tlsa = records.answer("_25._tcp.mx1.example", "TLSA", "030101" + "c3" * 32)
        lookup = TLSALookup("mx1.example", (records.MATCHING,) * 2, None, None, (tlsa,))
        probe = records.probe(handshake=records.handshake(chain=(cert.sha256, records.DIGEST)))
        endpoint = replace(records.report().endpoints[0], probes=(probe,))
        report = records.report(tlsa=lookup, a=None, endpoints=(endpoint,))
        store.put_host(report, [cert, records.cert()])
        store.put_host(records.report(key="alone", endpoints=()), [])
        target = TargetInfo("B", "", 0, None, FIELDS)
        store.put_domain(
            records.domain(key="null.example", target=target, hosts=(), route=records.route(mx=None)), [], {}
        )
        null = replace(
            records.route(), hosts=(), mx=records.answer("n.example", "MX", "0 ."), reasons=(Reason.NULL_MX,)
        )
        store.put_domain(records.domain(key="n.example", route=null, hosts=()), [], {})
        unexamined = records.host_verdict(report=None, endpoints=(), reasons=(Reason.NULL_MX, Reason.NULL_MX))
        store.put_domain(records.domain(key="two.example", hosts=(unexamined, records.host_verdict())), [], {})
        policy = sts.report(sts.policy("a.test", "*.b.test"))
        tlsrpt = sts.tlsrpt('"v=TLSRPTv1; rua=mailto:a@b.test,https://b.test/"')
        store.put_domain(records.domain(key="sts.example", sts=policy, tlsrpt=tlsrpt), [], {})
        store.put_domain(records.domain(key="none.example", sts=sts.record("x"), tlsrpt=sts.tlsrpt()), [], {})
        store.put_reject("list.csv", 9, "not a domain", "not-a-domain")
        store.finish(RunState.COMPLETE, {}, records.NOON)
    return Run.open(path)


def in_python(table: TableDefinition, run: Run) -> list[dict[str, Any]]:
    return [{column.name: column.value(record) for column in table.shown} for record in table.rows(run)]


@needs_duckdb
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("which", ["run", "odd"])
@pytest.mark.parametrize("together", [False, True], ids=["alone", "together"])
def test_both_languages_agree(name: str, which: str, request: pytest.FixtureRequest, *, together: bool) -> None:
    run: Run = request.getfixturevalue(which)
    listed = field_columns(field_names(run), (column.name for column in table_of("domains", "").columns))
    table = table_of(name, run_names([run])[0], listed if name == "domains" else ())
    with load(run) as database:
        database.fill(TABLES if together else ())
        names, rows = database.ask(f"SELECT * FROM {name}")  # noqa: S608 - names of this project
        found = [dict(zip(names, map(as_tuple, row), strict=True)) for row in rows]
    assert list(names) == [column.name for column in table.shown]
    assert found == in_python(table, run)


def as_tuple(cell: object) -> object:
    return tuple(cell) if isinstance(cell, list) else cell


@needs_duckdb
def test_new_columns(odd: Run) -> None:
    with load(odd) as database:
        (row,) = database.ask(
            "SELECT owner, \"o'wner\", field_Domain, rank FROM domains WHERE domain = 'null.example'"
        )[1]
        assert row == (FIELDS["owner"], "1", "x", None)
        assert list(database.ask("SELECT reason FROM rejects")[1]) == [("not-a-domain",)]
        (pem,) = next(database.ask("SELECT pem FROM certs WHERE sha256 LIKE 'ff%'")[1])
        assert max(map(len, pem.splitlines())) == 64
        assert list(database.ask("SELECT label, run FROM runs")[1]) == [("odd", "odd*[run]'s")]
        assert list(database.ask("SELECT mx_rrset FROM domains WHERE domain = 'n.example'")[1]) == [
            (["n.example. 300 IN MX 0 ."],)
        ]


def test_names_of_runs(run: Run, later: Run) -> None:
    assert run_names([run, later]) == ["run", "later"]
    assert run_names([run, run]) == [str(run.path)] * 2
