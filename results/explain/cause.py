"""Why a verdict is what it is, in one plain sentence, and what would mend it.

Pure: records of a run in, sentences and zone lines out. Nothing is escaped: names, replies and subjects are
strangers' words, and whoever prints them has to see to that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from results.count.summary import last_handshake
from results.explain.remedies import remedy_of
from results.explain.tlsa_cause import Cause, Finding, SeenCertificate, search
from results.render import words
from scanner.core.matching import presented_names
from scanner.facts import Answer, CertFacts, Probe, Reply
from scanner.model import EndpointReport, HostReport, PathError
from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Security

NAMES = 5  # of a certificate, in a sentence

_BY_DANE: dict[str, tuple[Reason, ...]] = {
    Dane.MISMATCH: (
        Reason.TLSA_MISMATCH,
        Reason.NAME_MISMATCH,
        Reason.CERTIFICATE_EXPIRED,
        Reason.CERTIFICATE_NOT_YET_VALID,
        Reason.CERTIFICATE_NOT_TRUSTED,
        Reason.CERTIFICATE_WEAK,
        Reason.CERTIFICATE_INVALID,
        Reason.NO_CERTIFICATE,
    ),
    Dane.NO_TLS: (
        Reason.EHLO_REJECTED,
        Reason.STARTTLS_NOT_OFFERED,
        Reason.STARTTLS_REFUSED,
        Reason.TLS_ANONYMOUS,
        Reason.TLS_LEGACY_ONLY,
        Reason.TLS_LARGE_HELLO_INTOLERANT,
        Reason.TLS_MESSAGE_TOO_LONG,
        Reason.TLS_HANDSHAKE_FAILED,
    ),
    Dane.LOOKUP_FAILED: (
        Reason.ADDRESS_BOGUS,
        Reason.ADDRESS_LOOKUP_FAILED,
        Reason.TLSA_BOGUS,
        Reason.TLSA_LOOKUP_FAILED,
    ),
    Dane.UNUSABLE: (Reason.TLSA_UNUSABLE_USAGE, Reason.TLSA_UNUSABLE_DATA),
}
"""The reasons that can bring about a verdict, the one that explains most first."""

_IN_PASSING = (
    Reason.SOME_ADDRESSES_UNREACHABLE,
    Reason.SOME_ADDRESSES_INCONCLUSIVE,
    Reason.HOST_UNREACHABLE,
    Reason.LEVEL_NOT_MET,
    Reason.TLSA_NONE,
    Reason.HOST_INSECURE,
    Reason.MX_TARGET_IS_ALIAS,
)
"""Reasons that explain nothing where there is another."""


@dataclass(frozen=True, slots=True)
class Case:
    """An MX host that fails, and what is known of it.

    ``report`` is None where it was never examined. ``certs`` are by SHA-256, ``sightings`` by the data of TLSA records;
    ``text`` is what the verdict quotes.
    """

    host: str
    dane: str
    reasons: Sequence[str]
    report: HostReport | None = None
    certs: Mapping[str, CertFacts] | None = None
    sightings: Mapping[str, SeenCertificate] = field(default_factory=dict)
    text: str = ""

    @property
    def records_data(self) -> set[str]:
        """The data of the host's TLSA records."""
        return {record.data for record in self.report.tlsa.records} if self.report else set()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why, and what to do.

    ``cause`` is a word of ``Cause`` or a reason code. ``records`` are lines for the zone, ready to publish in place
    of those that are there. ``reply`` are the peer's own words, ``findings`` what each TLSA record is.
    """

    cause: str
    sentence: str
    fix: str
    records: tuple[str, ...] = ()
    reply: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def unsaid(self) -> str:
        """The reply, if the sentence does not have it already."""
        return "" if self.reply in self.sentence else self.reply


def explain(case: Case) -> Explanation:
    """Say why an MX host fails and what would mend it."""
    reason = main_reason(case)
    findings = _findings(case) if case.dane in (Dane.MISMATCH, Dane.UNUSABLE) else ()
    records = ready_records(case) if case.dane in (Dane.MISMATCH, Dane.UNUSABLE) else ()
    cause, sentence, fix = _told(case, reason, findings)
    reply = reply_of(case.report) or ("" if findings else case.text)
    return Explanation(cause, sentence, fix, records, reply, findings)


def main_reason(case: Case) -> str:
    """Choose the reason that explains a host's verdict."""
    reasons = set(case.reasons)
    for wanted in _BY_DANE.get(case.dane, ()):
        if wanted in reasons:
            return wanted
    telling = sorted(reasons - set(_IN_PASSING))
    return next(iter(telling or sorted(reasons)), "")


