"""A run as a report on the terminal, for whoever asks "how are they doing, and what is wrong?".

Everything that came from the network or the input goes through ``layout.quote``.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import islice
from types import MappingProxyType
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from results import words
from results.layout import counts, grid, heading, indented, quote, said
from results.run import Run
from results.summary import FailingHost, Funnel, Summary, summarise
from results.verdict_text import in_words
from scanner.model import RunHeader

__all__ = ["in_words", "print_report", "print_summary"]

NOTHING: Mapping[str, str] = MappingProxyType({})
TOP = 10  # rows of a table that could be endless

_Word = TypeVar("_Word", bound=StrEnum)


def print_report(run: Run, console: Console, top: int = TOP) -> None:
    """Print the report of a run.

    Args:
        run: finished or not.
        console: where to; its width is kept.
        top: rows shown of reasons, hosts, ciphers and so on.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    print_summary(summarise(run), run.header, console, top)


def print_summary(summary: Summary, header: RunHeader, console: Console, top: int = TOP) -> None:
    """Print a report from numbers that are at hand."""
    _head(summary, header, console)
    if not summary.funnel.domains:
        console.print(Text("No domains were scanned."))
    else:
        _domain_tables(summary, console)
        _host_tables(summary, console, top)
        _reasons(summary, console, top)
        _failing(summary.failing, console, top)
        _slowest(summary, console, top)
        _expiring(summary, console, top)
    _rejects(summary.rejects, console)


def _head(summary: Summary, header: RunHeader, console: Console) -> None:
    took = ""
    if summary.finished is not None:
        took = f", took {words.duration((summary.finished - summary.started).total_seconds())}"
    console.print(Text(f"Run of {summary.started:%Y-%m-%d %H:%M} UTC: {summary.state}{took}", "bold"))
    level = str(header.settings.get("level", ""))
    facts = {"level": level, "resolver": header.resolver, "EHLO": header.ehlo, "mxsweep": header.version}
    shown = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
    console.print(quote(console, shown, "dim"))


def _domain_tables(summary: Summary, console: Console) -> None:
    total = summary.funnel.domains
    heading(console, "From domains to protection", "domains")
    counts(console, _funnel_rows(summary.funnel), total)
    for title, table, meanings in (
        ("Delivery", summary.outcome, _by_word(words.OUTCOME)),
        ("What a sender does", summary.sender, _by_word(words.SENDER)),
        ("STARTTLS", summary.starttls, _by_word(words.DOMAIN_STARTTLS)),
        ("DANE", summary.dane, _by_word(words.DOMAIN_DANE)),
    ):
        heading(console, title, "domains")
        counts(console, _rows(table, console, meanings), total)


def _funnel_rows(funnel: Funnel) -> list[tuple[Text, str, int]]:
    return [
        (Text("all"), "", funnel.domains),
        (Text("take mail"), "MX hosts or an address are known", funnel.with_mail),
        (Text("signed MX"), "the MX records are DNSSEC-signed", funnel.mx_secure),
        (Text("TLSA"), "usable TLSA records at one MX host or more", funnel.with_tlsa),
        (Text("match"), "TLSA records match at one MX host or more", funnel.matched),
        (Text("protected"), "TLSA records match at every MX host that counts", funnel.protected),
    ]


def _by_word(table: Mapping[_Word, str]) -> dict[str, str]:
    return {str(word): meaning for word, meaning in table.items()}


def _rows(
    table: Mapping[str, int], console: Console, meanings: Mapping[str, str] = NOTHING
) -> Iterable[tuple[Text, str, int]]:
    return ((quote(console, word), meanings.get(word, ""), count) for word, count in table.items())


def _host_tables(summary: Summary, console: Console, top: int) -> None:
    heading(console, "DANE of MX hosts", "hosts, each once")
    counts(console, _rows(summary.host_dane, console, _by_word(words.HOST_DANE)), summary.hosts)
    shaken = sum(summary.tls_versions.values())
    heading(console, "TLS", f"{shaken:,} of {summary.endpoints:,} addresses, each once")
    tables = (summary.tls_versions, summary.ciphers, summary.groups, summary.key_types)
    for number, table in enumerate(tables):
        if number:
            console.print()
        counts(console, islice(_rows(table, console), top), shaken)


def _reasons(summary: Summary, console: Console, top: int) -> None:
    heading(console, "Reasons", "domains affected")
    table = grid(">", ">", "*")
    for code, count in islice(summary.reasons.items(), top):
        meaning = Text.assemble(words.of_reason(code), (f" ({code})", "dim"))
        table.add_row(f"{count:,}", words.share(count, summary.funnel.domains), meaning)
    indented(console, table)
    _rest(len(summary.reasons) - top, "reasons", console)


def _failing(failing: tuple[FailingHost, ...], console: Console, top: int) -> None:
    if not failing:
        return
    heading(console, "Failing MX hosts", "domains affected")
    table = grid(">", "*")
    for host in failing[:top]:
        table.add_row(f"{host.domains:,}", _failing_host(host, console))
    indented(console, table)
    _rest(len(failing) - top, "hosts", console)


def _failing_host(host: FailingHost, console: Console) -> Text:
    text = Text.assemble(quote(console, host.host, "bold"), f"  {words.of_dane(host.dane)}")
    for reason in host.reasons:
        text.append(f"\n{words.of_reason(reason)}")
    if host.text:
        text.append("\n").append_text(said(console, host.text))
    return text


def _slowest(summary: Summary, console: Console, top: int) -> None:
    if not summary.slowest:
        return
    heading(console, "Slowest addresses")
    table = grid(">", "*")
    for slow in summary.slowest[:top]:
        where = Text.assemble(quote(console, slow.host), "  ", quote(console, slow.address, "dim"))
        table.add_row(f"{slow.ms / 1000:.1f} s", where)
    indented(console, table)


def _expiring(summary: Summary, console: Console, top: int) -> None:
    if not summary.expiring:
        return
    heading(console, "Certificates that expire soon, or have", "DANE with usage 3 asks for no date")
    table = grid(">", "*")
    for row in summary.expiring[:top]:
        table.add_row(f"{row.not_after:%Y-%m-%d}", quote(console, row.host))
    indented(console, table)
    _rest(len(summary.expiring) - top, "hosts", console)


def _rejects(rejects: Mapping[str, int], console: Console) -> None:
    if not rejects:
        return
    total = sum(rejects.values())
    heading(console, "Input not scanned", "lines")
    counts(console, _rows(rejects, console), total)


def _rest(count: int, what: str, console: Console) -> None:
    if count > 0:
        console.print(Text(f"  and {count:,} more {what}", "dim"))
