"""``mxsweep finger --json``: a session as one record of ``scan``, one JSON line.

The session is the one that prints log lines without ``--json``. What it did not observe has no part in the verdict:
addresses after the first that accepted a connection, and TLSA records at levels that do not use them (``dane`` is then
``unknown``). ``tls`` is the word of the summary line, under all options that affect it (``-A -M -d -f -s``, match
arguments). At level ``none`` clear text is the choice of the user. At ``fingerprint``, as at ``verify`` and ``secure``,
a sender delivers to a verified peer only.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from results.store.writer import LineSink
from scanner.core import rollup, verdict
from scanner.facts import Answer, CertFacts, Endpoint, Probe, TLSALookup
from scanner.finger.addresses import Candidate
from scanner.finger.offer import OfferError, profile
from scanner.finger.options import Fatal
from scanner.finger.session import Attempt, Session
from scanner.finger.setup import Setup
from scanner.finger.visit import mode_of
from scanner.model import (
    DaneEvidence,
    DomainRecord,
    EndpointReport,
    EndpointVerdict,
    HostReport,
    HostVerdict,
    PkixEvidence,
    Route,
    RouteHost,
    Skipped,
    TargetInfo,
)
from scanner.net.tls import context_for
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Sender, StartTLS, TLSState

_PROVEN = (Level.FINGERPRINT, Level.VERIFY, Level.SECURE)
"""Levels at which a sender delivers to a verified peer only, whatever the TLSA records are."""

_NOT_ASKED = TLSALookup("", (), Dane.UNKNOWN, None)


def check(setup: Setup) -> None:
    """Check that TLS can be observed: without it, a record would wrongly report a server without TLS.

    Raises:
        Fatal: TLS was disabled by an error, or ``-g`` and ``-p`` leave nothing to offer.
    """
    options = setup.options
    if options.level is Level.NONE:
        return
    if not setup.tls:
        raise Fatal("no record without TLS")
    try:
        context_for(profile(options.grade, options.protocols, options.parameters, must_match=options.level.must_match))
    except OfferError as error:
        raise Fatal(str(error)) from None
    except ValueError:
        raise Fatal(f'error setting cipher grade: "{options.grade}"') from None


def print_record(session: Session) -> None:
    """Print the record of a finished session."""
    record, reports, certs = record_of(session)
    with LineSink(sys.stdout.buffer) as sink:
        sink.put_domain(record, reports, certs)


def record_of(session: Session) -> tuple[DomainRecord, tuple[HostReport, ...], dict[str, CertFacts]]:
    """Return the record of a session with the host reports and certificates that it refers to."""
    options = session.options
    way = session.found.route or Route(())
    observed_at = datetime.now(UTC)
    by_host = groupby(session.attempts, key=lambda attempt: (attempt.candidate.host, attempt.candidate.port))
    pairs = [_host(session, list(attempts), observed_at) for _, attempts in by_host]
    pairs += [_lost_host(session, hop, observed_at) for hop in _without_address(session, way)]
    hosts = tuple(verdict_ for _, verdict_ in pairs)
    seen = [cert for attempt in session.attempts if attempt.visit is not None for cert in attempt.visit.chain]
    record = DomainRecord(
        key=options.destination.key,
        target=TargetInfo(options.destination.raw, "finger", 1),
        route=way,
        hosts=hosts,
        verdict=rollup.judge_domain(options.level, way, hosts),
        observed_at=observed_at,
    )
    return record, tuple(report for report, _ in pairs), {cert.sha256: cert for cert in seen}


def _without_address(session: Session, way: Route) -> list[RouteHost]:
    """Return the hosts without an address."""
    found = {candidate.host for candidate in session.found.candidates}
    return [hop for hop in way.hosts if hop.host not in found]


def _lost_host(session: Session, hop: RouteHost, observed_at: datetime) -> tuple[HostReport, HostVerdict]:
    candidate = Candidate(hop.host, hop.host, "", session.options.destination.port, hop.preference)
    report = _report(session, candidate, _NOT_ASKED, (), observed_at)
    view = verdict.View(session.options.level, session.peer(candidate), _NOT_ASKED)
    return report, rollup.judge_host(hop.preference, view, report, ())


def _host(session: Session, attempts: Sequence[Attempt], observed_at: datetime) -> tuple[HostReport, HostVerdict]:
    """Return the report and the verdict of a host from the attempts to connect to it."""
    candidate, options = attempts[0].candidate, session.options
    lookup = attempts[0].lookup or _NOT_ASKED
    tried = [attempt for attempt in attempts if attempt.visit is not None or attempt.failure is not None]
    endpoints = tuple(_endpoint(session, attempt, observed_at) for attempt in tried)
    shunned = lookup.reason if lookup.dane is Dane.LOOKUP_FAILED else None
    skipped = tuple(Skipped(attempt.candidate.address, shunned) for attempt in attempts) if shunned else ()
    report = _report(session, candidate, lookup, endpoints, observed_at, skipped)
    view = verdict.View(_judged_at(options.level, attempts[0]), session.peer(candidate), lookup)
    verdicts = [_verdict(view, attempt, each) for attempt, each in zip(tried, report.endpoints, strict=True)]
    judged = rollup.judge_host(candidate.preference, view, report, verdicts)
    return report, _deferred(judged, lookup) if shunned else judged


def _deferred(host: HostVerdict, lookup: TLSALookup) -> HostVerdict:
    """Return the verdict for a failed TLSA lookup: a sender does not connect and defers (RFC 7672 section 2.1)."""
    return replace(
        host,
        dane=Dane.LOOKUP_FAILED,
        sender=Sender.DEFER,
        votes=True,
        conclusive=lookup.reason is Reason.TLSA_BOGUS,
    )


def _report(
    session: Session,
    candidate: Candidate,
    lookup: TLSALookup,
    endpoints: tuple[EndpointReport, ...],
    observed_at: datetime,
    skipped: tuple[Skipped, ...] = (),
) -> HostReport:
    mode = mode_of(session.options)
    return HostReport(
        key=f"{candidate.host}:{candidate.port}/{mode}",
        host=candidate.host,
        port=candidate.port,
        mode=mode,
        a=_answer(session, candidate.host, "A"),
        aaaa=_answer(session, candidate.host, "AAAA"),
        tlsa=lookup,
        endpoints=endpoints,
        skipped=skipped,
        observed_at=observed_at,
    )


def _answer(session: Session, host: str, rtype: str) -> Answer | None:
    return session.answers.get((host, rtype))


def _judged_at(asked: Level, attempt: Attempt) -> Level:
    """Return the level that applies to an attempt: at an insecure MX RRset, ``-M`` may lower dane to may or encrypt."""
    rule = attempt.rule
    by_policy = rule is not None and rule.level in (Level.MAY, Level.ENCRYPT) and bool(rule.note)
    return rule.level if rule is not None and by_policy and not rule.check_names else asked


def _endpoint(session: Session, attempt: Attempt, observed_at: datetime) -> EndpointReport:
    visit = attempt.visit
    if visit is None or visit.sighting is None:
        candidate, options = attempt.candidate, session.options
        sni = attempt.rule.sni if attempt.rule else None
        endpoint = Endpoint(candidate.address, candidate.port, sni, mode_of(options), "finger")
        probe = Probe(endpoint, observed_at, {}, StartTLS.UNKNOWN, failure=attempt.failure)
        return EndpointReport(candidate.address, (probe,))
    evidence = visit.evidence
    return EndpointReport(
        attempt.candidate.address,
        (visit.sighting.probe,),
        dane=evidence if isinstance(evidence, DaneEvidence) else None,
        pkix=evidence if isinstance(evidence, PkixEvidence) else None,
    )


def _verdict(view: verdict.View, attempt: Attempt, report: EndpointReport) -> EndpointVerdict:
    """Return the verdict on an address under the options of the session, which has more of them than a scan."""
    visit = attempt.visit
    if visit is None:
        return verdict.judge(view, report, {})
    plain = verdict.judge(view, report, {cert.sha256: cert for cert in visit.chain})
    word = visit.judgement.word if visit.judgement is not None else plain.tls
    if view.asked is Level.NONE:
        word = TLSState.CLEARTEXT if visit.succeeded else TLSState.UNKNOWN
    sender = plain.sender
    if view.asked in _PROVEN:
        sender = Sender.VERIFIED if word is TLSState.VERIFIED and verdict.usable(report.probes[0]) else Sender.DEFER
    elif view.asked is Level.NONE:
        sender = Sender.CLEARTEXT if visit.succeeded else Sender.DEFER
    reasons = plain.reasons
    if view.asked is Level.NONE:
        reasons = tuple(reason for reason in reasons if reason is not Reason.STARTTLS_NOT_OFFERED)
    return replace(plain, tls=word, sender=sender, level=visit.rule.level, reasons=reasons)
