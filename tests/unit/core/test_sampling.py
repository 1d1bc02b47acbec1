"""Rules of ``--sni-sample``: groups of hosts, clean results, and the comparison of names for a host not probed."""

from dataclasses import replace

import pytest

from scanner.core import judgement, sampling
from scanner.core.sts import host_verdict
from scanner.core.sts.policy_file import Patterns
from scanner.facts import Answer, Failure, Handshake, TLSALookup, TLSARecord
from scanner.model import AlgorithmReport, EndpointReport, HostReport, PathError, Route, RouteHost
from scanner.reasons import Reason
from scanner.settings import Settings
from scanner.vocabulary import (
    CertAlg,
    Dane,
    FailureKind,
    HostSTS,
    Level,
    Outcome,
    Phase,
    Security,
    Sender,
    Served,
    StartTLS,
)
from tests.unit import pki, records
from tests.unit.fakes import LAB_ROOT, OK_RECORD, V4, V4B, WRONG_RECORD, answer, failed
from tests.unit.pki import LEAF, NOW

HOST, OTHER = "mx1.secure.test", "mx2.secure.test"
SAMPLED = Settings(sni_sample=2)
CERTS = {made.facts.sha256: made.facts for made in (LEAF, pki.INTER, pki.ROOT)}
TA_RECORD = pki.tlsa(2, 0, 1, pki.ROOT)


def lookup(*found: TLSARecord, name: str = HOST, dane: Dane | None = None) -> TLSALookup:
    return TLSALookup(name, found or (OK_RECORD,), dane, None)


def group(
    name: str = HOST,
    *,
    port: int = 25,
    at: tuple[str, ...] = (V4,),
    tlsa: TLSALookup | None = None,
    aaaa: Answer | None = None,
    settings: Settings = SAMPLED,
) -> bytes | None:
    answers = (answer(name, "A", *at), aaaa or answer(name, "AAAA", outcome=Outcome.NODATA))
    return sampling.group_of(settings, name, port, answers, at, tlsa or lookup(name=name))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (group(OTHER), True),
        (group(OTHER, tlsa=lookup(OK_RECORD, WRONG_RECORD, name=OTHER)), False),
        (group(OTHER, tlsa=lookup(WRONG_RECORD, name=OTHER)), False),
        (group(OTHER, at=(V4B,)), False),
        (group(OTHER, at=(V4, V4B)), False),
        (group(OTHER, port=2525), False),
    ],
    ids=["same", "more-records", "other-record", "other-address", "more-addresses", "other-port"],
)
def test_hosts_with_the_same_addresses_port_and_records_are_a_group(other: bytes | None, same: bool) -> None:  # noqa: FBT001 - table
    assert (group() == other) is same


def test_the_order_of_records_does_not_matter() -> None:
    assert group(tlsa=lookup(OK_RECORD, WRONG_RECORD)) == group(tlsa=lookup(WRONG_RECORD, OK_RECORD))


@pytest.mark.parametrize("dane", Dane)
def test_a_host_whose_verdict_follows_from_dns_is_probed(dane: Dane) -> None:
    assert group(tlsa=lookup(dane=dane)) is None


def test_a_host_with_a_failed_address_lookup_is_probed() -> None:
    assert group(aaaa=failed(HOST, "AAAA")) is None


# --- clean results --------------------------------------------------------------------------------------------


SHAKE = records.handshake(chain=tuple(CERTS), signature="ecdsa_secp256r1_sha256")


def address(record: TLSARecord = OK_RECORD, shake: Handshake = SHAKE, failure: Failure | None = None) -> EndpointReport:
    """Return the report of an address that sent the chain of the lab, with DANE evidence."""
    report = EndpointReport(V4, (records.probe(handshake=shake, failure=failure),))
    return judgement.with_dane(report, tuple(CERTS.values()), lookup(record), NOW)


REFUSED = Failure(Phase.HANDSHAKE, FailureKind.TLS, text="sslv3 alert handshake failure")


def other(served: Served, record: TLSARecord = OK_RECORD) -> EndpointReport:
    """Return the report of an address that was also asked for a certificate with an RSA key."""
    whole = address()
    probe = records.probe(handshake=None, failure=REFUSED) if served is Served.NO else whole.probes[0]
    report = AlgorithmReport(CertAlg.RSA, served, probe)
    if served is Served.YES:
        report = judgement.with_dane(report, tuple(CERTS.values()), lookup(record), NOW)
    return replace(whole, algorithms=(report,))


QUIT = Failure(Phase.QUIT, FailureKind.TIMEOUT)


@pytest.mark.parametrize(
    ("report", "clean"),
    [
        (address(), True),
        (address(TA_RECORD), True),
        (address(WRONG_RECORD), False),
        (replace(address(), dane=None), False),
        (replace(address(), probes=address().probes * 2), False),  # a second reading
        (address(failure=QUIT), False),
        (EndpointReport(V4, (records.probe(handshake=None, starttls=StartTLS.NOT_OFFERED, failure=None),)), False),
        (other(Served.YES), True),
        (other(Served.NO), True),
        (other(Served.UNKNOWN), False),
        (other(Served.YES, WRONG_RECORD), False),
    ],
)
def test_a_result_is_clean_if_every_certificate_matches_at_the_first_connection(
    report: EndpointReport,
    clean: bool,  # noqa: FBT001 - table
) -> None:
    assert (sampling.clean_result([report]) is not None) is clean
    assert sampling.clean_result([address(), report]) is None or clean


