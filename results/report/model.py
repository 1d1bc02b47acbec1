"""The report as data: the unescaped content of every output format, in the order of the output.

Titles, notes and meanings are texts of mxsweep. Values, names, replies and certificate subjects in the rows come from
outside and are escaped by each output format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from results.count.summary import SOON, Count, CountTable, Provider, Summary, UnroutedDomain, summarise
from results.explain.worklist import LIMIT, Task, worklist
from results.render import words
from results.store.reader import Run
from scanner.model import RunHeader

NO_MEANINGS: Mapping[Any, str] = {}


@dataclass(frozen=True, slots=True)
class CountRow:
    """A value, its meaning, and the number of domains and MX hosts with this value."""

    word: str
    meaning: str
    count: Count


@dataclass(frozen=True, slots=True)
class CountSection:
    """A section of values with their counts. ``base`` is the count that corresponds to 100 %."""

    key: str
    title: str
    note: str
    base: Count
    rows: tuple[CountRow, ...]


@dataclass(frozen=True, slots=True)
class ListSection:
    """A section with a table of texts. Columns whose names end in ``#`` contain numbers."""

    key: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a run.

    ``tasks`` contains the explained failing MX hosts, ``failing`` is the number of all failing MX hosts. ``unrouted``
    contains failing domains without an MX host to examine.
    """

    title: str
    facts: dict[str, str]
    started: datetime
    domains: int
    hosts: int
    endpoints: int
    counts: tuple[CountSection, ...]
    tasks: tuple[Task, ...]
    failing: int
    unrouted: tuple[UnroutedDomain, ...]
    listings: tuple[ListSection, ...]

    def table(self, key: str) -> CountSection:
        """Return the section of counts with this key.

        Raises:
            StopIteration: there is no such section.
        """
        return next(section for section in self.counts if section.key == key)


def make_report(run: Run, *, days: int = SOON, history: Sequence[Run] = (), top: int = LIMIT) -> Report:
    """Return the report of a run.

    Args:
        run: the run, finished or not.
        days: maximum number of days from the run to the expiry of the listed certificates.
        history: earlier runs of the same domains.
        top: maximum number of explained failing hosts, at most ``LIMIT``.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    summary = summarise(run, days)
    return from_summary(summary, run.header, worklist(run, summary.failing, history, top))


def from_summary(summary: Summary, header: RunHeader, tasks: Sequence[Task]) -> Report:
    """Return the report of a summary and its failing hosts (``tasks``)."""
    return Report(
        title=_title(summary),
        facts=_facts(header),
        started=summary.started,
        domains=summary.funnel.domains,
        hosts=summary.hosts,
        endpoints=summary.endpoints,
        counts=tuple(_counts(key, title, note, summary.tables[key]) for key, title, note in COUNTS),
        tasks=tuple(tasks),
        failing=len(summary.failing),
        unrouted=summary.unrouted,
        listings=tuple(_listings(summary)),
    )


def _title(summary: Summary) -> str:
    took = ""
    if summary.finished is not None:
        took = f", took {words.duration((summary.finished - summary.started).total_seconds())}"
    return f"Run of {summary.started:%Y-%m-%d %H:%M} UTC: {summary.state}{took}"


def _facts(header: RunHeader) -> dict[str, str]:
    facts = {
        "level": str(header.settings.get("level", "")),
        "resolver": header.resolver,
        "EHLO": header.ehlo,
        "mxsweep": header.version,
    }
    return {name: value for name, value in facts.items() if value}


# --- counts ---------------------------------------------------------------------------------------------------

COUNTS: tuple[tuple[str, str, str], ...] = (
    ("funnel", "Steps to protection", ""),
    ("outcome", "Delivery", ""),
    ("sender", "Action of a sender", ""),
    ("starttls", "STARTTLS", ""),
    ("dane", "DANE", ""),
    ("host_dane", "DANE of MX hosts", ""),
    ("reasons", "Reasons", ""),
    ("inconclusive", "Reasons of inconclusive results", ""),
    ("mx", "MX records", ""),
    ("dnssec_mx", "DNSSEC of MX records", ""),
    ("dnssec_host", "DNSSEC of addresses", "the weaker of A and AAAA"),
    ("dnssec_tlsa", "DNSSEC of TLSA records", ""),
    ("tls_versions", "TLS versions", "of hosts with a TLS handshake"),
    ("ciphers", "Ciphers", "of hosts with a TLS handshake"),
    ("groups", "Key exchange groups", "of hosts with a TLS handshake"),
    ("post_quantum", "Post-quantum key exchange", "of hosts with a TLS handshake"),
    ("key_types", "Key types", "of hosts with a TLS handshake"),
    ("issuers", "Issuers", "of server certificates"),
    ("disagreements", "Differences between addresses of one host", ""),
)
"""Key, title and note of every section of counts."""

