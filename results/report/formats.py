"""Output of a report to a file as text, Markdown, JSON or CSV.

``results.render.escape`` escapes text from servers, zones and lists in Markdown, CSV and JSON.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console

from results.count.columns import NO_VALUE
from results.count.percent import exact_percent, share
from results.explain.cause import Explanation
from results.explain.policy_worklist import PolicyTask
from results.explain.worklist import Task
from results.render import words
from results.render.escape import csv_cell, json_text, markdown, safe
from results.render.tables import Table, cut
from results.render.tables import markdown as table_markdown
from results.render.tlsa import RECORD
from results.report.model import CountSection, Report
from results.report.text import POLICIES, TITLES, hidden, render, shown_rows, unlisted, unrouted_table
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
    "group",
)
"""The columns of a CSV report. ``section`` is the key of a section of the report; failing MX hosts have the key
``worklist`` (``unjudged`` if inconclusive), domains with a fault of MTA-STS or TLSRPT the key ``policies``.

``group`` is the value of the column of the target list by which the failing MX hosts are divided.
"""

TEXT_WIDTH = 100  # width of the text format, in columns


def to_text(report: Report, top: int) -> str:
    """Return a report as plain text of ``TEXT_WIDTH`` columns, with at most ``top`` rows of each table."""
    out = io.StringIO()
    render(report, Console(file=out, width=TEXT_WIDTH, force_terminal=False, color_system=None), top)
    return out.getvalue()


def to_json(report: Report) -> bytes:
    """Return a report as indented JSON, UTF-8.

    The member names of the JSON are the member names of ``results.report.model.Report``.
    """
    return json_text(codec.pretty(report))


# --- Markdown -------------------------------------------------------------------------------------------------


def to_markdown(report: Report, top: int) -> str:
    """Return a report as Markdown with tables (GitHub's dialect), at most ``top`` rows of each table."""
    return "\n".join(_markdown(report, top)) + "\n"


def _markdown(report: Report, top: int) -> Iterator[str]:
    yield f"# {markdown(report.title)}"
    yield ""
    yield ", ".join(f"{markdown(name)} {markdown(value)}" for name, value in report.facts.items())
    for note in report.notes:
        yield from ("", f"Note: {markdown(note, 1000)}")
    if report.domains:
        yield from _counts(report.figures, top)
    yield from _worklist(report, top)
    yield from _policies(report.policies[:top])
    yield from _rest(report.policy_faults - min(len(report.policies), top), "domains")
    if report.unrouted:
        yield from _table(cut(unrouted_table(report.unrouted), top))
    for section in report.counts:
        if section.rows:
            yield from _counts(section, top)
    for table in report.listings:
        yield from _table(cut(table, top))


def _worklist(report: Report, top: int) -> Iterator[str]:
    if not report.column:
        yield from _tasks(report.tasks, top, "##")
    for group in report.groups[:top]:
        yield from ("", f"## {markdown(f'{report.column}: {group.value or NO_VALUE}')}")
        yield from _tasks(group.tasks, top, "###")
        yield from _rest(hidden(group.tasks, top), "hosts")
    yield from _rest(len(report.groups) - top, f"values of {markdown(report.column)}")
    yield from _rest(unlisted(report, top), "hosts")


def _rest(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield from ("", f"and {count:,} more {what}")


def _counts(section: CountSection, top: int) -> Iterator[str]:
    columns = ("domains", "%", "MX hosts", "%", "", "meaning")
    yield from ("", f"## {section.title}", "", *([section.note, ""] if section.note else []))
    yield _line(columns)
    yield _line(("--:", "--:", "--:", "--:", "---", "---"))
    for row in section.rows[: shown_rows(section, top)]:
        numbers = (
            f"{row.count.domains:,}",
            share(row.count.domains, section.base.domains),
            f"{row.count.hosts:,}",
            share(row.count.hosts, section.base.hosts),
        )
        yield _line(map(markdown, (*numbers, row.word, row.meaning)))
    yield from _rest(len(section.rows) - shown_rows(section, top), "rows")


def _table(table: Table) -> Iterator[str]:
    yield from ("", table_markdown(table).rstrip("\n"))


def _tasks(listed: Sequence[Task], top: int, level: str) -> Iterator[str]:
    for urgent, title in zip((True, False), TITLES, strict=True):
        tasks = [task for task in listed if task.urgent is urgent]
        if tasks:
            yield from ("", f"{level} {title}")
        for task in tasks[:top]:
            yield from _task(task, f"{level}#")


def _task(task: Task, level: str) -> Iterator[str]:
    explanation = task.explanation
    yield from ("", f"{level} {markdown(task.host)}: {words.number(task.domains, 'domain')}", "")
    yield f"{markdown(explanation.sentence, 1000)}  "
    if explanation.new_reply:
        yield f'Message: "{markdown(explanation.new_reply)}"  '
    yield f"Remedy: {markdown(explanation.fix, 1000)}"
    if explanation.records:
        yield from ("", *(f"    {safe(record, RECORD)}" for record in explanation.records))
    if explanation.alternative:
        yield from ("", "Or instead:", "", f"    {safe(explanation.alternative, RECORD)}")
    yield from ("", f"Contact: {markdown(task.contact)}. Domains: {markdown(', '.join(task.examples), 1000)}")


def _policies(tasks: Sequence[PolicyTask]) -> Iterator[str]:
    if tasks:
        yield from ("", f"## {POLICIES}")
    for task in tasks:
        yield from ("", f"### {markdown(task.domain)}: {markdown(task.state)}")
        for fault in task.faults:
            yield from ("", f"{markdown(fault.sentence, 1000)}  ", f"Remedy: {markdown(fault.fix, 1000)}")
            if fault.records:
                yield from ("", *(f"    {safe(record, RECORD)}" for record in fault.records))
        yield from ("", f"Contact: {markdown(task.contact)}")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- CSV ------------------------------------------------------------------------------------------------------


def to_csv(report: Report) -> str:
    """Return a report as CSV (RFC 4180) with the columns ``COLUMNS``."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    for row in _rows(report):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _cell(value: object) -> object:
    """Return a cell of a CSV report; each item of a tuple becomes a line of the cell."""
    return "\n".join(str(csv_cell(item)) for item in value) if isinstance(value, tuple) else csv_cell(value)


def _rows(report: Report) -> Iterator[dict[str, object]]:
    for section in (report.figures, *report.counts):
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
    if report.column:
        yield from (_task_row(task, group.value) for group in report.groups for task in group.tasks)
    else:
        yield from map(_task_row, report.tasks)
    yield from (_policy_row(task, fault) for task in report.policies for fault in task.faults)
    for unrouted in report.unrouted:
        reasons = "; ".join(map(words.of_reason, unrouted.reasons))
        yield {"section": "unrouted", "name": unrouted.domain, "domains": 1, "text": reasons, "reply": unrouted.text}
    for listing in report.listings:
        yield from _listing_rows(listing)


def _task_row(task: Task, group: str = "") -> dict[str, object]:
    explanation = task.explanation
    return {
        "section": "worklist" if task.urgent else "unjudged",
        "name": task.host,
        "domains": task.domains,
        "text": explanation.sentence,
        "reply": explanation.reply,
        "fix": explanation.fix,
        "records": explanation.records,
        "since": f"{task.since:%Y-%m-%dT%H:%M:%SZ}" if task.since else "",
        "contact": task.contact,
        "examples": " ".join(task.examples),
        "group": group,
    }


def _policy_row(task: PolicyTask, fault: Explanation) -> dict[str, object]:
    return {
        "section": "policies",
        "name": task.domain,
        "domains": 1,
        "text": fault.sentence,
        "fix": fault.fix,
        "records": fault.records,
        "contact": task.contact,
        "group": task.group,
    }


def _listing_rows(table: Table) -> Iterator[dict[str, object]]:
    """Yield the CSV rows of a table whose first column names the rows.

    The CSV column ``name`` contains the first cell of a row, and ``text`` contains the other cells with their titles.
    """
    for row in table.rows:
        rest = (f"{name}: {value}" for name, value in zip(table.columns[1:], row[1:], strict=True))
        yield {"section": table.key, "name": row[0], "text": "; ".join(rest)}
