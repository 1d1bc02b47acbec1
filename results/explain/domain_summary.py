"""The verdict of one domain as text: mail delivery, and the verdict of each MX host with reasons.

``terminal.quote`` escapes all text from the network and the input.
"""

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from results.render import tlsa, words
from results.render.terminal import quote, said
from scanner.core.sampling import source_of
from scanner.core.verdict import handshake_of
from scanner.facts import Handshake, TLSARecord
from scanner.model import (
    AlgorithmReport,
    DaneEvidence,
    DomainRecord,
    DomainVerdict,
    EndpointReport,
    EndpointVerdict,
    HostReport,
    HostVerdict,
)
from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainSTS, HostSTS, Served

_STYLE = {
    DomainOutcome.OK: "green",
    DomainOutcome.FAIL: "red",
    DomainOutcome.INCONCLUSIVE: "yellow",
    DomainOutcome.NO_MAIL: "yellow",
}


def in_words(record: DomainRecord, console: Console) -> None:
    """Print the verdict of a domain.

    Args:
        record: the domain. The printed text contains TLS versions, TLSA records and certificates only if the record
            contains ``reports`` and ``certificates``.
        console: the output console.
    """
    _verdict(record, console)
    _mx(record, console)
    reports = {report.key: report for report in record.reports or ()}
    for host in record.hosts:
        report = None if host.report is None else reports.get(host.report)
        _host(host, report, record, console)
    _tlsrpt(record, console)


def _verdict(record: DomainRecord, console: Console) -> None:
    verdict = record.verdict
    sentence = (f"at level {verdict.level}, a sender {words.SENDER[verdict.sender]}.", _STYLE[verdict.outcome])
    head = Text.assemble(quote(console, record.key, "bold"), ": ", sentence)
    console.print(Text("\n  ").join(head.wrap(console, console.width - 2)))
    if verdict.dane is not DomainDane.NO_MAIL:
        _line(console, Text(f"Delivery: {words.OUTCOME[verdict.outcome]}."))
        _line(console, Text(f"STARTTLS: {words.DOMAIN_STARTTLS[verdict.starttls]} ({verdict.starttls})."))
        _line(console, Text(f"DANE: {words.DOMAIN_DANE[verdict.dane]} ({verdict.dane})."))
        _sts(verdict, console)
    of_hosts = {reason for host in record.hosts for reason in host.reasons}
    _why(console, (reason for reason in verdict.reasons if reason not in of_hosts), 2)
    if not record.hosts and verdict.text and verdict.text not in map(words.of_reason, verdict.reasons):
        _line(console, said(console, verdict.text), 4)


def _sts(verdict: DomainVerdict, console: Console) -> None:
    """Print the MTA-STS verdict if the scan examined MTA-STS, and the mechanism that protects the domain."""
    if verdict.sts not in (None, DomainSTS.NONE):
        _line(console, Text(f"MTA-STS: {words.DOMAIN_STS[verdict.sts]} ({verdict.sts})."))
    if verdict.mechanism is not None:
        _line(console, Text(f"Protection: {words.MECHANISM[verdict.mechanism]} ({verdict.mechanism})."))


def _mx(record: DomainRecord, console: Console) -> None:
    mx = record.route.mx
    if mx is None or not record.hosts:
        return
    console.print()
    if Reason.IMPLICIT_MX in record.route.reasons:
        console.print(Text.assemble(("Mail host", "bold"), f" (no MX record: {words.SECURITY[mx.security]})"))
    else:
        console.print(Text.assemble(("MX records", "bold"), f" ({words.SECURITY[mx.security]})"))