def ready_records(case: Case) -> tuple[str, ...]:
    """Write TLSA records that match what the host shows now, one for each key: ``3 1 1``, which asks for no name.

    Where the key's octets could not be found in a certificate, the record is of the whole certificate.
    """
    lines = (_zone_line(case.report, chain[0]) for chain in _chains(case)) if case.report else ()
    return tuple(dict.fromkeys(lines))


def owner_of(report: HostReport) -> str:
    """Say under which name the host's TLSA records stand, aliases followed."""
    owner = f"_{report.port}._tcp.{report.tlsa.base_domain or report.host}"
    answers = (step for step in report.tlsa.steps if step.name == owner and step.rname)
    return next((step.rname for step in answers), owner)


def reply_of(report: HostReport | None) -> str:
    """Give what the host said when it failed: a reply, else the words of a library or resolver; empty if nothing."""
    if report is None:
        return ""
    probes = [probe for endpoint in report.endpoints for probe in endpoint.probes]
    told = [*map(_failure, probes), *map(_refusal, probes), *map(_dns_words, _answers(report))]
    return next((text for text in told if text), "")


# --- the sentence ---------------------------------------------------------------------------------------------


def _told(case: Case, reason: str, findings: Sequence[Finding]) -> tuple[str, str, str]:
    """Give the cause, the sentence and the fix."""
    wrong = [finding for finding in findings if finding.cause is not Cause.MATCHES]
    if reason in (Reason.TLSA_MISMATCH, Reason.TLSA_UNUSABLE_USAGE, Reason.TLSA_UNUSABLE_DATA) and wrong:
        return wrong[0].cause, wrong[0].words, _fix_of(wrong[0], case)
    if reason == Reason.NAME_MISMATCH:
        return reason, _wrong_name(case), remedy_of(reason)
    return reason, _sentence(reason, _detail(case, reason)), remedy_of(reason)


def _sentence(reason: str, detail: str) -> str:
    text = words.of_reason(reason)
    return f"{text[:1].upper()}{text[1:]}{detail}."


def _fix_of(finding: Finding, case: Case) -> str:
    """Say what to do about a record that does not match."""
    chain = next(_chains(case), ())
    if finding.cause is Cause.ISSUER_AS_SERVER and case.report is not None:
        right = f"{owner_of(case.report)}. IN TLSA 2 {finding.selector} {finding.matching_type} {finding.record.data}"
        return (
            "Replace the record by one of the server's key, or say usage 2, which asks that the certificate be in "
            f"date and for the MX host's name: {right}"
        )
    if finding.cause is Cause.PREVIOUS_CERTIFICATE:
        return (
            "Replace the record; before the next rollover, publish the new record beside the old one, wait for the "
            "TTL to pass, and only then change the certificate (RFC 7671 section 8.1)."
        )
    if finding.cause in (Cause.ANCHOR_KNOWN_NOT_SENT, Cause.ANCHOR_NOT_IN_CHAIN):
        return "Let the server send the issuer's certificate along with its own, or replace the record."
    if not chain:
        return "Replace all TLSA records of the host; what certificate the server has was not seen."
    return "Replace all TLSA records of the host by what is given here."


def _wrong_name(case: Case) -> str:
    chain = next(_chains(case), ())
    names = presented_names(chain[0]) if chain else ()
    shown = ", ".join(names[:NAMES]) or "no name"
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    base = case.report.tlsa.base_domain if case.report else case.host
    return f"A record with usage 2 matches the issuer, but the certificate is for {shown}{more}, not for {base}."


