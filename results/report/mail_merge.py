"""Texts to send to the contacts of failing MX hosts and of domains with MTA-STS faults (``report --mail-merge``).

Contacts, names and replies come from lists, zones and peers, and are escaped in the text. The name of a contact is
never used as a path.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from results.explain.policy_worklist import PolicyTask
from results.explain.worklist import Task
from results.render import words
from results.render.escape import safe
from results.render.tlsa import RECORD
from results.report.model import Report
from results.store.files import naming, replace_file

LONG = 2000  # maximum number of characters of a sentence
STEM = 60  # maximum number of characters of a contact in a file name

_UNSAFE = re.compile(r"[^A-Za-z0-9@._-]+")


def write_texts(report: Report, directory: Path) -> list[Path]:
    """Write the text files and return their paths; an existing file for the same contact is replaced.

    Args:
        report: the report. If a column of the target list divides the failing hosts, a contact is a value of this
            column. For domains without a value in the column, and without a column, the contact is the postmaster of an
            MX host.
        directory: the directory of the texts, which is created if it does not exist.

    Raises:
        StoreError: a file cannot be written.
    """
    with naming(directory):
        directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for contact, tasks in contacts(report).items():
        path = directory / file_name(contact)
        replace_file(path, text_of(report, contact, *tasks).encode())
        paths.append(path)
    return paths


def contacts(report: Report) -> dict[str, tuple[list[Task], list[PolicyTask]]]:
    """Return the broken MX hosts and the MX hosts that do not answer, and the faults of MTA-STS, by contact."""
    found: dict[str, tuple[list[Task], list[PolicyTask]]] = {}
    if report.column:
        rows = [(group.value or task.contact, task) for group in report.groups for task in group.tasks]
    else:
        rows = [(task.contact, task) for task in report.tasks]
    for contact, task in rows:
        if task.urgent:
            found.setdefault(contact, ([], []))[0].append(task)
    for policy in report.policies:
        if policy.urgent:
            found.setdefault(policy.group or policy.contact, ([], []))[1].append(policy)
    return found


def file_name(contact: str) -> str:
    """Return the file name for a contact: its letters, digits and ``@._-``, and a digest of the contact.

    The digest distinguishes contacts that differ only in characters that the file name does not contain.
    """
    stem = _UNSAFE.sub("_", contact).strip("._-")[:STEM]
    digest = sha256(contact.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{stem or 'contact'}-{digest}.txt"


def text_of(report: Report, contact: str, tasks: Sequence[Task], policies: Sequence[PolicyTask] = ()) -> str:
    """Return the text for one contact: the hosts, evidence and remedies, and the domains with a fault of MTA-STS."""
    return "\n".join(_lines(report, contact, tasks, policies)) + "\n"


def _lines(report: Report, contact: str, tasks: Sequence[Task], policies: Sequence[PolicyTask]) -> Iterator[str]:
    parts = ((tasks, "mail host"), (policies, "domain"))
    affected = " and ".join(words.number(len(found), noun) for found, noun in parts if found)
    yield f"To: {safe(contact)}"
    yield f"Subject: {affected} without working mail transport security"
    yield ""
    yield f"A scan of {report.started:%Y-%m-%d %H:%M} UTC found faults at {affected}."
    for task in tasks:
        yield from ("", *_task(task))
    for policy in policies:
        yield from ("", *_policy(policy))


def _policy(task: PolicyTask) -> Iterator[str]:
    yield f"{safe(task.domain)}: {task.state}"
    for fault in task.faults:
        yield f"Cause: {safe(fault.sentence, LONG)}"
        yield f"Remedy: {safe(fault.fix, LONG)}"
        yield from (f"    {safe(record, RECORD)}" for record in fault.records)


def _task(task: Task) -> Iterator[str]:
    explanation = task.explanation
    state = "does not answer" if task.down else words.of_dane(task.dane)
    since = f", since {task.since:%Y-%m-%d %H:%M} UTC or before" if task.since else ""
    yield f"{safe(task.host)}: {state}{since}"
    yield f"Cause: {safe(explanation.sentence, LONG)}"
    if explanation.new_reply:
        yield f'Message: "{safe(explanation.new_reply, LONG)}"'
    if task.evidence:
        yield "Evidence:"
    yield from (f"    {safe(line, LONG)}" for line in task.evidence)
    yield f"Remedy: {safe(explanation.fix, LONG)}"
    yield from (f"    {safe(record, RECORD)}" for record in explanation.records)
    if explanation.alternative:
        yield from ("or instead:", f"    {safe(explanation.alternative, RECORD)}")
    more = task.domains - len(task.examples)
    rest = f" and {more:,} more" if more > 0 else ""
    yield f"Affected: {words.number(task.domains, 'domain')}: {safe(', '.join(task.examples), LONG)}{rest}"