def _host(host: HostVerdict, report: HostReport | None, record: DomainRecord, console: Console) -> None:
    name = quote(console, host.host, "bold")
    sts = f"; {words.HOST_STS[host.sts]}" if host.sts not in (None, HostSTS.NONE) else ""
    _line(console, Text.assemble(f"{host.preference:>3} ", name, f"  {words.HOST_DANE[host.dane]}{sts}"))
    shown = {reason for endpoint in host.endpoints for reason in endpoint.reasons}
    _why(console, (reason for reason in host.reasons if reason not in shown), 6)
    if report is not None:
        _tlsa(report, console)
        if source := source_of(report):
            _line(console, Text.assemble(words.INFERRED, quote(console, source)), 6)
    seen = {endpoint.address: endpoint for endpoint in report.endpoints} if report else {}
    for endpoint in host.endpoints:
        _endpoint(endpoint, seen.get(endpoint.address), record, console)
    if host.text and not host.endpoints:
        _line(console, said(console, host.text), 6)
    for skipped in report.skipped if report else ():
        why = f"  not contacted: {words.of_reason(skipped.reason)}"
        _line(console, quote(console, skipped.address).append(why), 6)


def _tlsa(report: HostReport, console: Console) -> None:
    for record in report.tlsa.records:
        text = quote(console, f"TLSA {tlsa.short(record)}")
        if record.unusable is not None:
            text.append(f"  cannot be used: {record.unusable}")
        _line(console, text, 6)


def _endpoint(verdict: EndpointVerdict, report: EndpointReport | None, record: DomainRecord, console: Console) -> None:
    address = quote(console, verdict.address)
    _line(console, address.append(f"  {words.TLS[verdict.tls]}"), 6)
    handshake = None if report is None else handshake_of(report)
    if handshake is not None:
        _line(console, _session(handshake, console), 8)
        _certificate(handshake, record, console)
    if report is not None and report.dane is not None and report.dane.record is not None:
        _line(
            console, _match(report.dane.record, report.dane, console), 8
        )  # without a match, the printed reasons explain the verdict
    for other in report.algorithms if report is not None else ():
        _other(other, verdict, record, console)
    _why(console, verdict.reasons, 8)
    if verdict.text:
        _line(console, said(console, verdict.text), 8)


def _other(other: AlgorithmReport, verdict: EndpointVerdict, record: DomainRecord, console: Console) -> None:
    """Print another certificate of the server, with another key algorithm than the certificate sent by default."""
    if other.served is Served.NO or other.alg not in verdict.algorithms:
        return
    result = words.HOST_DANE[verdict.algorithms[other.alg]]
    _line(console, Text(f"another certificate ({other.alg} key): {result}"), 8)
    if other.probe.handshake is not None:
        _certificate(other.probe.handshake, record, console)


def _session(handshake: Handshake, console: Console) -> Text:
    parts = (handshake.version, handshake.cipher, handshake.group, handshake.signature)
    return quote(console, ", ".join(part for part in parts if part))


def _certificate(handshake: Handshake, record: DomainRecord, console: Console) -> None:
    leaf = handshake.chain[0] if handshake.chain else ""
    cert = (record.certificates or {}).get(leaf)
    if cert is None:
        return
    until = f", valid until {cert.not_after:%Y-%m-%d}" if cert.not_after else ""
    _line(console, Text.assemble("certificate ", quote(console, cert.subject), until), 8)


def _match(record: TLSARecord, evidence: DaneEvidence, console: Console) -> Text:
    """Return the matching TLSA record, and the certificate or key that the record matches."""
    what = "the server's certificate" if evidence.depth == 0 else f"the issuer at depth {evidence.depth}"
    if evidence.bare_key:
        what = "the key that signed the top of the chain"
    text = quote(console, f"TLSA {tlsa.short(record)}").append(f" matches {what}")
    if evidence.errors:
        text.append(", but: ").append_text(quote(console, evidence.errors[0].text))
    return text


def _tlsrpt(record: DomainRecord, console: Console) -> None:
    if record.verdict.tlsrpt:
        console.print()
        console.print(Text(f"TLSRPT result types: {', '.join(record.verdict.tlsrpt)}", "dim"))


def _why(console: Console, reasons: Iterable[Reason], indent: int) -> None:
    for reason in reasons:
        _line(console, Text.assemble(words.of_reason(reason), (f" ({reason})", "dim")), indent)


def _line(console: Console, text: Text, indent: int = 2) -> None:
    """Print a text; a text that is longer than a terminal line continues with the same indentation."""
    console.print(Padding(text, (0, 0, 0, indent), expand=False))