def _detail(case: Case, reason: str) -> str:
    """Give what makes a general sentence particular."""
    if reason in (Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID):
        return _dates(case, reason)
    if reason in _BY_DANE[Dane.MISMATCH]:
        return "".join(f" ({error.text}, {error.subject})" for error in list(_path_errors(case))[:1])
    if reason in _BY_DANE[Dane.LOOKUP_FAILED] and case.report is not None:
        return next((f": {text}" for text in map(_dns_words, _answers(case.report)) if text), "")
    return ""


def _dates(case: Case, reason: str) -> str:
    certs = {cert.subject: cert for chain in _chains(case) for cert in chain}
    for error in _path_errors(case):
        cert = certs.get(error.subject)
        when = cert and (cert.not_after if reason == Reason.CERTIFICATE_EXPIRED else cert.not_before)
        if when:
            word = "ended" if reason == Reason.CERTIFICATE_EXPIRED else "begins"
            return f": {error.subject} {word} on {when:%Y-%m-%d %H:%M} UTC, and a record with usage 2 asks for dates"
    return ""


# --- what is looked at ----------------------------------------------------------------------------------------


def _findings(case: Case) -> tuple[Finding, ...]:
    records = case.report.tlsa.records if case.report else ()
    found = [search(records, chain, case.sightings) for chain in _failing_chains(case)]
    return found[0] if found else search(records, (), case.sightings)


def _failing_chains(case: Case) -> Iterator[tuple[CertFacts, ...]]:
    for endpoint, chain in _shown(case):
        if endpoint.dane is None or not endpoint.dane.matched:
            yield chain


def _chains(case: Case) -> Iterator[tuple[CertFacts, ...]]:
    yield from _failing_chains(case)
    for endpoint, chain in _shown(case):
        if endpoint.dane is not None and endpoint.dane.matched:
            yield chain


def _shown(case: Case) -> Iterator[tuple[EndpointReport, tuple[CertFacts, ...]]]:
    """Give each address that showed certificates that are at hand, with them."""
    certs = case.certs or {}
    for endpoint in case.report.endpoints if case.report else ():
        shaken = last_handshake(endpoint.probes)
        chain = tuple(certs[digest] for digest in shaken.chain if digest in certs) if shaken else ()
        if chain:
            yield endpoint, chain


def _path_errors(case: Case) -> Iterable[PathError]:
    endpoints = case.report.endpoints if case.report else ()
    return (error for endpoint in endpoints if endpoint.dane is not None for error in endpoint.dane.errors)


def _zone_line(report: HostReport | None, leaf: CertFacts) -> str:
    owner = owner_of(report) if report else ""
    fields, data = ("3 1 1", leaf.spki_sha256) if leaf.spki_sha256 else ("3 0 1", leaf.sha256)
    return f"{owner}. IN TLSA {fields} {data}"


def _failure(probe: Probe) -> str:
    failure = probe.failure
    if failure is None or not failure.text:
        return ""
    code = f"{failure.code} " if failure.kind is FailureKind.REJECTED and failure.code else ""
    return code + failure.text


def _refusal(probe: Probe) -> str:
    """What a server answered that offers no TLS: its reply to STARTTLS, or to EHLO."""
    if probe.handshake is not None:
        return ""
    return _reply(probe.starttls_reply) or _reply(probe.ehlo)


def _reply(reply: Reply | None) -> str:
    return f"{reply.code} {' / '.join(reply.lines)}" if reply is not None else ""


def _answers(report: HostReport) -> Iterator[Answer]:
    yield from (answer for answer in (report.a, report.aaaa) if answer is not None)
    yield from report.tlsa.steps


def _dns_words(answer: Answer) -> str:
    """What a resolver said of an answer that failed."""
    if not answer.error and answer.security is not Security.BOGUS:
        return ""
    extended = [f"EDE {ede.code}{f' {ede.text}' if ede.text else ''}" for ede in answer.ede]
    parts = [answer.error, *(text for text in extended if text not in answer.error)]
    return f"{answer.name} {answer.rtype}: {', '.join(part for part in parts if part)}"