OPEN = ("reasons", "inconclusive", "mx", "ciphers", "groups", "key_types", "issuers")
"""Sections with an unlimited number of rows."""


_DNSSEC: Mapping[Any, str] = {**words.SECURITY, "not asked": words.NOT_ASKED}

MEANINGS: dict[str, Mapping[Any, str]] = {
    "funnel": {
        "domains": "all",
        "with_mail": "MX hosts or an address are known",
        "mx_secure": "the MX records are DNSSEC-signed",
        "with_tlsa": "usable TLSA records at one MX host or more",
        "matched": "TLSA records match at one MX host or more",
        "protected": "TLSA records match at every MX host that counts",
    },
    "outcome": words.OUTCOME,
    "sender": words.SENDER,
    "starttls": words.DOMAIN_STARTTLS,
    "dane": words.DOMAIN_DANE,
    "host_dane": words.HOST_DANE,
    "mx": {"mx": "MX records", "implicit-mx": "no MX record, an address", "given": words.NOT_ASKED},
    "dnssec_mx": _DNSSEC,
    "dnssec_host": _DNSSEC,
    "dnssec_tlsa": _DNSSEC,
    "post_quantum": {
        "yes": "a hybrid with ML-KEM was negotiated",
        "no": "a classical group was negotiated",
        "fails": "of these, hosts that senders with post-quantum groups cannot reach over TLS",
    },
    "disagreements": {
        "certificate": "addresses show different certificates",
        "starttls": "some addresses offer STARTTLS, others do not",
        "tls-version": "addresses negotiate different TLS versions",
        "dane": "TLSA records match at some addresses, not at others",
    },
}

STEPS = {
    "domains": "all",
    "with_mail": "take mail",
    "mx_secure": "signed MX",
    "with_tlsa": "TLSA",
    "matched": "match",
    "protected": "protected",
}
"""The names of the steps to protection in reports, by key."""


def _counts(key: str, title: str, note: str, table: CountTable) -> CountSection:
    rows = (CountRow(_shown(key, word), _meaning(key, word), count) for word, count in table.rows.items())
    return CountSection(key, title, note, table.base, tuple(rows))


def _shown(key: str, word: str) -> str:
    return STEPS.get(word, word) if key == "funnel" else word


def _meaning(key: str, word: str) -> str:
    if key in ("reasons", "inconclusive") or (key == "mx" and word not in MEANINGS["mx"]):
        return words.of_reason(word)
    meaning = MEANINGS.get(key, NO_MEANINGS).get(word, "")
    return "" if key == "funnel" and word == "domains" else meaning


# --- listings -------------------------------------------------------------------------------------------------


def _listings(summary: Summary) -> list[ListSection]:
    found = [
        ListSection(
            "providers",
            "Providers",
            "by registrable domain of the MX hosts",
            ("domains#", "MX hosts#", "protected#", "broken#", "all TLS#", "failing#", "provider"),
            tuple(map(_provider, summary.providers)),
        ),
        ListSection(
            "expiring",
            "Certificates that have expired or expire soon",
            "not an error for DANE with usage 3 (RFC 7671 section 5.1)",
            ("expires", "domains#", "MX host"),
            tuple((f"{row.not_after:%Y-%m-%d}", str(row.domains), row.host) for row in summary.expiring),
        ),
        ListSection(
            "disagreeing",
            "Hosts whose addresses differ",
            "",
            ("MX host", "difference", "address: value"),
            tuple((d.host, d.what, ", ".join(f"{a}: {v}" for a, v in d.values)) for d in summary.disagreements),
        ),
        ListSection(
            "slowest",
            "Slowest addresses",
            "",
            ("seconds#", "MX host", "address"),
            tuple((f"{slow.ms / 1000:.1f}", slow.host, slow.address) for slow in summary.slowest),
        ),
        ListSection(
            "rejects",
            "Input not scanned",
            "",
            ("lines#", "reason"),
            tuple((str(count), reason) for reason, count in summary.rejects.items()),
        ),
    ]
    return [listing for listing in found if listing.rows]


def _provider(row: Provider) -> tuple[str, ...]:
    numbers = (row.domains, row.hosts, row.protected, row.broken, row.tls, row.failing)
    return *map(str, numbers), row.name
