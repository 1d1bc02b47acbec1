"""The steps from the MTA-STS record of a domain to its policy, for ``mxsweep explain``.

``terminal.quote`` escapes all text from the network.
"""

from collections.abc import Callable, Iterator

from rich.console import Console
from rich.text import Text

from results.explain.sts_fix import policy_faults
from results.render import words
from results.render.terminal import quote, said
from scanner.facts import Answer, Failure
from scanner.model import DomainRecord
from scanner.sts import PolicyFetch, STSPolicy, STSReport, TLSRPTReport
from scanner.vocabulary import Outcome

PATTERNS = 20  # maximum number of patterns in the output
LONG = 1000  # maximum characters of a record or list of patterns

Line = tuple[Text, int]
"""A line of the output and its indent; a text with ``no_wrap`` must not be folded, so that it can be copied."""


def sts_lines(record: DomainRecord, console: Console) -> Iterator[Line]:
    """Yield the output lines about MTA-STS and TLSRPT; no lines if the scan did not examine MTA-STS."""
    if record.sts is not None:
        yield from _of_policy(record.sts, console)
    for host in record.hosts if record.sts is not None and record.sts.policy is not None else ():
        if host.sts is not None:
            yield Text.assemble(quote(console, host.host), f": {words.HOST_STS[host.sts]} ({host.sts})"), 2
    if record.tlsrpt is not None:
        yield from _of_tlsrpt(record.tlsrpt, console)
    yield from _remedies(record, console)


def _of_policy(report: STSReport, console: Console) -> Iterator[Line]:
    quoted = _quoter(console)
    yield _answer(report.txt, console), 2
    fault = Text(": ").append_text(quoted(report.record_error)) if report.record_error else Text("")
    yield Text.assemble(f"MTA-STS record: {report.record}", f", id {report.id}" if report.id else "", fault), 2
    for answer in (report.a, report.aaaa):
        if answer is not None:
            yield _answer(answer, console), 2
    for fetch in report.fetches:
        yield Text.assemble(quoted(fetch.address), f": {_fetched(fetch)}"), 2
        if fetch.failure is not None and fetch.failure.text:
            yield said(console, fetch.failure.text), 4
        if fetch.pkix_error:
            yield Text.assemble("PKIX: ", quoted(fetch.pkix_error)), 4
    if report.policy is not None:
        yield from _policy(report.policy, console)
    elif report.policy_error:
        yield Text.assemble("The response is not a policy: ", quoted(report.policy_error)), 2


def _fetched(fetch: PolicyFetch) -> str:
    """Return the result of a request to the policy host as text."""
    if fetch.reason is not None:
        return f"not contacted: {words.of_reason(fetch.reason)}"
    if fetch.failure is not None:
        return _failed(fetch.failure)
    if fetch.status is None:
        name = "" if fetch.name_match else ", not for the name of the policy host"
        return f"the certificate is {fetch.pkix}{name}: no request was sent"
    return f"HTTP status {fetch.status}, {fetch.octets} octets"


def _failed(failure: Failure) -> str:
    return f"failed in phase {failure.phase}: {failure.kind}"


def _policy(policy: STSPolicy, console: Console) -> Iterator[Line]:
    shown = ", ".join(policy.mx[:PATTERNS]) or "none"
    more = f" and {len(policy.mx) - PATTERNS} more" if len(policy.mx) > PATTERNS else ""
    yield Text(f"MTA-STS policy: mode {policy.mode}, max_age {policy.max_age} s"), 2
    yield Text.assemble("patterns: ", quote(console, shown, limit=LONG), more), 4
    if policy.defects:
        yield Text(f"defects: {', '.join(policy.defects)}"), 4


def _of_tlsrpt(report: TLSRPTReport, console: Console) -> Iterator[Line]:
    uris = Text(", reports to ").append_text(quote(console, ", ".join(report.rua), limit=LONG)) if report.rua else ""
    yield Text.assemble(f"TLSRPT record: {report.record}", uris), 2
    for defect in report.defects:
        yield quote(console, defect), 4


def _remedies(record: DomainRecord, console: Console) -> Iterator[Line]:
    for fault in policy_faults(record):
        yield Text.assemble(("Cause: ", "bold"), quote(console, fault.sentence, limit=LONG), f" ({fault.cause})"), 2
        yield Text.assemble(("Remedy: ", "bold"), quote(console, fault.fix, limit=LONG)), 2
        for line in fault.records:
            yield _whole(quote(console, line, "green", limit=LONG)), 4


def _whole(line: Text) -> Text:
    line.no_wrap = True
    return line


def _answer(answer: Answer, console: Console) -> Text:
    what = Text.assemble(quote(console, answer.name), f" {answer.rtype}: ")
    if answer.outcome is Outcome.DATA:
        return what.append_text(quote(console, ", ".join(answer.records), limit=LONG))
    what.append(answer.outcome)
    return what.append("; ").append_text(quote(console, answer.error)) if answer.error else what


def _quoter(console: Console) -> Callable[[str], Text]:
    return lambda text: quote(console, text)
