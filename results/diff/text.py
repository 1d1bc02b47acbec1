"""The output of a comparison of runs as text, Markdown, CSV or JSON."""

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console
from rich.text import Text

from results.count.base import Count
from results.diff.compare import Comparison, Flapping, ListedDomain, MXChange, RunInfo
from results.diff.group_text import TITLES, by_kind, count_text, markdown_groups, print_groups
from results.diff.groups import ChangeKind
from results.diff.hosts import CertificateChange, ExpiringCertificate, HostRollover, LeafSummary, TLSAChange
from results.diff.policies import CHANGE_WORDS, PolicyChange
from results.diff.rollover import RolloverClass
from results.diff.verdicts import DomainChange, change_text
from results.render import escape
from results.render.escape import json_text
from results.render.tables import Cell, Table, csv_text, markdown, print_table, table_of
from results.render.terminal import heading, line, quote
from results.render.words import number, of_reason
from results.store import codec

ROWS = 20  # default maximum number of rows of each table, short enough for an e-mail
_NONE = Count(0, 0)

_ROLLOVERS = {
    RolloverClass.CORRECT: "correct",
    RolloverClass.SAME_RECORDS: "correct: the same TLSA records match before and after",
    RolloverClass.PUBLISHED_LATE: "the new TLSA records were published after the certificate changed",
    RolloverClass.REMOVED_EARLY: "the TLSA record of the certificate in use was removed before the certificate changed",
    RolloverClass.NEVER_UPDATED: "the TLSA records were not updated",
    RolloverClass.ROLLED_BACK: "the old certificate was put back into use",
}
_DIGITS = 24  # maximum characters of a TLSA record, enough to find the record in a zone file


def summary_lines(found: Comparison) -> list[str]:
    """Return sentences that state the compared runs and the numbers of broken hosts and domains."""
    times = " > ".join(f"{run.started:%Y-%m-%d %H:%M}" for run in found.runs)
    levels = list(dict.fromkeys(run.level for run in found.runs))
    label = f" of {found.runs[-1].label}," if found.runs[-1].label else ""
    if len(found.runs) == 1:
        return [f"Run{label} of {times} UTC. There is no earlier run to compare it with."]
    lines = [
        f"Runs{label} of {times} UTC; {number(found.compared, 'domain')} compared.",
        *(f"The run of {run.started:%Y-%m-%d %H:%M} is not complete: {run.state}." for run in _incomplete(found)),
        _counts(found, ChangeKind.NEW_BROKEN, ChangeKind.NEW_UNKNOWN, ChangeKind.FIXED),
    ]
    old = (ChangeKind.STILL_BROKEN, ChangeKind.UNCLEAR)
    lines += [_counts(found, kind) for kind in old if found.counts.get(kind, _NONE) != _NONE]
    if found.absent:
        lines.append(f"Domains that still do not exist or have no mail host: {found.absent:,}.")
    lists = (
        (len(found.added), "added to the list"),
        (len(found.removed), "removed from the list"),
        (found.not_scanned, "not scanned in the incomplete run"),
    )
    if any(count for count, _ in lists):
        lines.append("Domains " + ", ".join(f"{words}: {count:,}" for count, words in lists if count) + ".")
    if len(levels) > 1:
        lines.append(
            f"The runs have different security levels ({', '.join(levels)}); some verdicts differ for this reason."
        )
    return lines


def tables(found: Comparison, limit: int | None = None) -> list[Table]:
    """Return the changes of single domains and hosts as tables of at most ``limit`` rows, without empty tables."""
    made = [*_domain_tables(found, limit), *_list_tables(found, limit), *_host_tables(found, limit)]
    return [table for table in made if table.rows]


