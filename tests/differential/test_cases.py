"""Saved chains, one of each kind of fault: expected values are those of posttls-finger 3.7 with OpenSSL 3.0.

``levels`` has its outcome, matched record, depth and log line at each security level, ``dane`` the state of the domain
in a scan. Certificates that the library of this scanner cannot read have a ``reason``: no verdict is due then.
"""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from scanner.core import dane, pkix, tlsa
from scanner.core.matching import matched_peername
from scanner.core.x509 import openssl
from scanner.core.x509.facts import facts
from scanner.facts import CertFacts
from scanner.model import PathError
from scanner.net import truststore
from tests.differential.chains import NOW

FOLDER = Path(__file__).parent / "cases"
ROOT = truststore.load(str(FOLDER / "root.pem"), None)
REJECTING = truststore.load(str(FOLDER / "root-reject.pem"), None)
CASES = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
READABLE = [case for case in CASES if "reason" not in case]


def chain_of(case: dict[str, Any]) -> tuple[CertFacts, ...]:
    blocks = case["chain"].split("-----END CERTIFICATE-----\n")[:-1]
    return tuple(facts(ssl.PEM_cert_to_DER_cert(f"{block}-----END CERTIFICATE-----")) for block in blocks)


def line(errors: tuple[PathError, ...]) -> str:
    return pkix.failure_line(errors[0], "@") if errors else ""


@pytest.mark.parametrize("case", [c for c in READABLE if "verify" in c["levels"]], ids=lambda c: c["id"])
def test_path(case: dict[str, Any]) -> None:
    expected = case["levels"]["verify"]
    errors = pkix.verify(chain_of(case), ROOT, NOW).errors
    assert line(errors) == expected["error"]
    assert (not errors) == (expected["outcome"] == "Verified")


@pytest.mark.parametrize("case", [c for c in READABLE if c["records"]], ids=lambda c: c["id"])
def test_records(case: dict[str, Any]) -> None:
    expected, records = case["levels"]["dane"], [tlsa.parse_rdata(text) for text in case["records"]]
    got = dane.match(records, chain_of(case), NOW)
    assert line(got.errors) == expected["error"]
    assert got.matched == (expected["outcome"] == "Verified") == (case["dane"] == "protected")
    if got.matched and got.record:
        shown = f"{got.record.usage} {got.record.selector} {got.record.matching_type}"
        assert (shown, got.depth) == (expected["tlsa"], expected["depth"])


INVALID = {"c-dupbc-ta", "c-negpath-ta", "x-badcdp-ta", "x-dupaki-ta", "y-ta-dup"}


@pytest.mark.parametrize("case", [c for c in READABLE if c["records"]], ids=lambda c: c["id"])
def test_a_path_that_ends_at_an_invalid_certificate_has_its_own_reason(case: dict[str, Any]) -> None:
    records, chain = [tlsa.parse_rdata(text) for text in case["records"]], chain_of(case)
    got = dane.match(records, chain, NOW)
    assert (got.record is None and dane.ends_at_invalid(got, records, chain)) is (case["id"] in INVALID)
    others = [tlsa.parse_rdata(f"020001{'ab' * 32}")]
    elsewhere = dane.ends_at_invalid(dane.match(others, chain, NOW), others, chain)
    assert elsewhere is (case["id"] in INVALID - {"y-ta-dup"})


@pytest.mark.parametrize("case", READABLE, ids=lambda c: c["id"])
def test_no_chain_is_trusted_by_a_root_that_rejects_tls_servers(case: dict[str, Any]) -> None:
    got = pkix.verify(chain_of(case), REJECTING, NOW)
    assert got.errors
    if not pkix.verify(chain_of(case), ROOT, NOW).errors:
        assert got.errors[0].num == 28


@pytest.mark.parametrize("case", [c for c in CASES if "reason" in c], ids=lambda c: c["id"])
def test_what_the_library_cannot_read_is_known(case: dict[str, Any]) -> None:
    assert not all(openssl.readable(cert.der) for cert in chain_of(case))


def test_a_name_beside_a_broken_one_does_not_count() -> None:
    case = next(c for c in CASES if c["id"] == "s-tag9-pkix")
    assert matched_peername(chain_of(case)[0], ("pkix.s-tag9.sec.test",)) is None