def test_a_host_without_a_probed_address_is_not_clean() -> None:
    assert sampling.clean_result([]) is None


def test_equal_results_have_the_same_chain_and_session() -> None:
    first = sampling.clean_result([address()])
    assert first == sampling.clean_result([address()])
    assert first != sampling.clean_result([address(shake=replace(SHAKE, version="TLSv1.2"))])
    assert first != sampling.clean_result([address(shake=replace(SHAKE, chain=(*CERTS, *CERTS)))])


# --- the hosts that a sample represents -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "name", "named", "holds"),
    [
        (OK_RECORD, OTHER, None, True),  # RFC 7672 section 3.1.1: no name
        (TA_RECORD, HOST, None, True),
        (TA_RECORD, OTHER, None, False),  # RFC 7672 section 3.1.2
        (OK_RECORD, OTHER, OTHER, False),  # RFC 8461 section 4.2
        (OK_RECORD, OTHER, HOST, True),
    ],
)
def test_names_are_compared_with_the_identifiers_of_the_host(
    record: TLSARecord,
    name: str,
    named: str | None,
    holds: bool,  # noqa: FBT001 - table
) -> None:
    assert sampling.represents([address(record)], CERTS, lookup(record, name=name), named) is holds


def test_the_certificates_with_other_keys_are_compared_too() -> None:
    whole = other(Served.YES, TA_RECORD)
    assert sampling.represents([whole], CERTS, lookup(OK_RECORD, TA_RECORD, name=HOST), None)
    assert not sampling.represents([whole], CERTS, lookup(OK_RECORD, TA_RECORD, name=OTHER), None)


def test_without_the_certificate_nothing_holds() -> None:
    assert not sampling.represents([address()], {}, lookup(), None)


# --- verdicts -------------------------------------------------------------------------------------------------

WAY = Route((RouteHost(OTHER, 10),), answer("d.test", "MX", f"10 {OTHER}"), names=("d.test",))
EXPIRED = (PathError(10, 0, "certificate has expired"),)


def inferred(report: EndpointReport, record: TLSARecord = OK_RECORD) -> HostReport:
    return replace(
        records.report(),
        host=OTHER,
        tlsa=lookup(record, name=OTHER),
        endpoints=(report,),
        skipped=(),
        inferred={"from": f"{HOST}:25/smtp"},
    )


@pytest.mark.parametrize("level", [Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE])
@pytest.mark.parametrize(
    "report",
    [
        inferred(address(TA_RECORD), TA_RECORD),  # the certificate is for another name
        inferred(address(WRONG_RECORD), WRONG_RECORD),
        inferred(replace(address(), dane=replace(address().dane, errors=EXPIRED))),  # type: ignore[type-var]
        inferred(other(Served.YES, WRONG_RECORD), WRONG_RECORD),
    ],
)
def test_a_host_that_was_not_probed_never_fails(report: HostReport, level: Level) -> None:
    """Such a result appears if the verdict is computed for another date or level; what was not seen is unknown."""
    found = judgement.judge_host(level, "d.test", WAY, WAY.hosts[0], report, CERTS)
    assert (found.dane, found.sender) == (Dane.UNKNOWN, Sender.UNKNOWN)
    assert {*found.reasons} == {Reason.INFERRED_FROM_SAMPLE}
    assert Dane.MISMATCH not in {*found.endpoints[0].algorithms.values()}
    seen = judgement.judge_host(level, "d.test", WAY, WAY.hosts[0], replace(report, inferred=None), CERTS)
    assert seen.dane is Dane.MISMATCH


def test_a_host_that_was_not_probed_has_the_verdict_of_the_sample_and_a_reason() -> None:
    found = judgement.judge_host(Level.DANE, "d.test", WAY, WAY.hosts[0], inferred(address()), CERTS)
    assert (found.dane, found.sender, found.reasons) == (Dane.OK, Sender.VERIFIED, (Reason.INFERRED_FROM_SAMPLE,))


def test_an_insecure_mx_is_known_without_a_probe() -> None:
    """At level dane-only a sender defers because of the MX RRset, which was seen."""
    mx = answer("d.test", "MX", f"10 {OTHER}", security=Security.INSECURE)
    found = judgement.judge_host(
        Level.DANE_ONLY, "d.test", replace(WAY, mx=mx), WAY.hosts[0], inferred(address()), CERTS
    )
    assert (found.dane, found.sender) == (Dane.OK, Sender.DEFER)


def test_a_policy_of_mta_sts_is_not_broken_by_a_host_that_was_not_probed() -> None:
    """The certificate of the sample is not for this host (RFC 8461 section 4.2); a pattern needs no probe."""
    report = inferred(judgement.with_pkix(address(), tuple(CERTS.values()), LAB_ROOT, NOW))
    matching, not_matching = Patterns((OTHER,)), Patterns(("mx9.secure.test",))
    assert host_verdict.judge_host(matching, replace(report, inferred=None), CERTS) is HostSTS.NAME_MISMATCH
    assert host_verdict.judge_host(matching, report, CERTS) is HostSTS.UNKNOWN
    assert host_verdict.judge_host(not_matching, report, CERTS) is HostSTS.PATTERN_MISMATCH
    assert host_verdict.sender_enforcing(HostSTS.UNKNOWN, report) is Sender.UNKNOWN
