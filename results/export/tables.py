"""The exported tables: domains, routes (pairs of domain and MX host), hosts, endpoints, certs, rejects and runs.

The tables are for spreadsheets, data frames and SQL queries. A list is exported as two columns: a text with a blank
between two items, and a list with the name ``NAME_list``. Times are UTC. In every table, the column ``run`` names the
run of a row. The table ``domains`` has a further column for each further column of the target lists. The files of the
run contain more details than the tables.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson

from results.export import rows
from results.export.columns import Column, TableDefinition, hidden, literal, member, of_row, texts
from results.export.rrsets import rrset
from results.store.reader import Run
from scanner.model import DomainRecord
from scanner.vocabulary import (
    WORST_FIRST,
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    HostSTS,
    Level,
    Mechanism,
    PolicyMode,
    Sender,
    TXTRecord,
)

_EVERY_REASON = """list_concat(verdict.reasons, flatten(list_transform(hosts, lambda h:
    list_concat(h.reasons, flatten(list_transform(h.endpoints, lambda e: e.reasons))))))"""
_HOST_REASONS = "list_concat(host.reasons, flatten(list_transform(host.endpoints, lambda e: e.reasons)))"
_MX_RRSET = """list_transform(mx.records, lambda text:
    concat(mx.rname, '. ', mx.ttl, ' IN MX ', text, CASE WHEN text LIKE '%.' THEN '' ELSE '.' END))"""
_PEM = (
    "concat('-----BEGIN CERTIFICATE-----', chr(10), regexp_replace(der, '(.{1,64})', '\\1' || chr(10), 'g'),"
    " '-----END CERTIFICATE-----', chr(10))"
)
_HOSTS = "CASE WHEN hosts IS NULL OR len(hosts) = 0 THEN [NULL] ELSE hosts END"


_DOMAIN_LINE = """key: 'VARCHAR', observed_at: 'TIMESTAMPTZ',
    target: 'STRUCT(raw VARCHAR, source VARCHAR, line BIGINT, rank BIGINT, fields MAP(VARCHAR, VARCHAR))',
    route: 'STRUCT(hosts STRUCT(host VARCHAR)[],
        mx STRUCT(outcome VARCHAR, security VARCHAR, records VARCHAR[], rname VARCHAR, ttl BIGINT))',
    verdict: 'STRUCT(outcome VARCHAR, sender VARCHAR, dane VARCHAR, starttls VARCHAR, level VARCHAR,
        reasons VARCHAR[], tlsrpt VARCHAR[], text VARCHAR, sts VARCHAR, sender_sts VARCHAR, sender_both VARCHAR,
        mechanism VARCHAR)',
    sts: 'STRUCT(record VARCHAR, id VARCHAR, policy STRUCT(mode VARCHAR, mx VARCHAR[], max_age BIGINT))',
    tlsrpt: 'STRUCT(record VARCHAR, rua VARCHAR[])'"""
_HOSTS_LINE = """hosts: 'STRUCT(host VARCHAR, preference BIGINT, report VARCHAR, dane VARCHAR, starttls VARCHAR,
    sender VARCHAR, votes BOOLEAN, conclusive BOOLEAN, reasons VARCHAR[], endpoints STRUCT(reasons VARCHAR[])[],
    text VARCHAR, sts VARCHAR)[]'"""


def _distinct(name: str) -> str:
    """Return an SQL expression for the distinct items of a list in the order of the list."""
    return f"list_filter({name}, lambda item, place: list_position({name}, item) = place)"


def _listed_last(*columns: Column) -> tuple[Column, ...]:
    """Return the columns of a table, list columns last; all other columns have the same order as in version 0.1.0."""
    return tuple(sorted(columns, key=lambda column: column.kind is tuple))


def _mx(name: str) -> Callable[[DomainRecord], str]:
    """Return a function that returns a member of the MX answer of a domain, or an empty text without an MX lookup."""
    return lambda record: getattr(record.route.mx, name) if record.route.mx else ""


def _optional(path: str, default: object = None) -> Callable[[DomainRecord], Any]:
    """Return a function that returns a nested member of a domain record, or ``default`` if an outer member is None."""
    names = path.split(".")

    def value(record: DomainRecord) -> Any:
        found: Any = record
        for name in names:
            found = getattr(found, name)
            if found is None:
                return default
        return found

    return value


