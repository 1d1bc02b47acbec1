"""Output of a report as text on a terminal.

``terminal.quote`` escapes all text from the network and the input lists.
"""

from collections.abc import Sequence
from itertools import islice

from rich.console import Console
from rich.text import Text

from results.count.columns import NO_VALUE
from results.count.summary import UnroutedDomain
from results.explain.cause import Explanation
from results.explain.domain_summary import in_words
from results.explain.worklist import Task
from results.render import words
from results.render.tables import Table, cut, print_table
from results.render.terminal import COUNT, INDENT, counts, heading, line, one_line, quote, said
from results.render.tlsa import RECORD
from results.report.model import OPEN, CountSection, Report
from scanner.reasons import Reason
from scanner.vocabulary import Dane

__all__ = ["in_words", "render", "shown_rows"]

TOP = 10  # default maximum number of rows of a table whose number of rows has no limit
CLOSED = 12  # maximum number of rows of a table of vocabulary values; no vocabulary has more values
EXAMPLES = 3  # maximum number of domains named for an MX host
LONG = 1000  # maximum number of characters of a sentence
MARGIN = INDENT + COUNT + 2  # width in columns to the left of the texts about a host
SLIM = 60  # minimum width of a terminal in columns; on narrower terminals, texts about a host begin further left

TITLES = ("What to do first", "Inconclusive MX hosts")
"""The titles of the lists of broken MX hosts and of inconclusive MX hosts."""

POLICIES = "Faults of MTA-STS and TLSRPT"
"""The title of the list of domains with a fault of MTA-STS or TLSRPT."""


def render(report: Report, console: Console, top: int = TOP) -> None:
    """Print a report with at most ``top`` rows of each table whose number of rows has no limit."""
    console.print(Text(report.title, "bold"))
    facts = ", ".join(f"{name} {value}" for name, value in report.facts.items())
    line(console, quote(console, facts, "dim"), 0)
    for note in report.notes:
        line(console, quote(console, f"Note: {note}", "yellow", LONG), 0)
    if report.domains:
        _counts(report.figures, console, top)
        _worklist(report, console, top)
        _policies(report, console, top)
        _unrouted(report.unrouted, console, top)
        for section in report.counts:
            _counts(section, console, top)
    else:
        console.print(Text("No domains were scanned."))
    for table in report.listings:
        print_table(console, cut(table, top))


def _counts(section: CountSection, console: Console, top: int) -> None:
    if not section.rows:
        return
    heading(console, section.title, section.note)
    top = shown_rows(section, top)
    rows = ((quote(console, row.word), row.meaning, row.count) for row in section.rows)
    counts(console, islice(rows, top), section.base)
    _rest(len(section.rows) - top, "rows", console)


def shown_rows(section: CountSection, top: int) -> int:
    """Return the maximum number of printed rows: ``top`` for a section of ``OPEN``, else enough for all values."""
    return top if section.key in OPEN else max(top, CLOSED)


def _worklist(report: Report, console: Console, top: int) -> None:
    if report.column:
        for group in report.groups[:top]:
            name = quote(console, f"{report.column}: {group.value or NO_VALUE}").plain
            heading(console, name)
            _tasks(group.tasks, console, top)
            _rest(hidden(group.tasks, top), "hosts", console)
        _rest(len(report.groups) - top, f"values of {quote(console, report.column).plain}", console)
    else:
        _tasks(report.tasks, console, top)
    _rest(unlisted(report, top), "hosts", console)


def hidden(tasks: Sequence[Task], top: int) -> int:
    """Return the number of MX hosts not shown if ``top`` urgent and ``top`` inconclusive hosts are shown."""
    urgent = sum(task.urgent for task in tasks)
    return max(0, urgent - top) + max(0, len(tasks) - urgent - top)


def unlisted(report: Report, top: int) -> int:
    """Return the number of failing MX hosts that a report omits; hosts omitted from a ``TaskGroup`` are not counted."""
    return report.failing - len(report.tasks) + (0 if report.column else hidden(report.tasks, top))


