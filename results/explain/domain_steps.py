"""The output of ``mxsweep explain``: the steps from a domain's MX answer to its verdict, with the facts of each step.

``terminal.quote`` escapes all text from the network and the input.
"""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from results.explain.case import Chain, HostCase, other_chain, sent_chain
from results.explain.cause import Explanation, explain
from results.explain.remedies import remedy_of
from results.explain.sts_steps import sts_lines
from results.explain.tlsa_cause import SeenCertificate, search
from results.render import tlsa, words
from results.render.terminal import heading, one_line, quote, said
from scanner.core.sampling import source_of
from scanner.facts import Answer, CertFacts, Probe
from scanner.model import (
    AlgorithmReport,
    DaneEvidence,
    DomainRecord,
    EndpointReport,
    EndpointVerdict,
    HostReport,
    HostVerdict,
)
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Outcome, Sender

LONG = 2000  # maximum number of characters of a sentence or DNS answer in the output

_OUTCOME = {
    Outcome.NODATA: "no such record",
    Outcome.NXDOMAIN: "the name does not exist",
    Outcome.ERROR: "the lookup failed",
}
_GOOD = (Sender.VERIFIED, Sender.ENCRYPTED, Sender.CLEARTEXT)


class Reasoning:
    """Printer of the steps from the MX answer of a domain to its verdict."""

    def __init__(
        self,
        console: Console,
        reports: Mapping[str, HostReport],
        certs: Mapping[str, CertFacts],
        sightings: Mapping[str, Mapping[str, SeenCertificate]],
    ) -> None:
        """Store the facts of the domains to print.

        Args:
            console: the output console.
            reports: host reports by key.
            certs: certificates by SHA-256 digest.
            sightings: for each MX host, the certificates that match its TLSA records, by the data of the record.
        """
        self._console = console
        self._reports = reports
        self._certs = certs
        self._sightings = sightings

    def print(self, record: DomainRecord) -> None:
        """Print the steps from the MX answer of a domain to its verdict."""
        verdict = record.verdict
        text = f": at level {verdict.level}, a sender {words.SENDER[verdict.sender]}."
        self._console.print(Text.assemble(self._quote(record.key, "bold"), text))
        heading(self._console, "Route")
        self._route(record)
        for place, host in enumerate(record.hosts, 1):
            heading(self._console, f"MX host {place} of {len(record.hosts)}", f"preference {host.preference}")
            self._host(host)
        self._sts(record)
        heading(self._console, "Verdict")
        self._summary(record)

    # --- steps ------------------------------------------------------------------------------------------------

    def _route(self, record: DomainRecord) -> None:
        route = record.route
        if route.mx is None:
            self._line("No MX lookup was made: the destination names the host itself.")
        else:
            self._answer(route.mx)
        self._why(route.reasons, 2)
        if route.final is not None:
            self._line(f"No MX host was examined. {remedy_of(route.final)}", 2)

    def _host(self, host: HostVerdict) -> None:
        self._line(self._quote(host.host, "bold"))
        report = self._reports.get(host.report or "")
        if report is None:
            self._line("The host was not examined.")
        else:
            self._dns(report)
            self._source(report)
        seen = {end.address: end for end in report.endpoints} if report else {}
        for endpoint in host.endpoints:
            self._address(endpoint, seen.get(endpoint.address), report)
        for skipped in report.skipped if report else ():
            text = self._quote(skipped.address).append(f": not contacted: {words.of_reason(skipped.reason)}")
            self._line(text)
        self._host_verdict(host, report)

    def _source(self, report: HostReport) -> None:
        if source := source_of(report):
            self._line(Text.assemble(words.INFERRED, self._quote(source)))

    def _sts(self, record: DomainRecord) -> None:
        lines = list(sts_lines(record, self._console))
        if lines:
            heading(self._console, "MTA-STS and TLSRPT")
        for text, indent in lines:
            if text.no_wrap:
                one_line(self._console, text, indent)
            else:
                self._line(text, indent)

    def _dns(self, report: HostReport) -> None:
        for answer in (report.a, report.aaaa, *report.tlsa.steps):
            if answer is not None:
                self._answer(answer)
        lookup = report.tlsa
        if lookup.dane is not None:
            self._line(f"Result of the DNS lookups: {words.HOST_DANE[lookup.dane]} ({lookup.dane}).")
            self._why((lookup.reason,) if lookup.reason else (), 2)
        else:
            base = self._quote(lookup.base_domain)
            self._line(Text.assemble("Result of the DNS lookups: usable TLSA records at ", base))

    def _address(self, verdict: EndpointVerdict, end: EndpointReport | None, report: HostReport | None) -> None:
        self._line(self._quote(verdict.address, "bold"))
        probes = end.probes if end else ()
        for place, probe in enumerate(probes, 1):
            if len(probes) > 1:
                self._line(f"connection {place} of {len(probes)}, {probe.started:%H:%M:%S} UTC", 4)
            self._probe(probe)
        if end is not None:
            self._chain(sent_chain(end, self._certs), end.dane, report)
        for other in end.algorithms if end else ():
            self._other(other, verdict, report)
        if end is not None and end.pq_probe is not None and end.pq is not None:
            self._line(f"connection for a post-quantum group: {words.POST_QUANTUM[end.pq]}", 4)
            self._probe(end.pq_probe)
        if verdict.pkix_error:
            self._line(Text.assemble("PKIX: ", self._quote(verdict.pkix_error)), 4)
        self._line(
            f"Result: {words.TLS[verdict.tls]} ({verdict.tls}); {words.HOST_DANE[verdict.dane]} ({verdict.dane}).", 4
        )
        self._why(verdict.reasons, 6)

    def _chain(self, chain: Chain, evidence: DaneEvidence | None, report: HostReport | None) -> None:
        for depth, cert in enumerate(chain):
            until = f", valid until {cert.not_after:%Y-%m-%d}" if cert.not_after else ""
            self._line(Text.assemble(f"certificate {depth}: ", self._quote(cert.subject), until), 4)
        if report is not None and chain:
            for finding in search(report.tlsa.records, chain, self._sightings.get(report.host, {})):
                self._line(self._quote(finding.words, limit=LONG), 4)
        for error in evidence.errors if evidence is not None else ():
            self._line(Text.assemble("DANE: ", self._quote(f"{error.text} (depth {error.depth})")), 4)

    def _other(self, other: AlgorithmReport, verdict: EndpointVerdict, report: HostReport | None) -> None:
        self._line(f"connection for a certificate with another key ({other.alg}): {words.SERVED[other.served]}", 4)
        self._probe(other.probe)
        self._chain(other_chain(other, self._certs), other.dane, report)
        if other.alg in verdict.algorithms:
            found = verdict.algorithms[other.alg]
            self._line(f"Result for the {other.alg} certificate: {words.HOST_DANE[found]} ({found}).", 4)

    def _probe(self, probe: Probe) -> None:
        if probe.banner is not None:
            banner = f"{probe.banner.code} {' / '.join(probe.banner.lines)}"
            self._line(Text.assemble("greeting ", said(self._console, banner)), 4)
        self._line(f"STARTTLS {probe.starttls}", 4)
        if (handshake := probe.handshake) is not None:
            parts = (handshake.version, handshake.cipher, handshake.group, handshake.signature)
            sni = f", SNI {handshake.sni}" if handshake.sni else ", without SNI"
            hello = ", after a second ClientHello" if handshake.retried else ""
            self._line(self._quote(", ".join(part for part in parts if part) + sni + hello), 4)
        if (failure := probe.failure) is not None:
            code = f" {failure.code}" if failure.code is not None else ""
            text = f"failed in phase {failure.phase}: {failure.kind}{code} "
            self._line(Text.assemble(text, said(self._console, failure.text) if failure.text else ""), 4)

    def _host_verdict(self, host: HostVerdict, report: HostReport | None) -> None:
        vote = "counts" if host.votes else "does not count"
        dane = f"{words.HOST_DANE[host.dane]} ({host.dane})"
        self._line(f"This host {vote} in the verdict of the domain: {dane}, STARTTLS {host.starttls}.")
        self._why(host.reasons, 2)
        if host.dane in (Dane.MISMATCH, Dane.NO_TLS, Dane.LOOKUP_FAILED, Dane.UNUSABLE) or host.sender not in _GOOD:
            reasons = {*host.reasons, *(code for endpoint in host.endpoints for code in endpoint.reasons)}
            sightings = self._sightings.get(host.host, {})
            self._remedy(explain(HostCase(host.host, host.dane, sorted(reasons), report, self._certs, sightings)))

    def _remedy(self, explanation: Explanation) -> None:
        self._line(Text.assemble(("Cause: ", "bold"), self._quote(explanation.sentence, limit=LONG)))
        self._line(Text.assemble(("Remedy: ", "bold"), self._quote(explanation.fix, limit=LONG)))
        for record in explanation.records:
            one_line(self._console, self._quote(record, "green", tlsa.RECORD), 4)
        if explanation.alternative:
            self._line(Text("or instead:", "bold"))
            one_line(self._console, self._quote(explanation.alternative, "green", tlsa.RECORD), 4)

    def _summary(self, record: DomainRecord) -> None:
        verdict = record.verdict
        for host in record.hosts:
            does = words.SENDER[host.sender] if host.sender in _GOOD else f"skips this host ({host.sender})"
            self._line(Text.assemble(f"{host.preference:>3} ", self._quote(host.host), f": a sender {does}"))
        self._line(f"Delivery: {words.OUTCOME[verdict.outcome]} ({verdict.outcome}).")
        if verdict.outcome is not DomainOutcome.NO_MAIL:
            self._line(f"STARTTLS: {words.DOMAIN_STARTTLS[verdict.starttls]} ({verdict.starttls}).")
        if verdict.dane is not DomainDane.NO_MAIL:
            self._line(f"DANE: {words.DOMAIN_DANE[verdict.dane]} ({verdict.dane}).")
        if verdict.sts is not None:
            self._line(f"MTA-STS: {words.DOMAIN_STS[verdict.sts]} ({verdict.sts}).")
        for what, sender in (("MTA-STS only", verdict.sender_sts), ("DANE and MTA-STS", verdict.sender_both)):
            if sender is not None:
                self._line(f"A sender that uses {what} {words.SENDER[sender]} ({sender}).")
        if verdict.mechanism is not None:
            self._line(f"Protection: {words.MECHANISM[verdict.mechanism]} ({verdict.mechanism}).")
        self._why(verdict.reasons, 4)
        if verdict.tlsrpt:
            self._line(f"TLSRPT result types: {', '.join(verdict.tlsrpt)}.")

    # --- parts ------------------------------------------------------------------------------------------------

    def _answer(self, answer: Answer) -> None:
        what = Text.assemble(self._quote(answer.name), f" {answer.rtype}: ")
        if answer.outcome is Outcome.DATA:
            what.append_text(self._quote(", ".join(tlsa.record_texts(answer)), limit=LONG))
        else:
            what.append(_OUTCOME[answer.outcome])
        what.append(f"; {words.SECURITY[answer.security]}")
        if answer.error:
            what.append("; ").append_text(self._quote(answer.error))
        self._line(what)
        for alias in answer.aliases:
            step = Text.assemble("alias ", self._quote(alias.owner), " -> ", self._quote(alias.target))
            self._line(step.append(f" ({words.SECURITY[alias.security]})"), 4)

    def _why(self, reasons: Iterable[str], indent: int) -> None:
        for reason in reasons:
            self._line(Text.assemble(words.of_reason(reason), (f" ({reason})", "dim")), indent)

    def _quote(self, text: str, style: str = "", limit: int = 300) -> Text:
        return quote(self._console, text, style, limit)

    def _line(self, text: Text | str, indent: int = 2) -> None:
        """Print a text; a text that is longer than a terminal line continues with the same indentation."""
        shown = Text(text) if isinstance(text, str) else text
        self._console.print(Padding(shown, (0, 0, 0, indent), expand=False))
