"""The DANE verdict of one chain: evidence, names and the reason of a mismatch."""

import pytest

from scanner.core import dane, policy
from scanner.core.compared import compared, is_mismatch, path_reason
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, TLSALookup, TLSARecord
from scanner.model import PathError
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Security
from tests.unit import pki

LEAF = pki.CHAIN
OTHER = (pki.Plan(pki.name("other.test"), pki.key("other"), pki.INTER, sans=pki.dns("other.test")).make(), *LEAF[1:])
PEER = policy.Peer("secure.test", pki.HOST, Security.SECURE, ("secure.test",))
WRONG = pki.tlsa(3, 1, 1, pki.LEAF, wrong=True)


def lookup(*records: TLSARecord) -> TLSALookup:
    return TLSALookup(pki.HOST, records, None, None)


def facts(*chain: pki.Made) -> tuple[CertFacts, ...]:
    return tuple(made.facts for made in chain)


@pytest.mark.parametrize(
    ("record", "chain", "expected", "mismatch"),
    [
        (pki.tlsa(3, 1, 1, pki.LEAF), LEAF, (Dane.OK, ()), False),
        (WRONG, LEAF, (Dane.MISMATCH, (Reason.TLSA_MISMATCH,)), True),
        (pki.tlsa(2, 0, 1, pki.INTER), LEAF, (Dane.OK, ()), False),
        # RFC 7671 section 5.2: usage 2 requires a reference identifier in the certificate
        (pki.tlsa(2, 0, 1, pki.INTER), OTHER, (Dane.MISMATCH, (Reason.NAME_MISMATCH,)), True),
    ],
)
def test_a_chain_and_a_record(
    record: TLSARecord, chain: tuple[pki.Made, ...], expected: tuple[Dane, tuple[Reason, ...]], *, mismatch: bool
) -> None:
    evidence = dane.match((record,), facts(*chain), pki.NOW)
    assert compared(PEER, lookup(record), evidence, facts(*chain)) == expected
    assert is_mismatch(evidence, facts(*chain)[0], lookup(record)) is mismatch


def test_without_evidence_nothing_is_known() -> None:
    assert compared(PEER, lookup(WRONG), None, facts(*LEAF)) == (Dane.UNKNOWN, (Reason.INTERNAL,))
    assert not is_mismatch(None, facts(*LEAF)[0], lookup(WRONG))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (VerifyError.CERT_HAS_EXPIRED, Reason.CERTIFICATE_EXPIRED),
        (VerifyError.EE_KEY_TOO_SMALL, Reason.CERTIFICATE_WEAK),
        (VerifyError.CERT_CHAIN_TOO_LONG, Reason.CERTIFICATE_INVALID),
    ],
)
def test_the_reason_of_a_path_error(error: VerifyError, reason: Reason) -> None:
    assert path_reason(PathError(error, 0, error.text)) is reason
