"""The certificate of a policy host: RFC 8461 section 3.3 requires a trusted chain and the name of the host as SAN."""

from dataclasses import replace

import pytest

from scanner.core.pkix import TrustStore
from scanner.core.sts.policy_certificate import judge_certificate
from tests.unit import pki, sts

TRUST = TrustStore.from_pem(pki.ROOT.pem)
GOOD = replace(pki.LEAF_PLAN, sans=pki.dns(sts.HOST))


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ((GOOD.make(), pki.INTER), ("trusted", "", True, True)),
        ((replace(GOOD, sans=pki.dns("web.test")).make(), pki.INTER), ("trusted", "", False, False)),  # smtp-sts#164
        ((replace(GOOD, sans=()).make(), pki.INTER), ("trusted", "", False, False)),
        (
            (replace(GOOD, not_after=pki.YESTERDAY).make(), pki.INTER),
            ("untrusted", "certificate has expired", True, False),
        ),
        ((replace(GOOD, issuer=None).make(),), ("untrusted", "self-signed certificate", True, False)),
        ((), ("untrusted", "", False, False)),
    ],
)
def test_verdicts(chain: tuple[pki.Made, ...], expected: tuple[str, str, bool, bool]) -> None:
    found = judge_certificate(pki.chain(*chain), sts.HOST, TRUST, pki.NOW)
    assert (found.pkix, found.pkix_error, found.name_match, found.accepted) == expected