def _tasks(listed: Sequence[Task], console: Console, top: int) -> None:
    for urgent, title in zip((True, False), TITLES, strict=True):
        tasks = [task for task in listed if task.urgent is urgent]
        if tasks:
            heading(console, title, "affected domains")
            for task in tasks[:top]:
                _task(task, console)


def _task(task: Task, console: Console) -> None:
    explanation = task.explanation
    lines = [
        quote(console, explanation.sentence, limit=LONG),
        *([said(console, explanation.new_reply)] if explanation.new_reply else []),
        Text.assemble(("Remedy: ", "bold"), quote(console, explanation.fix, limit=LONG)),
    ]
    margin = MARGIN if console.width >= SLIM else INDENT + 2
    number = f"{task.domains:,}".rjust(COUNT + INDENT) if console.width >= SLIM else f"  {task.domains:,}"
    head = Text.assemble(number, "  ", quote(console, task.host, "bold"), _state(task), _since(task))
    first, *rest = head.wrap(console, console.width)
    line(console, first, 0)
    for part in (*rest, *lines):
        line(console, part, margin)
    for record in explanation.records:
        one_line(console, quote(console, record, "green", RECORD), margin)
    if explanation.alternative:
        line(console, Text("or instead:"), margin)
        one_line(console, quote(console, explanation.alternative, "green", RECORD), margin)
    contact = quote(console, f"; {task.contact}", "dim")
    affected = quote(console, _affected(task), "dim", LONG)
    line(console, Text.assemble(("domains: ", "dim"), affected, contact), margin)


def _policies(report: Report, console: Console, top: int) -> None:
    if report.policies:
        heading(console, POLICIES, "of domains")
    for task in report.policies[:top]:
        line(console, Text.assemble(quote(console, task.domain, "bold"), f"  {task.state}"))
        for fault in task.faults:
            _fault(fault, console)
        line(console, quote(console, task.contact, "dim"), INDENT + 2)
    _rest(report.policy_faults - min(len(report.policies), top), "domains", console)


def _fault(fault: Explanation, console: Console) -> None:
    line(console, quote(console, fault.sentence, limit=LONG), INDENT + 2)
    line(console, Text.assemble(("Remedy: ", "bold"), quote(console, fault.fix, limit=LONG)), INDENT + 2)
    for record in fault.records:
        one_line(console, quote(console, record, "green", RECORD), INDENT + 4)


def _state(task: Task) -> str:
    if task.down:
        return "  does not answer"
    return "" if task.dane == Dane.NONE else f"  {words.of_dane(task.dane)}"  # absence of TLSA is not a cause


def _since(task: Task) -> str:
    if task.since is not None:
        return f", since {task.since:%Y-%m-%d %H:%M} UTC or before"
    return ", new in this run" if task.new else ""


def _affected(task: Task) -> str:
    shown = ", ".join(task.examples[:EXAMPLES])
    more = task.domains - min(len(task.examples), EXAMPLES)
    return f"{shown} and {more:,} more" if more else shown


def _unrouted(unrouted: Sequence[UnroutedDomain], console: Console, top: int) -> None:
    if unrouted:
        print_table(console, cut(unrouted_table(unrouted), top))


def unrouted_table(unrouted: Sequence[UnroutedDomain]) -> Table:
    """Return the failing domains without an MX host as a table."""
    rows = []
    for row in unrouted:
        reasons = [words.of_reason(code) for code in row.reasons if code != Reason.LEVEL_NOT_MET]
        rows.append((row.domain, "; ".join(reasons), "" if row.text in reasons else row.text))
    return Table("unrouted", "Domains without an MX host to examine", ("domain", "reasons", "text"), tuple(rows))


def _rest(count: int, what: str, console: Console) -> None:
    if count > 0:
        console.print(Text(f"  and {count:,} more {what}", "dim"))
