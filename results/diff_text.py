"""A comparison of runs as tables, and those as text, Markdown, HTML or JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from results import codec
from results.diff import Comparison, DomainChange, Words
from results.diff_hosts import Leaf
from results.layout import quote
from results.rollover import RolloverClass
from results.tables import Table, html_page, limited, markdown, print_table
from results.words import of_reason

ROWS = 20  # of each table where no limit is given: what still fits a mail that somebody reads

_ROLLOVERS = {
    RolloverClass.CORRECT: "correct",
    RolloverClass.SAME_RECORDS: "correct: the same records match before and after",
    RolloverClass.PUBLISHED_LATE: "new TLSA records were published too late",
    RolloverClass.REMOVED_EARLY: "the TLSA record of the certificate in use was removed too early",
    RolloverClass.NEVER_UPDATED: "TLSA records were never updated",
    RolloverClass.ROLLED_BACK: "the new certificate was taken back",
}
_DIGITS = 24  # of a TLSA record: enough to find it in a zone file


def summary_lines(found: Comparison) -> list[str]:
    """Say in a few lines what was compared and what matters most."""
    times = " > ".join(f"{run.started:%Y-%m-%d %H:%M}" for run in found.runs)
    levels = list(dict.fromkeys(run.level for run in found.runs))
    counts = (
        (len(found.new_broken), "newly broken"),
        (len(found.fixed), "fixed"),
        (len(found.still_broken), "still broken"),
        (len(found.unclear), "were broken and cannot be told now"),
    )
    lines = [
        f"Runs of {times} UTC; {found.compared:,} domains are in the last two.",
        ", ".join(f"{count:,} {words}" for count, words in counts) + ".",
    ]
    if len(levels) > 1:
        lines.append(
            f"The runs were judged at different levels ({', '.join(levels)}): their verdicts differ by that too."
        )
    return lines


def tables(found: Comparison) -> list[Table]:
    """Set a comparison in tables, those without rows left out."""
    made = [*_domain_tables(found), *_list_tables(found), *_host_tables(found)]
    return [table for table in made if table.rows]


def print_diff(found: Comparison, console: Console, limit: int | None = ROWS) -> None:
    """Print a comparison on a terminal, ``limit`` rows of each table at most."""
    for line in summary_lines(found):
        console.print(quote(console, line))
    made = tables(found)
    for table in made:
        print_table(console, limited(table, limit))
    if not made:
        console.print(Text("Nothing changed."))


def as_markdown(found: Comparison, limit: int | None = ROWS) -> str:
    """Set a comparison in Markdown."""
    parts = ["# What changed", *summary_lines(found), *(markdown(limited(table, limit)) for table in tables(found))]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def as_html(found: Comparison, limit: int | None = None) -> str:
    """Make a page of a comparison."""
    return html_page("What changed", summary_lines(found), [limited(table, limit) for table in tables(found)])


def as_json(found: Comparison) -> bytes:
    """Write a comparison whole, as indented JSON."""
    return codec.pretty(found)


def _domain_tables(found: Comparison) -> Iterator[Table]:
    yield Table("new-broken", "Newly broken", CHANGE, change_rows(found.new_broken), "not broken when last told")
    yield Table("fixed", "Fixed", CHANGE, change_rows(found.fixed), "with what was wrong")
    yield Table("still-broken", "Still broken", CHANGE, change_rows(found.still_broken))
    yield Table("unclear", "Were broken, cannot be told now", CHANGE, change_rows(found.unclear))
    yield Table("changed", "Other changed verdicts", CHANGE, change_rows(found.changed))
    yield transition_table(found.transitions)
    flaps = tuple((row.domain, " ".join(row.health)) for row in found.flapping)
    yield Table("flapping", "Flapping", ("domain", "run by run"), flaps, "broken and sound by turns")


CHANGE = ("domain", "change", "since", "why")


def transition_table(transitions: Mapping[str, Mapping[str, int]]) -> Table:
    """Count changes by verdict."""
    rows = tuple((name, words, count) for name, counts in transitions.items() for words, count in counts.items())
    return Table("transitions", "Changes by verdict", ("verdict", "change", "domains"), rows)


def change_rows(rows: Sequence[DomainChange]) -> tuple[tuple[str, ...], ...]:
    """Set changed domains in the columns of ``CHANGE``."""
    return tuple((row.domain, _change(row.old, row.new), _since(row), _why(row)) for row in rows)


def _change(old: Words, new: Words) -> str:
    pairs = (
        ("dane", old.dane, new.dane),
        ("starttls", old.starttls, new.starttls),
        ("outcome", old.outcome, new.outcome),
        ("sender", old.sender, new.sender),
    )
    different = [f"{name} {before} > {after}" for name, before, after in pairs if before != after]
    return ", ".join(different) or f"dane {new.dane}, outcome {new.outcome}"


def _since(row: DomainChange) -> str:
    return f"{row.since:%Y-%m-%d %H:%M}" if row.since else ""


def _why(row: DomainChange) -> str:
    reasons = "; ".join(map(of_reason, row.reasons))
    return f'{reasons} ("{row.text}")' if row.text else reasons


def _list_tables(found: Comparison) -> Iterator[Table]:
    columns = ("domain", "dane", "outcome", "state")
    for name, title, rows in (
        ("added", "Added to the list", found.added),
        ("removed", "Removed from the list", found.removed),
    ):
        cells = tuple((row.domain, row.verdict.dane, row.verdict.outcome, row.health) for row in rows)
        yield Table(name, title, columns, cells)
    moves = tuple((row.domain, ", ".join(row.added), ", ".join(row.removed)) for row in found.mx)
    yield Table("mx", "MX records", ("domain", "added", "removed"), moves)


def _host_tables(found: Comparison) -> Iterator[Table]:
    rolled = tuple((row.host, row.domains, _ROLLOVERS[row.outcome], _seen(row.overlap)) for row in found.rollovers)
    yield Table("rollovers", "Rollovers of DANE hosts", ("host", "domains", "how it went", "overlap"), rolled)
    records = tuple((r.host, r.domains, r.change, _records(r.added), _records(r.removed)) for r in found.tlsa)
    yield Table("tlsa", "TLSA records", ("host", "domains", "change", "added", "removed"), records)
    certs = tuple(
        (row.host, row.domains, "same key" if row.same_key else "new key", *_leaves(row.new))
        for row in found.certificates
    )
    yield Table("certificates", "Server certificates", ("host", "domains", "change", "new until", "new issuer"), certs)
    soon = tuple((row.host, row.domains, f"{row.not_after:%Y-%m-%d}", row.subject) for row in found.expiring)
    yield Table("expiring", "Certificates that expire soon, or have", ("host", "domains", "until", "subject"), soon)


def _seen(overlap: bool | None) -> str:  # noqa: FBT001 - three-valued, and the only argument
    return "" if overlap is None else "seen" if overlap else "not seen"


def _records(texts: Iterable[str]) -> str:
    return ", ".join(text if len(text) <= _DIGITS else text[:_DIGITS] + "..." for text in texts)


def _leaves(leaves: Iterable[Leaf]) -> tuple[str, str]:
    """When the new certificates end, and who issued them."""
    known = list(leaves)
    until = (f"{leaf.not_after:%Y-%m-%d}" if leaf.not_after else "unknown" for leaf in known)
    return ", ".join(dict.fromkeys(until)), ", ".join(dict.fromkeys(leaf.issuer for leaf in known))
