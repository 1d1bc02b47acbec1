"""Data model of the report of a run: the unescaped content of every output format, in the order of the output.

Titles, notes and meanings in a report are texts of mxsweep. Values, names, replies and certificate subjects in a report
come from servers, zones and lists, and each output format escapes these texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from results.count.columns import GroupCount
from results.count.summary import SOON, Count, CountTable, Figures, Summary, UnroutedDomain, summarise
from results.explain.history import earlier_runs, newly_broken_domains, newly_broken_hosts
from results.explain.policy_worklist import PolicyTask, policy_worklist
from results.explain.worklist import LIMIT, Task, worklist
from results.render import words
from results.render.tables import Table
from results.report.listings import listings
from results.store.reader import Run
from scanner.model import RunHeader
from scanner.vocabulary import RunState

NO_MEANINGS: Mapping[Any, str] = {}


@dataclass(frozen=True, slots=True)
class CountRow:
    """A vocabulary value, its meaning, and the numbers of domains and MX hosts with this value."""

    word: str
    meaning: str
    count: Count


@dataclass(frozen=True, slots=True)
class CountSection:
    """A section of a report with the numbers of domains and MX hosts for each vocabulary value.

    ``base`` is the count to which the percentages refer.
    """

    key: str
    title: str
    note: str
    base: Count
    rows: tuple[CountRow, ...]


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """The failing MX hosts of the domains that have the same value in a column of the target list.

    The entry of an MX host counts and names only the domains for which the column contains ``value``.
    """

    value: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a run.

    ``notes`` contains remarks about the run, for example that the list of domains could not be read to its end.
    ``figures`` contains the main counts of domains and hosts. ``tasks`` contains the failing MX hosts with an
    explanation, and ``failing`` is the number of all failing MX hosts. ``unrouted`` contains failing domains without an
    MX host to examine. If ``column`` is a column of the target list, ``by_column`` counts domains by the values of the
    column, and ``groups`` contains the failing MX hosts divided by these values. ``policies`` contains a limited number
    of domains with a fault of MTA-STS or TLSRPT, and explains the faults. ``policy_faults`` is the number of all
    domains with a fault of MTA-STS or TLSRPT.
    """

    title: str
    facts: dict[str, str]
    started: datetime
    domains: int
    hosts: int
    endpoints: int
    notes: tuple[str, ...]
    figures: CountSection
    counts: tuple[CountSection, ...]
    tasks: tuple[Task, ...]
    failing: int
    unrouted: tuple[UnroutedDomain, ...]
    listings: tuple[Table, ...]
    column: str = ""
    by_column: tuple[GroupCount, ...] = ()
    groups: tuple[TaskGroup, ...] = ()
    policies: tuple[PolicyTask, ...] = ()
    policy_faults: int = 0

    def table(self, key: str) -> CountSection:
        """Return the section of counts with the given key.

        Raises:
            StopIteration: no section has the given key.
        """
        return next(section for section in self.counts if section.key == key)


def make_report(
    run: Run, *, days: int = SOON, history: Sequence[Run] = (), top: int = LIMIT, column: str = ""
) -> Report:
    """Return the report of a run.

    Args:
        run: the run, finished or not.
        days: maximum number of days from the end of the run to the expiry of the listed certificates.
        history: earlier runs of the same domains.
        top: maximum number of explained failing hosts, at most ``LIMIT``.
        column: column of the target list by whose values the failing hosts are divided, such as ``owner``; empty for
            none.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    summary, past = summarise(run, days, column), earlier_runs(history)
    new = None
    if past:
        new = Count(newly_broken_domains(run, history), newly_broken_hosts(summary.failing, past))
    made = from_summary(summary, run.header, worklist(run, summary.failing, history, top, past), new, column)
    return replace(made, policies=policy_worklist(run, summary.policy_faults, min(top, LIMIT), column))


def from_summary(
    summary: Summary, header: RunHeader, tasks: Sequence[Task], new: Count | None = None, column: str = ""
) -> Report:
    """Return the report of a run from the counts of its summary.

    Args:
        summary: the counts of the run.
        header: the header of the run.
        tasks: the failing hosts.
        new: the number of newly broken domains and MX hosts; None without earlier runs.
        column: column of the target list by whose values the summary counts domains.
    """
    return Report(
        title=_title(summary, header),
        facts=_facts(header),
        started=summary.started,
        domains=summary.funnel.domains,
        hosts=summary.hosts,
        endpoints=summary.endpoints,
        notes=tuple(_notes(summary, header)),
        figures=_figures(summary.figures, new),
        counts=tuple(_counts(key, title, note, summary.tables[key]) for key, title, note in COUNTS),
        tasks=tuple(tasks),
        failing=len(summary.failing),
        unrouted=summary.unrouted,
        listings=tuple(listings(summary, header, column)),
        column=column,
        by_column=summary.by_column,
        groups=tuple(_groups(summary, tasks)) if column else (),
        policy_faults=summary.policy_faults.count,
    )


def _title(summary: Summary, header: RunHeader) -> str:
    took = "" if header.seconds is None else f", took {words.duration(header.seconds)}"
    if summary.state is not RunState.COMPLETE:
        took = "; the scan has not ended, so that the figures are incomplete"
    return f"Run of {summary.started:%Y-%m-%d %H:%M} UTC: {summary.state}{took}"


def _facts(header: RunHeader) -> dict[str, str]:
    facts = {
        "list": header.label,
        "level": str(header.settings.get("level", "")),
        "resolver": header.resolver,
        "EHLO": header.ehlo,
        "mxsweep": header.version,
    }
    return {name: value for name, value in facts.items() if value}


def _notes(summary: Summary, header: RunHeader) -> Iterator[str]:
    if summary.state is not RunState.COMPLETE:
        yield f"The run is {summary.state}: it does not contain all domains of its list."
    yield from header.notes


FIGURES: dict[str, str] = {
    "protected": "TLSA records match",
    "broken": "mail is not delivered, or DANE fails",
    "newly broken": "of these, sound in the latest earlier run",
    "unknown": "could not be determined",
    "absent": "the domain does not exist, or has no mail host",
}
"""The meaning of each number in ``Report.figures``."""


def _figures(figures: Figures, new: Count | None) -> CountSection:
    counts = {
        "protected": figures.protected,
        "broken": figures.broken,
        "newly broken": new,
        "unknown": figures.unknown,
        "absent": figures.absent if figures.absent.domains else None,
    }
    rows = (CountRow(word, FIGURES[word], count) for word, count in counts.items() if count is not None)
    note = "" if new else "newly broken: only with --history RUN"
    return CountSection("figures", "Overview", note, figures.whole, tuple(rows))


def _groups(summary: Summary, tasks: Sequence[Task]) -> Iterator[TaskGroup]:
    """Yield the failing MX hosts for each value of the column, in the order of ``Summary.by_column``."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        for share in task.shares:
            own = replace(task, domains=share.domains, examples=share.examples, shares=())
            found.setdefault(share.value, []).append(own)
    for row in summary.by_column:
        if row.value in found:
            ranked = sorted(found[row.value], key=lambda task: (not task.urgent, -task.domains))
            yield TaskGroup(row.value, tuple(ranked))


