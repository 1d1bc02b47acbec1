"""Saved chains, one of each kind of fault: expected values are those of posttls-finger 3.7 with OpenSSL 3.0.

``levels`` has its outcome, matched record, depth and log line at each security level, ``dane`` the state of the domain
in a scan. Certificates that the library of this scanner cannot read have a ``reason``; their verdicts and those of
servers that fail in other ways are in ``tests/unit/run/test_real_servers.py`` and ``tests/unit/finger``.
"""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trio.testing

from scanner.core import dane, pkix, policy, tlsa
from scanner.core.matching import matched_peername
from scanner.core.x509 import openssl
from scanner.core.x509.facts import facts
from scanner.facts import Answer, CertFacts, Endpoint, Handshake, Probe, TLSALookup
from scanner.finger import lines
from scanner.finger.log_keywords import LogMask
from scanner.model import DaneEvidence
from scanner.net import truststore
from scanner.net.probe import ProbeResult
from scanner.vocabulary import Level, Security, StartTLS
from tests.differential.chains import NOW
from tests.unit.fakes import V4, Question, World, addresses, answer, mx, nothing, rows

FOLDER = Path(__file__).parent / "cases"
ROOT = truststore.load(str(FOLDER / "root.pem"), None)
REJECTING = truststore.load(str(FOLDER / "root-reject.pem"), None)
CASES = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
READABLE = [case for case in CASES if "reason" not in case]


def chain_of(case: dict[str, Any]) -> tuple[CertFacts, ...]:
    blocks = case["chain"].split("-----END CERTIFICATE-----\n")[:-1]
    return tuple(facts(ssl.PEM_cert_to_DER_cert(f"{block}-----END CERTIFICATE-----")) for block in blocks)


def tlsa_of(case: dict[str, Any]) -> dict[Question, Answer]:
    name = f"_25._tcp.{case['host']}"
    if not case["records"]:
        return rows(nothing(name, "TLSA"))
    return rows(answer(name, "TLSA", *case["records"]))


def lookup(case: dict[str, Any]) -> TLSALookup:
    found = tlsa.next_question(case["host"], case["host"], Security.SECURE, 25, [*tlsa_of(case).values()])
    assert isinstance(found, TLSALookup)
    return found


LEVELS = [(case, level) for case in READABLE for level in case["levels"]]


@pytest.mark.parametrize(("case", "level"), LEVELS, ids=lambda value: value if isinstance(value, str) else value["id"])
def test_finger(case: dict[str, Any], level: str) -> None:
    """posttls-finger 3.7 calls a session with a wrong name Untrusted, 3.12 and mxsweep call it Trusted."""
    expected, chain = case["levels"][level], chain_of(case)
    found = lookup(case) if level == "dane" else None
    peer = policy.Peer(case["domain"], case["host"], Security.SECURE, (case["domain"],))
    rule = policy.effective(Level(level), peer, found)
    records = found.records if found else ()
    evidence = dane.match(records, chain, NOW) if rule.level.dane_based else pkix.verify(chain, ROOT, NOW)
    judgement = policy.judge(rule, chain, evidence)
    wrong_name = "num=62:" in expected["error"]
    assert judgement.word == ("trusted" if wrong_name else expected["outcome"].lower())
    shown = lines.LineOptions("@", LogMask.SUMMARY | LogMask.PEER, rule, "sha256")
    printed = lines.peer_lines(shown, judgement, evidence, chain)
    assert [line for line in printed if "verification failed" in line] == [expected["error"]][: bool(expected["error"])]
    if expected["tlsa"]:
        assert isinstance(evidence, DaneEvidence)
        assert evidence.record is not None
        record = f"{evidence.record.usage} {evidence.record.selector} {evidence.record.matching_type}"
        assert (record, evidence.depth) == (expected["tlsa"], expected["depth"])


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case["id"])
async def test_scan(case: dict[str, Any], autojump_clock: trio.testing.MockClock) -> None:
    sent = tuple(certificate.der for certificate in chain_of(case))
    digests = tuple(certificate.sha256 for certificate in chain_of(case))

    def shakes(endpoint: Endpoint) -> ProbeResult:
        shake = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, None, None, endpoint.sni, digests)
        return ProbeResult(Probe(endpoint, NOW, {}, StartTLS.OFFERED, handshake=shake), sent)

    zone = mx(f"10 {case['host']}", domain=case["domain"]) | addresses(case["host"], V4) | tlsa_of(case)
    verdict = (await World(zone, {V4: shakes}, trust=ROOT).examine(case["domain"])).record.verdict
    assert verdict.dane == case["dane"]


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
    assert not all(openssl.encoded(cert.der) for cert in chain_of(case))


def test_a_name_beside_a_broken_one_does_not_count() -> None:
    case = next(c for c in CASES if c["id"] == "s-tag9-pkix")
    assert matched_peername(chain_of(case)[0], ("pkix.s-tag9.sec.test",)) is None