def print_diff(found: Comparison, console: Console, limit: int | None = ROWS) -> None:
    """Print a comparison on a terminal, at most ``limit`` rows of each table."""
    for sentence in summary_lines(found):
        line(console, quote(console, sentence), 0)
    for kind, groups in by_kind(found):
        heading(console, TITLES[kind], count_text(found.counts[kind]))
        print_groups(console, found, groups, limit)
    made = tables(found, limit)
    for table in made:
        print_table(console, table)
    if not made and not found.groups and len(found.runs) > 1:
        console.print(Text("Nothing changed."))


def as_markdown(found: Comparison, limit: int | None = ROWS) -> str:
    """Return a comparison as Markdown, at most ``limit`` rows of each table."""
    lead = [escape.markdown(line) for line in summary_lines(found)]
    groups = ("\n".join(markdown_groups(found, kind, groups, limit)) for kind, groups in by_kind(found))
    parts = ["# What changed", *lead, *groups, *map(markdown, tables(found, limit))]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def as_csv(found: Comparison) -> str:
    """Return the changed, added and removed domains as CSV, one row for each domain, MX host and cause."""
    columns = ("change", "group", "host", "cause", "domain", "verdict", "since", "text")
    return csv_text(Table("diff", "", columns, tuple(_csv_rows(found))))


def as_json(found: Comparison) -> bytes:
    """Return a whole comparison of runs as indented JSON."""
    return json_text(codec.pretty(found))


# --- sentences and rows ---------------------------------------------------------------------------------------


def _incomplete(found: Comparison) -> Iterator[RunInfo]:
    return (run for run in found.runs if not run.complete)


def _counts(found: Comparison, *kinds: ChangeKind) -> str:
    counts = ((TITLES[kind], found.counts.get(kind, _NONE)) for kind in kinds)
    return " ".join(f"{title}: {count_text(count) if count != _NONE else 'none'}." for title, count in counts)


def _csv_rows(found: Comparison) -> Iterator[tuple[Cell, ...]]:
    for kind, groups in by_kind(found):
        changes = {change.domain: change for change in _changes(found, kind)}
        for group in groups:
            since = f"{group.since:%Y-%m-%dT%H:%M:%SZ}" if group.since else ""
            for domain in group.domains:
                change = change_text(changes[domain].old, changes[domain].new) if domain in changes else ""
                yield kind, group.group, group.host, group.cause, domain, change, since, group.text
    for row in found.changed:
        yield "changed", row.group, "", "", row.domain, change_text(row.old, row.new), "", row.text
    for name, rows in (("added", found.added), ("removed", found.removed)):
        for listed in rows:
            verdict = f"dane {listed.verdict.dane}, outcome {listed.verdict.outcome}"
            yield name, listed.group, "", "", listed.domain, verdict, "", ""
    for policy in found.policies:
        yield "mta-sts", "", "", policy.kind, policy.domain, f"{policy.old} > {policy.new}", "", ""


def _changes(found: Comparison, kind: ChangeKind) -> list[DomainChange]:
    changes: list[DomainChange] = getattr(found, kind.replace("-", "_"))
    return changes


# --- tables ---------------------------------------------------------------------------------------------------


def _domain_tables(found: Comparison, limit: int | None) -> Iterator[Table]:
    yield table_of("changed", "Other changed verdicts", CHANGE, found.changed, change_row, limit)
    yield transition_table(found.transitions, limit)
    columns, note = ("domain", "state in each run"), "changed between broken and sound at least twice"
    yield table_of("flapping", "Flapping", columns, found.flapping, _flapping_row, limit, note)


CHANGE = ("domain", "change", "since", "why")
"""The column titles of the tables of changed domains."""


def transition_table(transitions: Mapping[str, Mapping[str, int]], limit: int | None) -> Table:
    """Return the numbers of verdict changes as a table, by field and by the text ``old > new``."""
    rows = [(name, words, count) for name, counts in transitions.items() for words, count in counts.items()]
    return table_of("transitions", "Changes by verdict", ("verdict", "change", "domains"), rows, lambda row: row, limit)