def _policy(name: str, kind: type, path: str) -> Column:
    """Return a column about the MTA-STS policy or TLSRPT record, null if the domain record lacks the value."""
    return replace(member(name, kind, path, null=True), value=_optional(path))


def _mx_rrset(record: DomainRecord) -> tuple[str, ...]:
    return rrset(record.route.mx)


DOMAINS = TableDefinition(
    "domains",
    Run.domains,
    _listed_last(
        member("domain", str, "key"),
        member("outcome", DomainOutcome, "verdict.outcome"),
        member("sender", Sender, "verdict.sender"),
        member("dane", DomainDane, "verdict.dane"),
        member("starttls", DomainStartTLS, "verdict.starttls"),
        member("level", Level, "verdict.level"),
        *texts("reasons", attrgetter("verdict.reasons"), "verdict.reasons"),
        *texts("all_reasons", rows.all_reasons, sql=_distinct("every_reason")),
        *texts("tlsrpt", attrgetter("verdict.tlsrpt"), "verdict.tlsrpt"),
        member("text", str, "verdict.text"),
        Column("mx_outcome", str, _mx("outcome"), sql="coalesce(mx.outcome, '')"),
        Column("mx_security", str, _mx("security"), sql="coalesce(mx.security, '')"),
        Column("mx_hosts", int, lambda r: len(r.route.hosts), "len(route.hosts)", valid="mx_hosts IS NOT NULL"),
        Column("provider", str, rows.provider, sql="coalesce(p.provider, '')"),
        member("rank", int, "target.rank", null=True),
        member("source", str, "target.source"),
        member("line", int, "target.line"),
        member("raw", str, "target.raw"),
        member("observed_at", datetime),
        member("sts", DomainSTS, "verdict.sts", null=True),
        member("sender_sts", Sender, "verdict.sender_sts", null=True),
        member("sender_both", Sender, "verdict.sender_both", null=True),
        member("mechanism", Mechanism, "verdict.mechanism", null=True),
        _policy("sts_record", TXTRecord, "sts.record"),
        _policy("sts_id", str, "sts.id"),
        _policy("sts_mode", PolicyMode, "sts.policy.mode"),
        _policy("sts_max_age", int, "sts.policy.max_age"),
        *texts("sts_mx", _optional("sts.policy.mx", ()), "coalesce(sts.policy.mx, [])"),
        _policy("tlsrpt_record", TXTRecord, "tlsrpt.record"),
        *texts("tlsrpt_rua", _optional("tlsrpt.rua", ()), "coalesce(tlsrpt.rua, [])"),
        Column("mx_rrset", tuple, _mx_rrset, sql=f"coalesce({_MX_RRSET}, [])"),
        hidden("every_reason", _EVERY_REASON),
        hidden("mx", "route.mx"),
        hidden("first_host", "route.hosts[1].host"),
        hidden("fields_map", "target.fields"),
    ),
    file="domains",
    line=f"{_DOMAIN_LINE}, hosts: 'STRUCT(reasons VARCHAR[], endpoints STRUCT(reasons VARCHAR[])[])[]'",
    shared=f"{_DOMAIN_LINE}, {_HOSTS_LINE}",
    key="domain",
    joined="LEFT JOIN data.providers AS p ON p.host = r.first_host",
)
ROUTES = TableDefinition(
    "routes",
    rows.route_rows,
    _listed_last(
        member("domain", str, "key"),
        member("host_key", str, "host.report", null=True),
        member("host", str, "host.host"),
        member("preference", int, "host.preference"),
        member("dane", Dane, "host.dane"),
        member("starttls", DomainStartTLS, "host.starttls"),
        member("sender", Sender, "host.sender"),
        member("votes", bool, "host.votes"),
        member("conclusive", bool, "host.conclusive"),
        *texts("reasons", rows.host_reasons, sql=_distinct("every_reason")),
        member("text", str, "host.text"),
        member("sts", HostSTS, "host.sts", null=True),
        hidden("every_reason", _HOST_REASONS),
        hidden("place", "place"),
        hidden("bare", "bare"),
        hidden("outcome", "outcome"),  # the value is not used, but a line without a verdict is corrupt
    ),
    file="domains",
    line=f"key: 'VARCHAR', verdict: 'STRUCT(outcome VARCHAR)', {_HOSTS_LINE}",
    shared=f"{_DOMAIN_LINE}, {_HOSTS_LINE}",
    source="SELECT key, verdict.outcome, len(hosts) = 0 AS bare,"  # noqa: S608 - our own names
    f" unnest({_HOSTS}) AS host, generate_subscripts({_HOSTS}, 1) AS place FROM line",
    key="domain",
    first="place = 1",
    keep="r.bare IS NOT TRUE",
)
_COUNTED = {"domains": "coalesce(c.domains, 0)", "dane": "coalesce(c.dane, '')"}  # computed by SQL
_SEVERITY = f"list_position([{', '.join(map(literal, WORST_FIRST))}], dane)"
HOSTS = TableDefinition(
    "hosts",
    rows.host_rows,
    tuple(
        replace(column, stored="", sql=_COUNTED[column.name]) if column.name in _COUNTED else column
        for column in of_row(rows.HostRow)
    ),
    of_host=lambda report: (rows.host_row(report),),
    joined="LEFT JOIN (SELECT run, host_key, count(*) AS domains, arg_min(dane, "  # noqa: S608 - our own names
    f"{_SEVERITY}) AS dane FROM routes GROUP BY ALL) AS c ON c.run = r.run AND c.host_key = r.host_key",
    needs=("routes",),
)
ENDPOINTS = TableDefinition("endpoints", rows.endpoint_rows, of_row(rows.EndpointRow), of_host=rows.endpoint_rows_of)
CERTS = TableDefinition(
    "certs",
    Run.certs,
    _listed_last(
        *(member(name, str) for name in ("sha256", "spki_sha256", "subject", "issuer", "issuer_cn")),
        *texts("dns_names", attrgetter("dns_names"), "dns_names"),
        member("not_before", datetime, null=True),
        member("not_after", datetime, null=True),
        member("key_type", str),
        member("key_bits", int),
        member("curve", str),
        member("signature_algorithm", str),
        member("is_ca", bool, null=True),
        member("self_issued", bool),
        member("parse_error", str),
        Column("pem", str, rows.pem, sql=_PEM),
        hidden("der", "der"),
    ),
    file="certs",
    line="""sha256: 'VARCHAR', spki_sha256: 'VARCHAR', der: 'VARCHAR', subject: 'VARCHAR', issuer: 'VARCHAR',
        issuer_cn: 'VARCHAR', dns_names: 'VARCHAR[]', not_before: 'TIMESTAMPTZ', not_after: 'TIMESTAMPTZ',
        key_type: 'VARCHAR', key_bits: 'BIGINT', curve: 'VARCHAR', signature_algorithm: 'VARCHAR', is_ca: 'BOOLEAN',
        self_issued: 'BOOLEAN', parse_error: 'VARCHAR'""",
    key="sha256",
)
REJECTS = TableDefinition(
    "rejects",
    Run.rejects,
    (member("file", str), member("line", int), member("raw", str), member("reason", str), hidden("key", "key")),
    file="rejects",
    line="key: 'VARCHAR', file: 'VARCHAR', line: 'BIGINT', raw: 'VARCHAR', reason: 'VARCHAR'",
    key="key",
)
RUNS = TableDefinition("runs", rows.run_rows, of_row(rows.RunRow))

