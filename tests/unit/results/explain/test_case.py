"""The facts of a failing MX host: the chain of each address, and which addresses match (RFC 7671 section 5)."""

import pytest

from results.explain.case import HostCase, sent_chain
from scanner.facts import Probe, TLSALookup
from scanner.model import DaneEvidence, EndpointReport, PathError
from scanner.vocabulary import Dane
from tests.unit import records
from tests.unit.pki import CHAIN, INTER, LEAF, ROOT, Made, chain, tlsa

BY_SHA = {cert.sha256: cert for cert in chain(*CHAIN)}
LEAF_SHA, INTER_SHA, ROOT_SHA = BY_SHA
EXPIRED = PathError(10, 0, "certificate has expired")
NO_MATCH = PathError(65, 0, "no matching DANE TLSA records")

MATCHED = records.evidence()
MISMATCHED = records.evidence(record=None, depth=-1, errors=(NO_MATCH,))
MATCHED_BUT_EXPIRED = records.evidence(errors=(EXPIRED,))


def shaken(*digests: str) -> Probe:
    return records.probe(handshake=records.handshake(chain=digests))


def address(dane: DaneEvidence | None, *digests: str) -> EndpointReport:
    return EndpointReport("192.0.2.1", (shaken(*digests),), dane)


def case(*endpoints: EndpointReport) -> HostCase:
    lookup = TLSALookup("mx1.example", (tlsa(3, 1, 1, LEAF), tlsa(2, 0, 1, ROOT)), dane=None, reason=None)
    report = records.report(tlsa=lookup, endpoints=endpoints, skipped=())
    return HostCase("mx1.example", Dane.MISMATCH, ("tlsa-mismatch",), report, BY_SHA)


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        ((shaken(LEAF_SHA, INTER_SHA),), (LEAF, INTER)),
        ((shaken(INTER_SHA, LEAF_SHA),), (INTER, LEAF)),  # as sent, even in a wrong order
        ((shaken(LEAF_SHA, "00" * 32),), ()),  # the run lacks a certificate
        ((shaken(),), ()),  # an anonymous session
        ((records.refused(),), ()),
        ((), ()),
    ],
)
def test_the_chain_is_sent_whole_or_counts_as_none(probes: tuple[Probe, ...], expected: tuple[Made, ...]) -> None:
    assert sent_chain(EndpointReport("192.0.2.1", probes), BY_SHA) == chain(*expected)


@pytest.mark.parametrize(
    ("endpoints", "failing", "every"),
    [
        ((address(MATCHED, LEAF_SHA),), [], [LEAF]),
        ((address(MISMATCHED, LEAF_SHA),), [LEAF], [LEAF]),
        ((address(MATCHED_BUT_EXPIRED, LEAF_SHA),), [LEAF], [LEAF]),
        ((address(None, LEAF_SHA),), [LEAF], [LEAF]),  # not compared
        ((address(MATCHED, LEAF_SHA), address(MISMATCHED, INTER_SHA)), [INTER], [INTER, LEAF]),
        ((address(MISMATCHED), address(MISMATCHED, ROOT_SHA)), [ROOT], [ROOT]),  # the first sent no chain
        ((), [], []),
    ],
)
def test_chains_of_failing_addresses_come_first(
    endpoints: tuple[EndpointReport, ...], failing: list[Made], every: list[Made]
) -> None:
    found = case(*endpoints)
    assert [first for first, *_ in found.failing_chains()] == [*chain(*failing)]
    assert [first for first, *_ in found.chains()] == [*chain(*every)]


def test_path_errors_of_every_address_with_evidence() -> None:
    ends = (address(MATCHED_BUT_EXPIRED, LEAF_SHA), address(None), address(MATCHED), address(MISMATCHED))
    assert list(case(*ends).path_errors()) == [EXPIRED, NO_MATCH]


def test_the_data_of_the_published_records() -> None:
    assert case().records_data == {LEAF.facts.spki_sha256, ROOT.facts.sha256}


def test_a_host_that_was_not_examined_has_no_facts() -> None:
    unseen = HostCase("mx1.example", Dane.NONE, ("mx-target-nxdomain",))
    assert unseen.records_data == set()
    assert not [*unseen.chains(), *unseen.failing_chains(), *unseen.path_errors()]


def test_a_run_without_certificates_has_no_chains() -> None:
    report = records.report(endpoints=(address(MISMATCHED, LEAF_SHA),), skipped=())
    assert not list(HostCase("mx1.example", Dane.MISMATCH, (), report).chains())
