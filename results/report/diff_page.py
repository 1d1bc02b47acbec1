"""The HTML page of a comparison of runs, in one self-contained file and in the style of the page of a run."""

from results.diff.compare import Comparison
from results.diff.group_text import NOTES, TITLES, by_kind, count_text
from results.diff.groups import ChangeKind
from results.diff.text import summary_lines, tables
from results.report.html import page

LISTED = 1000  # maximum number of rows of a table, and of groups of a kind of change
NAMED = 1000  # maximum number of domains named for an MX host

_TONES = {ChangeKind.NEW_BROKEN: "bad", ChangeKind.NEW_UNKNOWN: "warn", ChangeKind.FIXED: "good"}


def to_html(found: Comparison, limit: int | None = None) -> str:
    """Return the page of a comparison.

    Args:
        found: the comparison of runs.
        limit: maximum number of rows of each table, and of groups of each kind of change; None for ``LISTED``.
    """
    listed = LISTED if limit is None else limit
    kinds = [(str(kind), TITLES[kind], _note(found, kind), groups[:listed]) for kind, groups in by_kind(found)]
    figures = [
        (_TONES.get(kind, "none"), TITLES[kind].lower(), found.counts[kind])
        for kind in (ChangeKind.NEW_BROKEN, ChangeKind.NEW_UNKNOWN, ChangeKind.FIXED, ChangeKind.STILL_BROKEN)
    ]
    return page(
        "diff.html",
        ("theme.js", "diff.js"),
        lines=summary_lines(found),
        figures=figures,
        kinds=kinds,
        column=found.column,
        values=sorted({group.group for group in found.groups if group.group}),
        tables=tables(found),
        listed=listed,
        named=NAMED,
    )


def _note(found: Comparison, kind: ChangeKind) -> str:
    return "; ".join(filter(None, (count_text(found.counts[kind]), NOTES.get(kind, ""))))