# --- counts ---------------------------------------------------------------------------------------------------

COUNTS: tuple[tuple[str, str, str], ...] = (
    ("funnel", "Steps to protection", ""),
    ("outcome", "Delivery", ""),
    ("sender", "Action of a sender", ""),
    ("starttls", "STARTTLS", ""),
    ("dane", "DANE", ""),
    ("host_dane", "DANE of MX hosts", ""),
    ("mechanism", "Protection by DANE or MTA-STS", ""),
    ("sts_funnel", "Steps to MTA-STS", "of domains for which MTA-STS was examined"),
    ("sts", "MTA-STS", ""),
    ("tlsrpt_record", "TLSRPT records", ""),
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
    ("cert_algs", "Certificates by key algorithm", "of hosts asked for more than one certificate"),
    ("disagreements", "Differences between addresses of one host", ""),
)
"""Key, title and note of every section of counts."""

OPEN = ("reasons", "inconclusive", "mx", "ciphers", "groups", "key_types", "issuers")
"""Keys of the report sections whose number of rows has no limit."""


_DNSSEC: Mapping[Any, str] = {**words.SECURITY, "not asked": words.NOT_ASKED}

MEANINGS: dict[str, Mapping[Any, str]] = {
    "funnel": {
        "domains": "all",
        "with_mail": "MX hosts or an address are known",
        "mx_secure": "the MX records are DNSSEC-signed",
        "with_tlsa": "usable TLSA records at one MX host or more",
        "matched": "TLSA records match at one MX host or more",
        "protected": "TLSA records match at every MX host that answers",
    },
    "outcome": words.OUTCOME,
    "sender": words.SENDER,
    "starttls": words.DOMAIN_STARTTLS,
    "dane": words.DOMAIN_DANE,
    "sts": words.DOMAIN_STS,
    "mechanism": words.MECHANISM,
    "sts_funnel": {
        "examined": "all",
        "record": "one valid TXT record",
        "policy": "the policy host returns a valid policy",
        "enforce": "the mode of the policy is enforce",
        "protected": "every MX host that counts satisfies the policy",
    },
    "tlsrpt_record": words.TXT_RECORD,
    "host_dane": words.HOST_DANE,
    "mx": {"mx": "MX records", "implicit-mx": "no MX record, an address", "given": words.NOT_ASKED},
    "dnssec_mx": _DNSSEC,
    "dnssec_host": _DNSSEC,
    "dnssec_tlsa": _DNSSEC,
    "post_quantum": {
        "yes": "a hybrid with ML-KEM was negotiated",
        "no": "a classical group was negotiated",
        "supported": "of these, hosts that accept a hybrid with ML-KEM if nothing else is offered (--pq)",
        "not supported": "of these, hosts that accept no hybrid with ML-KEM (--pq)",
        "second hello": "hosts that need a second ClientHello, which costs a round trip",
        "signature": "hosts with an ML-DSA certificate",
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
"""The names of the steps to protection (the rows of the section ``funnel``) in reports, by key."""


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
