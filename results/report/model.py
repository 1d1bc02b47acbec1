"""A report as data: what every format shows, in the order in which it is shown, before anything is escaped.

Formats differ in form only. What is said in words here is ours; words, names, replies and subjects in the rows are
strangers', and each format escapes them in its own way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.count.summary import SOON, Count, CountTable, Provider, Summary, UnroutedDomain, summarise
from results.explain.worklist import LIMIT, Task, worklist
from results.render import words
from results.store.reader import Run
from scanner.model import RunHeader

NO_MEANINGS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """A word, what it means, and how many domains and MX hosts it concerns."""

    word: str
    meaning: str
    count: Count


@dataclass(frozen=True, slots=True)
class Counts:
    """A section of words with their counts; ``base`` is what these are shares of."""

    key: str
    title: str
    note: str
    base: Count
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A section that is a plain table. Columns whose names end in ``#`` hold numbers."""

    key: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. ``tasks`` are the MX hosts that fail, ``unrouted`` domains that fail before a host is known."""

    title: str
    facts: dict[str, str]
    started: datetime
    domains: int
    hosts: int
    endpoints: int
    counts: tuple[Counts, ...]
    tasks: tuple[Task, ...]
    failing: int
    unrouted: tuple[UnroutedDomain, ...]
    listings: tuple[Listing, ...]

    def table(self, key: str) -> Counts:
        """Give a section of counts."""
        return next(section for section in self.counts if section.key == key)


def make_report(run: Run, *, days: int = SOON, history: Sequence[Run] = (), top: int = LIMIT) -> Report:
    """Read a run and earlier ones.

    Args:
        run: finished or not.
        days: certificates that end within as many days after the run are listed.
        history: earlier runs of the same domains.
        top: broken hosts explained, at most ``LIMIT``.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    summary = summarise(run, days)
    return from_summary(summary, run.header, worklist(run, summary.failing, history, top))


def from_summary(summary: Summary, header: RunHeader, tasks: Sequence[Task]) -> Report:
    """Put a report together from numbers that are at hand."""
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
    ("funnel", "From domains to protection", ""),
    ("outcome", "Delivery", ""),
    ("sender", "What a sender does", ""),
    ("starttls", "STARTTLS", ""),
    ("dane", "DANE", ""),
    ("host_dane", "DANE of MX hosts", ""),
    ("reasons", "Reasons", ""),
    ("inconclusive", "Why it could not be told", ""),
    ("mx", "MX records", ""),
    ("dnssec_mx", "DNSSEC of MX records", ""),
    ("dnssec_host", "DNSSEC of addresses", "the worse of A and AAAA"),
    ("dnssec_tlsa", "DNSSEC of TLSA records", ""),
    ("tls_versions", "TLS versions", "of hosts with a TLS handshake"),
    ("ciphers", "Ciphers", "of hosts with a TLS handshake"),
    ("groups", "Key exchange groups", "of hosts with a TLS handshake"),
    ("post_quantum", "Post-quantum key exchange", "of hosts with a TLS handshake"),
    ("key_types", "Keys", "of hosts with a TLS handshake"),
    ("issuers", "Issuers", "of the servers' own certificates"),
    ("disagreements", "Addresses that disagree within one host", ""),
)
"""Key, title and note of every section of counts."""

OPEN = ("reasons", "inconclusive", "mx", "ciphers", "groups", "key_types", "issuers")
"""Sections whose rows could be endless."""


_DNSSEC = {
    "secure": "signed, and validation succeeds",
    "insecure": "not signed",
    "bogus": "signed, and validation fails",
    "indeterminate": "nobody we trust said",
    "not asked": "no such question was due",
}

MEANINGS: dict[str, Mapping[str, str]] = {
    "funnel": {
        "domains": "all",
        "with_mail": "MX hosts or an address are known",
        "mx_secure": "the MX records are DNSSEC-signed",
        "with_tlsa": "usable TLSA records at one MX host or more",
        "matched": "TLSA records match at one MX host or more",
        "protected": "TLSA records match at every MX host that counts",
    },
    "outcome": {str(word): text for word, text in words.OUTCOME.items()},
    "sender": {str(word): text for word, text in words.SENDER.items()},
    "starttls": {str(word): text for word, text in words.DOMAIN_STARTTLS.items()},
    "dane": {str(word): text for word, text in words.DOMAIN_DANE.items()},
    "host_dane": {str(word): text for word, text in words.HOST_DANE.items()},
    "mx": {"mx": "MX records", "implicit-mx": "no MX record, an address", "given": "no MX lookup was due"},
    "dnssec_mx": _DNSSEC,
    "dnssec_host": _DNSSEC,
    "dnssec_tlsa": _DNSSEC,
    "post_quantum": {"yes": "a hybrid with ML-KEM was negotiated", "no": "a classical group was negotiated"},
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
"""The funnel's steps as they are shown."""


def _counts(key: str, title: str, note: str, table: CountTable) -> Counts:
    rows = (Row(_shown(key, word), _meaning(key, word), count) for word, count in table.rows.items())
    return Counts(key, title, note, table.base, tuple(rows))


def _shown(key: str, word: str) -> str:
    return STEPS.get(word, word) if key == "funnel" else word


def _meaning(key: str, word: str) -> str:
    if key in ("reasons", "inconclusive") or (key == "mx" and word not in MEANINGS["mx"]):
        return words.of_reason(word)
    meaning = MEANINGS.get(key, NO_MEANINGS).get(word, "")
    return "" if key == "funnel" and word == "domains" else meaning


# --- listings -------------------------------------------------------------------------------------------------


def _listings(summary: Summary) -> list[Listing]:
    found = [
        Listing(
            "providers",
            "Providers",
            "by registrable domain of the MX hosts",
            ("domains#", "MX hosts#", "protected#", "broken#", "all TLS#", "failing#", "provider"),
            tuple(map(_provider, summary.providers)),
        ),
        Listing(
            "expiring",
            "Certificates that expire soon, or have",
            "DANE with usage 3 asks for no date",
            ("expires", "domains#", "MX host"),
            tuple((f"{row.not_after:%Y-%m-%d}", str(row.domains), row.host) for row in summary.expiring),
        ),
        Listing(
            "disagreeing",
            "Hosts whose addresses disagree",
            "",
            ("MX host", "in", "address: what it showed"),
            tuple((d.host, d.what, ", ".join(f"{a}: {v}" for a, v in d.values)) for d in summary.disagreements),
        ),
        Listing(
            "slowest",
            "Slowest addresses",
            "",
            ("seconds#", "MX host", "address"),
            tuple((f"{slow.ms / 1000:.1f}", slow.host, slow.address) for slow in summary.slowest),
        ),
        Listing(
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