def change_row(row: DomainChange) -> tuple[str, ...]:
    """Return a changed domain as a row of cells for the columns ``CHANGE``."""
    change = change_text(row.old, row.new) or f"dane {row.new.dane}, outcome {row.new.outcome}"
    return row.domain, change, _since(row), _why(row)


def _flapping_row(row: Flapping) -> tuple[Cell, ...]:
    return row.domain, " ".join(row.health)


def _since(row: DomainChange) -> str:
    return f"{row.since:%Y-%m-%d %H:%M}" if row.since else ""


def _why(row: DomainChange) -> str:
    reasons = "; ".join(map(of_reason, row.reasons))
    return f'{reasons} ("{row.text}")' if row.text else reasons


def _list_tables(found: Comparison, limit: int | None) -> Iterator[Table]:
    columns = ("domain", "dane", "outcome", "state")
    for name, title, rows in (
        ("added", "Added to the list", found.added),
        ("removed", "Removed from the list", found.removed),
    ):
        yield table_of(name, title, columns, rows, _listed_row, limit)
    yield table_of("mx", "MX records", ("domain", "added", "removed"), found.mx, _mx_row, limit)
    columns = ("domain", "change", "before", "now")
    yield table_of("policies", "MTA-STS and TLSRPT", columns, found.policies, _policy_row, limit)


def _listed_row(row: ListedDomain) -> tuple[Cell, ...]:
    return row.domain, row.verdict.dane, row.verdict.outcome, row.health


def _policy_row(row: PolicyChange) -> tuple[Cell, ...]:
    return row.domain, CHANGE_WORDS[row.kind], row.old, row.new


def _mx_row(row: MXChange) -> tuple[Cell, ...]:
    return row.domain, ", ".join(row.added), ", ".join(row.removed)


def _host_tables(found: Comparison, limit: int | None) -> Iterator[Table]:
    columns: tuple[str, ...] = ("host", "domains", "result", "overlap")
    yield table_of("rollovers", "Rollovers of DANE hosts", columns, found.rollovers, _rollover_row, limit)
    columns = ("host", "domains", "change", "added", "removed")
    yield table_of("tlsa", "TLSA records", columns, found.tlsa, _tlsa_row, limit)
    columns = ("host", "domains", "change", "new expires", "new issuer")
    yield table_of("certificates", "Server certificates", columns, found.certificates, _certificate_row, limit)
    columns, title = ("host", "domains", "expires", "subject"), "Certificates that have expired or expire soon"
    yield table_of("expiring", title, columns, found.expiring, _expiring_row, limit)


def _rollover_row(row: HostRollover) -> tuple[Cell, ...]:
    return row.host, row.domains, _ROLLOVERS[row.outcome], _seen(row.overlap)


def _tlsa_row(row: TLSAChange) -> tuple[Cell, ...]:
    return row.host, row.domains, row.change, _records(row.added), _records(row.removed)


def _certificate_row(row: CertificateChange) -> tuple[Cell, ...]:
    return row.host, row.domains, "same key" if row.same_key else "new key", *_leaves(row.new)


def _expiring_row(row: ExpiringCertificate) -> tuple[Cell, ...]:
    return row.host, row.domains, f"{row.not_after:%Y-%m-%d}", row.subject


def _seen(overlap: bool | None) -> str:  # noqa: FBT001 - three-valued, and the only argument
    return "" if overlap is None else "seen" if overlap else "not seen"


def _records(texts: Iterable[str]) -> str:
    return ", ".join(text if len(text) <= _DIGITS else text[:_DIGITS] + "..." for text in texts)


def _leaves(leaves: Iterable[LeafSummary]) -> tuple[str, str]:
    """Return the expiry dates and the issuers of the new certificates."""
    known = list(leaves)
    until = (f"{leaf.not_after:%Y-%m-%d}" if leaf.not_after else "unknown" for leaf in known)
    return ", ".join(dict.fromkeys(until)), ", ".join(dict.fromkeys(leaf.issuer for leaf in known))