TABLES = {table.name: table for table in (DOMAINS, ROUTES, HOSTS, ENDPOINTS, CERTS, REJECTS, RUNS)}
"""The exported tables by name, in the order in which they are written."""


def _fields(record: DomainRecord) -> str:
    return orjson.dumps(record.target.fields).decode()


_FIELDS = Column("fields", str, _fields, sql="coalesce(CAST(to_json(fields_map) AS VARCHAR), '{}')")


def table_of(name: str, run: str, listed: Sequence[Column] = ()) -> TableDefinition:
    """Return the definition of a table for one run, with the additional columns that depend on the run.

    Args:
        name: name of the table, a key of ``TABLES``.
        run: name of the run, the value of the column ``run``.
        listed: columns made of the columns of target lists, see ``columns.field_columns``.
    """
    table = TABLES[name]
    run_column = Column("run", str, lambda _: run, literal(run))
    more = (_FIELDS, run_column, *listed) if name == "domains" else (run_column,)
    return replace(table, columns=(*table.columns, *more))


def run_names(runs: Iterable[Run]) -> list[str]:
    """Return a name for each run: the name of the run's directory, or the whole path of directories with equal names.

    The name of a run stays the same when the run is queried together with runs whose directories have other names.
    """
    paths = [run.path for run in runs]
    names = [path.resolve().name for path in paths]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]
