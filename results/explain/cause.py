"""The explanation of an MX host's verdict: the cause as one sentence, the remedy, and the TLSA records to publish.

The functions of this module are pure and return sentences and lines of a zone file. Names, replies and certificate
subjects come from servers and zones and are not escaped in this module; each output format has to escape them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from results.count.main_reason import BY_DANE, main_reason
from results.explain.case import HostCase
from results.explain.remedies import remedy_of
from results.explain.tlsa_cause import Cause, RecordFinding, search
from results.explain.tlsa_fix import NAMES, alternative_record, fix_text, records_to_publish
from results.render import words
from scanner.core.matching import presented_names
from scanner.facts import Answer, Probe, Reply
from scanner.model import HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Security


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cause of an MX host's verdict, and the remedy for the cause.

    ``cause`` is a value of ``Cause`` or a reason code. ``records`` contains lines of a zone file that replace the
    present TLSA records. ``alternative`` is a line of a zone file that may be published instead of ``records``, empty
    if no alternative exists. ``reply`` is the reply or error text of the server, TLS library or resolver about the
    failure. ``findings`` contains for each TLSA record the cause of its mismatch.
    """

    cause: str
    sentence: str
    fix: str
    records: tuple[str, ...] = ()
    reply: str = ""
    findings: tuple[RecordFinding, ...] = ()
    alternative: str = ""

    @property
    def new_reply(self) -> str:
        """The text of ``reply``; an empty text if ``sentence`` already contains the text of ``reply``."""
        return "" if self.reply in self.sentence else self.reply


def explain(case: HostCase) -> Explanation:
    """Return the cause of an MX host's failure, and the remedy for the cause."""
    reason = main_reason(case.dane, case.reasons)
    compares = case.dane in (Dane.MISMATCH, Dane.UNUSABLE) and reason != Reason.OTHER_CERTIFICATE_MISMATCH
    findings = _findings(case) if compares else ()
    records = records_to_publish(case) if case.dane in (Dane.MISMATCH, Dane.UNUSABLE) else ()
    cause, sentence, fix = _cause(case, reason, findings)
    reply = reply_of(case.report) or ("" if findings else case.text)
    return Explanation(cause, sentence, fix, records, reply, findings, alternative_record(case, cause, findings))


def reply_of(report: HostReport | None) -> str:
    """Return the text about the failure of a host: from the server, or else from a library or a resolver."""
    if report is None:
        return ""
    probes = [probe for endpoint in report.endpoints for probe in endpoint.probes]
    texts = [*map(_failure, probes), *map(_refusal, probes), *map(_dns_error, _answers(report))]
    return next((text for text in texts if text), "")


# --- the sentence ---------------------------------------------------------------------------------------------


def _cause(case: HostCase, reason: str, findings: Sequence[RecordFinding]) -> tuple[str, str, str]:
    """Return the cause of a failure, the sentence that states the cause, and the remedy."""
    wrong = [finding for finding in findings if finding.cause is not Cause.MATCHES]
    if reason in (Reason.TLSA_MISMATCH, Reason.TLSA_UNUSABLE_USAGE, Reason.TLSA_UNUSABLE_DATA) and wrong:
        return wrong[0].cause, wrong[0].words, fix_text(wrong[0], case)
    if reason == Reason.NAME_MISMATCH:
        return reason, _wrong_name(case), remedy_of(reason)
    return reason, _sentence(reason, _detail(case, reason)), remedy_of(reason)


def _sentence(reason: str, detail: str) -> str:
    text = words.of_reason(reason)
    return f"{text[:1].upper()}{text[1:]}{detail}."


def _wrong_name(case: HostCase) -> str:
    chain = next(case.chains(), ())
    names = presented_names(chain[0]) if chain else ()
    shown = ", ".join(names[:NAMES]) or "no name"
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    base = case.report.tlsa.base_domain if case.report else case.host
    return f"A TLSA record with usage 2 matches the issuer, but the certificate is for {shown}{more}, not for {base}."


def _detail(case: HostCase, reason: str) -> str:
    """Return details of a host's failure as text, which is appended to the general sentence of the reason code."""
    if reason == Reason.OTHER_CERTIFICATE_MISMATCH:
        return _others(case)
    if reason in (Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID):
        return _dates(case, reason)
    if reason in BY_DANE[Dane.MISMATCH]:
        return "".join(f" ({error.text}, {error.subject})" for error in list(case.path_errors())[:1])
    if reason in BY_DANE[Dane.LOOKUP_FAILED] and case.report is not None:
        return next((f": {text}" for text in map(_dns_error, _answers(case.report)) if text), "")
    return ""


def _others(case: HostCase) -> str:
    """Return as text the server's certificates, except the one sent by default, that match no TLSA record."""
    found = dict.fromkeys(f"{alg}: {leaf.subject}" for alg, leaf in case.other_mismatches())
    return f" ({', '.join(list(found)[:NAMES])})" if found else ""


def _dates(case: HostCase, reason: str) -> str:
    certs = {cert.subject: cert for chain in case.chains() for cert in chain}
    for error in case.path_errors():
        cert = certs.get(error.subject)
        when = cert and (cert.not_after if reason == Reason.CERTIFICATE_EXPIRED else cert.not_before)
        if when:
            word = "expired" if reason == Reason.CERTIFICATE_EXPIRED else "becomes valid"
            return f": {error.subject} {word} on {when:%Y-%m-%d %H:%M} UTC, and usage 2 requires a valid certificate"
    return ""


# --- the facts ------------------------------------------------------------------------------------------------


def _findings(case: HostCase) -> tuple[RecordFinding, ...]:
    records = case.report.tlsa.records if case.report else ()
    found = [search(records, chain, case.sightings) for chain in case.failing_chains()]
    return found[0] if found else search(records, (), case.sightings)


def _failure(probe: Probe) -> str:
    failure = probe.failure
    if failure is None or not failure.text:
        return ""
    code = f"{failure.code} " if failure.kind is FailureKind.REJECTED and failure.code else ""
    return code + failure.text


def _refusal(probe: Probe) -> str:
    """Return the reply to STARTTLS, or else the reply to EHLO, of a server without a TLS session.

    The text is empty if the server replied to neither STARTTLS nor EHLO, or if a TLS session exists.
    """
    if probe.handshake is not None:
        return ""
    return _reply(probe.starttls_reply) or _reply(probe.ehlo)


def _reply(reply: Reply | None) -> str:
    return f"{reply.code} {' / '.join(reply.lines)}" if reply is not None else ""


def _answers(report: HostReport) -> Iterator[Answer]:
    yield from (answer for answer in (report.a, report.aaaa) if answer is not None)
    yield from report.tlsa.steps


def _dns_error(answer: Answer) -> str:
    """Return the error of a failed or bogus DNS answer, with the extended DNS errors; empty for other answers."""
    if not answer.error and answer.security is not Security.BOGUS:
        return ""
    extended = [f"EDE {ede.code}{f' {ede.text}' if ede.text else ''}" for ede in answer.ede]
    parts = [answer.error, *(text for text in extended if text not in answer.error)]
    return f"{answer.name} {answer.rtype}: {', '.join(part for part in parts if part)}"
