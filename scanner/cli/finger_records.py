"""``mxsweep finger --json``: the run of finger as one JSON line with the records that ``scan`` writes.

With ``--json``, finger makes the same connections as without ``--json``. The record does not contain the addresses
after the first address that accepted a connection, because finger does not connect to them. The field ``dane`` is
``unknown`` at TLS security levels that do not use TLSA records. The field ``tls`` is the TLS status in the summary line
of finger, which depends on the options ``-A -M -d -f -s`` and match arguments. At the TLS security level ``none``,
finger requests no TLS, so that the session is always clear text. At the TLS security levels ``fingerprint``, ``verify``
and ``secure``, mail would be sent only to a verified peer.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from results.store.line_sink import LineSink
from scanner.cli.console import json_stream
from scanner.core import post_quantum, rollup, verdict
from scanner.facts import CertFacts, Endpoint, Probe, TLSALookup
from scanner.finger.addresses import HostAddress
from scanner.finger.finger_run import FingerRun, TriedAddress
from scanner.finger.logged_probe import mode_of
from scanner.finger.options import Fatal
from scanner.finger.preparation import Setup
from scanner.finger.tls_offer import OfferError, profile
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
from scanner.vocabulary import Dane, Level, PostQuantum, Sender, Served, StartTLS, TLSState

_PROVEN = (Level.FINGERPRINT, Level.VERIFY, Level.SECURE)
"""TLS security levels at which only a verified peer gets mail, regardless of TLSA records."""

_NOT_ASKED = TLSALookup("", (), Dane.UNKNOWN, None)


def check(setup: Setup) -> None:
    """Check that finger can offer TLS, unless the level is ``none``.

    If finger cannot offer TLS, the record would describe a fault of this client instead of the server.

    Raises:
        Fatal: an error in a setting disabled TLS, or the cipher grade (``-g``) or the protocols (``-p``) cannot be
            offered.
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


def print_record(run: FingerRun) -> None:
    """Print the record of a finished run of ``mxsweep finger`` as one JSON line on stdout."""
    record, reports, certs = record_of(run)
    with LineSink(json_stream()) as sink:
        sink.put_domain(record, reports, certs)


def record_of(run: FingerRun) -> tuple[DomainRecord, tuple[HostReport, ...], dict[str, CertFacts]]:
    """Return the record of a run of ``mxsweep finger`` with the host reports and certificates that the record names."""
    options = run.options
    way = run.found.route or Route(())
    observed_at = datetime.now(UTC)
    by_host = groupby(run.tried, key=lambda one: (one.address.host, one.address.port))
    pairs = [_host(run, list(tried), observed_at) for _, tried in by_host]
    pairs += [_lost_host(run, hop, observed_at) for hop in _without_address(run, way)]
    hosts = tuple(verdict_ for _, verdict_ in pairs)
    seen = [cert for one in run.tried if one.probe is not None for cert in one.probe.chain]
    record = DomainRecord(
        key=options.destination.key,
        target=TargetInfo(options.destination.raw, "finger", 1),
        route=way,
        hosts=hosts,
        verdict=rollup.judge_domain(options.level, way, hosts),
        observed_at=observed_at,
    )
    return record, tuple(report for report, _ in pairs), {cert.sha256: cert for cert in seen}


def _without_address(run: FingerRun, way: Route) -> list[RouteHost]:
    """Return the MX hosts of the destination for which finger found no address."""
    found = {host_address.host for host_address in run.found.addresses}
    return [hop for hop in way.hosts if hop.host not in found]


def _lost_host(run: FingerRun, hop: RouteHost, observed_at: datetime) -> tuple[HostReport, HostVerdict]:
    host_address = HostAddress(hop.host, hop.host, "", run.options.destination.port, hop.preference)
    report = _report(run, host_address, _NOT_ASKED, (), observed_at)
    view = verdict.View(run.options.level, run.peer(host_address), _NOT_ASKED)
    return report, rollup.judge_host(hop.preference, view, report, ())


