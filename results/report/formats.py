"""A report as a file: text, Markdown, JSON or CSV.

``results.render.escape`` escapes text from outside in Markdown, CSV and JSON.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console

from results.count.percent import exact_percent, share
from results.explain.worklist import Task
from results.render import words
from results.render.escape import csv_cell, json_text, markdown, safe
from results.report.model import CountSection, ListSection, Report
from results.report.text import render, shown_rows
from results.store import codec

COLUMNS = (
    "section",
    "name",
    "domains",
    "domains_percent",
    "hosts",
    "hosts_percent",
    "text",
    "reply",
    "fix",
    "records",
    "since",
    "contact",
    "examples",
)
"""The columns of the CSV. ``section`` is the key of a section; failing MX hosts have the key ``worklist``."""

TEXT_WIDTH = 100  # width of the text format, in columns
LINE = 2000  # maximum characters of a record to publish


def to_text(report: Report, top: int) -> str:
    """Return a report as plain text of ``TEXT_WIDTH`` columns, with ``top`` rows of each table."""
    out = io.StringIO()
    render(report, Console(file=out, width=TEXT_WIDTH, force_terminal=False, color_system=None), top)
    return out.getvalue()


def to_json(report: Report) -> bytes:
    """Return a report as indented JSON, UTF-8. The member names are those of ``results.report.model.Report``."""
    return json_text(codec.pretty(report))


# --- Markdown -------------------------------------------------------------------------------------------------


def to_markdown(report: Report, top: int) -> str:
    """Return a report as Markdown with tables (GitHub's dialect), ``top`` rows of each table."""
    return "\n".join(_markdown(report, top)) + "\n"


def _markdown(report: Report, top: int) -> Iterator[str]:
    yield f"# {markdown(report.title)}"
    yield ""
    yield ", ".join(f"{markdown(name)} {markdown(value)}" for name, value in report.facts.items())
    for section in report.counts:
        if section.rows:
            yield from _counts(section, top)
    for conclusive, title in ((True, "Broken MX hosts"), (False, "Inconclusive MX hosts")):
        tasks = [task for task in report.tasks if task.conclusive is conclusive]
        if tasks:
            yield from ("", f"## {title}")
            for task in tasks[:top]:
                yield from _task(task)
    if report.unrouted:
        rows = [(row.domain, "; ".join(map(words.of_reason, row.reasons)), row.text) for row in report.unrouted[:top]]
        yield from _table("Domains without an MX host to examine", "", ("domain", "reasons", "text"), rows)
    for listing in report.listings:
        yield from _table(listing.title, listing.note, listing.columns, listing.rows[:top])


def _counts(section: CountSection, top: int) -> Iterator[str]:
    columns = ("domains#", "%#", "MX hosts#", "%#", "", "meaning")
    rows = (
        (
            f"{row.count.domains:,}",
            share(row.count.domains, section.base.domains),
            f"{row.count.hosts:,}",
            share(row.count.hosts, section.base.hosts),
            row.word,
            row.meaning,
        )
        for row in section.rows[: shown_rows(section, top)]
    )
    yield from _table(section.title, section.note, columns, rows)


def _task(task: Task) -> Iterator[str]:
    explanation = task.explanation
    domains = "1 domain" if task.domains == 1 else f"{task.domains:,} domains"
    yield from ("", f"### {markdown(task.host)}: {domains}", "")
    yield f"{markdown(explanation.sentence, 1000)}  "
    if explanation.new_reply:
        yield f'Message: "{markdown(explanation.new_reply)}"  '
    yield f"Remedy: {markdown(explanation.fix, 1000)}"
    if explanation.records:
        yield from ("", *(f"    {safe(record, LINE)}" for record in explanation.records))
    if explanation.alternative:
        yield from ("", "Or instead:", "", f"    {safe(explanation.alternative, LINE)}")
    yield from ("", f"Contact: {markdown(task.contact)}. Domains: {markdown(', '.join(task.examples), 1000)}")


def _table(title: str, note: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    if note:
        yield from (note, "")
    yield _line(column.removesuffix("#") for column in columns)
    yield _line("--:" if column.endswith("#") else "---" for column in columns)
    for row in rows:
        yield _line(map(markdown, row))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- CSV ------------------------------------------------------------------------------------------------------


def to_csv(report: Report) -> str:
    """Return a report as CSV (RFC 4180) with the columns ``COLUMNS``."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    for row in _rows(report):
        writer.writerow({name: csv_cell(value) for name, value in row.items()})
    return out.getvalue()


def _rows(report: Report) -> Iterator[dict[str, object]]:
    for section in report.counts:
        for row in section.rows:
            yield {
                "section": section.key,
                "name": row.word,
                "domains": row.count.domains,
                "domains_percent": exact_percent(row.count.domains, section.base.domains),
                "hosts": row.count.hosts,
                "hosts_percent": exact_percent(row.count.hosts, section.base.hosts),
                "text": row.meaning,
            }
    yield from map(_task_row, report.tasks)
    for unrouted in report.unrouted:
        reasons = "; ".join(map(words.of_reason, unrouted.reasons))
        yield {"section": "unrouted", "name": unrouted.domain, "domains": 1, "text": reasons, "reply": unrouted.text}
    for listing in report.listings:
        yield from _listing_rows(listing)


def _task_row(task: Task) -> dict[str, object]:
    explanation = task.explanation
    return {
        "section": "worklist" if task.conclusive else "unjudged",
        "name": task.host,
        "domains": task.domains,
        "text": explanation.sentence,
        "reply": explanation.reply,
        "fix": explanation.fix,
        "records": "\n".join(explanation.records),
        "since": f"{task.since:%Y-%m-%dT%H:%M:%SZ}" if task.since else "",
        "contact": task.contact,
        "examples": " ".join(task.examples),
    }


def _listing_rows(listing: ListSection) -> Iterator[dict[str, object]]:
    """Return the rows of a list section. ``text`` contains, with their names, all columns but the first text column."""
    names = [column.removesuffix("#") for column in listing.columns]
    named = next(place for place, column in enumerate(listing.columns) if not column.endswith("#"))
    for row in listing.rows:
        rest = (
            f"{name}: {value}" for place, (name, value) in enumerate(zip(names, row, strict=True)) if place != named
        )
        yield {"section": listing.key, "name": row[named], "text": "; ".join(rest)}
