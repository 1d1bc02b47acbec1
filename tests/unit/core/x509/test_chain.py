"""The choice of an issuer: dates decide between candidates that fit (x509_vfy.c, get0_best_issuer_sk)."""

from datetime import timedelta

import pytest

from scanner.core.x509 import certificate
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.chain import best_issuer, readable, valid_at
from scanner.core.x509.facts import facts
from tests.differential import chains, signers
from tests.differential.chains import NOW
from tests.unit.pki import LEAF

KEY = signers.pair("p256")
ROOT = chains.ca_draft("Root", KEY, None)
SUBJECT = certificate.parse(chains.leaf_draft(signers.pair("p256", 9), ROOT).make())


def issuer(until: timedelta | bytes, *, label: str = "Root") -> Certificate:
    draft = chains.ca_draft(label, KEY, None)
    draft.end = until if isinstance(until, bytes) else NOW + until
    return certificate.parse(draft.make())


DAY = timedelta(days=1)
VALID, LATER, OLD, OLDER = issuer(DAY), issuer(9 * DAY), issuer(-DAY), issuer(-9 * DAY)
YEAR_0, STRANGER = issuer(b"00000101000000Z"), issuer(DAY, label="Stranger")
CHOICES = [
    ((VALID, LATER), VALID),
    ((OLD, LATER, VALID), LATER),
    ((OLDER, OLD), OLD),
    ((OLD, OLDER), OLD),
    ((YEAR_0, OLDER), OLDER),
    ((STRANGER, OLD), OLD),
    ((OLD,), OLD),
    ((STRANGER,), None),
    ((), None),
]


@pytest.mark.parametrize(("candidates", "chosen"), CHOICES)
def test_the_best_issuer(candidates: tuple[Certificate, ...], chosen: Certificate | None) -> None:
    assert best_issuer([SUBJECT], candidates, NOW) == chosen


def test_a_certificate_of_the_path_is_used_again_only_from_the_store() -> None:
    path = [SUBJECT, VALID]
    twin = certificate.parse(chains.ca_draft("Root", signers.pair("p256", 1), ROOT).make())
    assert best_issuer([twin], [VALID], NOW) == VALID
    assert best_issuer([VALID, twin], [VALID], NOW) is None
    assert best_issuer([VALID, twin], [VALID], NOW, again=True) == VALID
    assert best_issuer(path[:1], path, NOW) == VALID


def test_dates() -> None:
    assert (valid_at(VALID, NOW), valid_at(OLD, NOW), valid_at(VALID, NOW + DAY)) == (True, False, False)


def test_what_cannot_be_read_is_left_out() -> None:
    assert [each.der for each in readable([facts(b"junk"), LEAF.facts])] == [LEAF.der]