def _host(run: FingerRun, tried: Sequence[TriedAddress], observed_at: datetime) -> tuple[HostReport, HostVerdict]:
    """Return the report and the verdict of one host, based on the addresses of the host that finger tried."""
    host_address, options = tried[0].address, run.options
    lookup = tried[0].lookup or _NOT_ASKED
    probed = [one for one in tried if one.probe is not None or one.failure is not None]
    endpoints = tuple(_endpoint(run, one, observed_at) for one in probed)
    shunned = lookup.reason if lookup.dane is Dane.LOOKUP_FAILED else None
    skipped = tuple(Skipped(one.address.address, shunned) for one in tried) if shunned else ()
    report = _report(run, host_address, lookup, endpoints, observed_at, skipped)
    view = verdict.View(_judged_at(options.level, tried[0]), run.peer(host_address), lookup)
    verdicts = [_verdict(view, one, each) for one, each in zip(probed, report.endpoints, strict=True)]
    judged = rollup.judge_host(host_address.preference, view, report, verdicts)
    return report, _deferred(judged, lookup) if shunned else judged


def _deferred(host: HostVerdict, lookup: TLSALookup) -> HostVerdict:
    """Return the verdict of a host whose TLSA lookup failed: a sender defers mail (RFC 7672 section 2.1)."""
    return replace(
        host,
        dane=Dane.LOOKUP_FAILED,
        sender=Sender.DEFER,
        votes=True,
        conclusive=lookup.reason is Reason.TLSA_BOGUS,
    )


def _report(
    run: FingerRun,
    host_address: HostAddress,
    lookup: TLSALookup,
    endpoints: tuple[EndpointReport, ...],
    observed_at: datetime,
    skipped: tuple[Skipped, ...] = (),
) -> HostReport:
    mode = mode_of(run.options)
    return HostReport(
        key=f"{host_address.host}:{host_address.port}/{mode}",
        host=host_address.host,
        port=host_address.port,
        mode=mode,
        a=run.answers.get((host_address.host, "A")),
        aaaa=run.answers.get((host_address.host, "AAAA")),
        tlsa=lookup,
        endpoints=endpoints,
        skipped=skipped,
        observed_at=observed_at,
    )


def _judged_at(asked: Level, one: TriedAddress) -> Level:
    """Return the security level at which the verdict is determined: the requested level, unless ``-M`` lowers it."""
    rule = one.rule
    by_policy = rule is not None and rule.level in (Level.MAY, Level.ENCRYPT) and bool(rule.note)
    return rule.level if rule is not None and by_policy and not rule.check_names else asked


def _endpoint(run: FingerRun, one: TriedAddress, observed_at: datetime) -> EndpointReport:
    probe = one.probe
    if probe is None or probe.result is None:
        host_address, options = one.address, run.options
        sni = one.rule.sni if one.rule else None
        endpoint = Endpoint(host_address.address, host_address.port, sni, mode_of(options), "finger")
        unconnected = Probe(endpoint, observed_at, {}, StartTLS.UNKNOWN, failure=one.failure)
        return EndpointReport(host_address.address, (unconnected,), pq=PostQuantum.UNKNOWN, pq_signature=Served.UNKNOWN)
    evidence, made = probe.evidence, probe.result.probe
    return EndpointReport(
        one.address.address,
        (made,),
        dane=evidence if isinstance(evidence, DaneEvidence) else None,
        pkix=evidence if isinstance(evidence, PkixEvidence) else None,
        pq=post_quantum.readiness(made),
        pq_signature=post_quantum.signature(made, ()),
    )


def _verdict(view: verdict.View, one: TriedAddress, report: EndpointReport) -> EndpointVerdict:
    """Return the verdict of an address under the TLS policy of this run; finger has more policy options than a scan."""
    probe = one.probe
    if probe is None:
        return verdict.judge(view, report, {})
    plain = verdict.judge(view, report, {cert.sha256: cert for cert in probe.chain})
    word = probe.judgement.word if probe.judgement is not None else plain.tls
    if view.asked is Level.NONE:
        word = TLSState.CLEARTEXT if probe.succeeded else TLSState.UNKNOWN
    sender = plain.sender
    if view.asked in _PROVEN:
        sender = Sender.VERIFIED if word is TLSState.VERIFIED and verdict.usable(report.probes[0]) else Sender.DEFER
    elif view.asked is Level.NONE:
        sender = Sender.CLEARTEXT if probe.succeeded else Sender.DEFER
    reasons = plain.reasons
    if view.asked is Level.NONE:
        reasons = tuple(reason for reason in reasons if reason is not Reason.STARTTLS_NOT_OFFERED)
    return replace(plain, tls=word, sender=sender, level=probe.rule.level, reasons=reasons)
