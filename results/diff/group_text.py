"""The groups of changes that a comparison of runs found, as text and Markdown.

A group of changes contains the domains with the same MX host and the same cause of the change.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from results.count.base import Count
from results.count.columns import NO_VALUE
from results.diff.compare import Comparison
from results.diff.groups import ChangeGroup, ChangeKind
from results.render import escape
from results.render.terminal import line, quote, said
from results.render.words import number

NAMED = 20  # maximum number of domains named for an MX host in text and Markdown
CUT = 300  # maximum characters of the text of a peer

TITLES: dict[ChangeKind, str] = {
    ChangeKind.NEW_BROKEN: "Newly broken",
    ChangeKind.NEW_UNKNOWN: "Newly unknown",
    ChangeKind.FIXED: "Fixed",
    ChangeKind.STILL_BROKEN: "Still broken",
    ChangeKind.UNCLEAR: "Broken before, inconclusive now",
}

NOTES: dict[ChangeKind, str] = {
    ChangeKind.NEW_BROKEN: "not broken in the latest conclusive run before",
    ChangeKind.NEW_UNKNOWN: "protected before, inconclusive now",
    ChangeKind.FIXED: "with the former cause",
}


def count_text(count: Count) -> str:
    """Return the number of MX hosts and domains as text."""
    return f"{number(count.hosts, 'MX host')}, {number(count.domains, 'domain')}"


def group_title(group: ChangeGroup) -> str:
    """Return the MX host, the cause and the number of domains of a group."""
    host = f"{group.host}: " if group.host else ""
    former = "formerly " if group.kind is ChangeKind.FIXED else ""
    return f"{host}{former}{group.words}: {number(len(group.domains), 'domain')}"


def by_kind(found: Comparison) -> Iterator[tuple[ChangeKind, list[ChangeGroup]]]:
    """Yield each kind of change that occurs in a comparison, with the groups of this kind."""
    for kind in ChangeKind:
        groups = [group for group in found.groups if group.kind is kind]
        if groups:
            yield kind, groups


def named(group: ChangeGroup) -> str:
    """Return the names of at most ``NAMED`` domains of a group."""
    more = len(group.domains) - NAMED
    return ", ".join(group.domains[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def began(group: ChangeGroup) -> str:
    """Return a text that states since when the host of a group is broken; empty for a new change."""
    if group.since is None or group.kind not in (ChangeKind.STILL_BROKEN, ChangeKind.UNCLEAR):
        return ""
    return f"since {group.since:%Y-%m-%d %H:%M} UTC or before"


def print_groups(console: Console, found: Comparison, groups: list[ChangeGroup], limit: int | None) -> None:
    """Print at most ``limit`` groups of changes of one kind."""
    for value, group in _with_values(found, groups[:limit]):
        if value:
            line(console, quote(console, value, "bold underline"), 2)
        line(console, quote(console, group_title(group), "bold"), 2)
        if start := began(group):
            line(console, Text(start), 6)
        if group.text and group.text not in group.words:
            line(console, said(console, group.text), 6)
        line(console, quote(console, named(group), limit=CUT * NAMED), 6)
    if limit is not None and len(groups) > limit:
        line(console, Text(f"and {len(groups) - limit:,} more", "dim"), 2)


def _with_values(found: Comparison, groups: list[ChangeGroup]) -> Iterator[tuple[str, ChangeGroup]]:
    """Yield each group of changes with a heading for the group.

    The heading is ``COLUMN: VALUE`` (a column of the target list); it is empty without a column, and for a group with
    the same column value as the preceding group.
    """
    last = None
    for group in groups:
        yield f"{found.column}: {group.group or NO_VALUE}" if found.column and group.group != last else "", group
        last = group.group


def markdown_groups(found: Comparison, kind: ChangeKind, groups: list[ChangeGroup], limit: int | None) -> Iterator[str]:
    """Yield the lines of at most ``limit`` groups of changes of one kind in Markdown."""
    yield f"## {TITLES[kind]}: {count_text(found.counts[kind])}"
    for value, group in _with_values(found, groups[:limit]):
        if value:
            yield from ("", f"### {escape.markdown(value)}")
        text = f' "{escape.markdown(group.text)}"' if group.text and group.text not in group.words else ""
        start = f" ({began(group)})" if began(group) else ""
        yield from ("", f"- **{escape.markdown(group_title(group))}**{start}{text}")
        yield f"  {escape.markdown(named(group), CUT * NAMED)}"
    if limit is not None and len(groups) > limit:
        yield from ("", f"and {len(groups) - limit:,} more")
