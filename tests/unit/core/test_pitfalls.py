"""The places where a re-implementation of posttls-finger gets a wrong verdict, and the tests that stand guard there.

``GUARDS`` names them; what no other file tests is tested here.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from scanner.core import dane, pkix, policy
from scanner.core.policy import Peer
from scanner.facts import TLSALookup
from scanner.model import DaneEvidence
from scanner.reasons import Reason
from scanner.settings import Settings
from scanner.vocabulary import Dane, Level, Security, TLSState
from tests.unit import fakes, pki

ROOT = Path(__file__).parents[3]

# ruff: noqa: E501 - a table is read along its rows
GUARDS = {
    "1 a failed TLSA lookup is not the absence of records": "test_result test_silence_of_every_server_is_never_a_no",
    "2 unsigned or denied TLSA records are absent, not an error": "test_result test_effective_level",
    "3 the security of the address records counts": "test_search test_a_domain_gets_its_verdict",
    "4 the expanded name first, the original one only where it has no records": "test_search",
    "5 SNI and names are those where the records were found": "test_server_name test_effective_level",
    "6 usages 0 and 1 are not for SMTP and rescue nothing": "test_usability test_unusable_records_take_no_part",
    "7 digest agility, by usage and selector, without the unusable": "test_agility test_an_unusable_record_suppresses_nothing test_vector",
    "8 names and dates: not for DANE-EE, all for DANE-TA": "test_vector test_only_usage_two_needs_a_name test_word",
    "9 a trust anchor is never the leaf": "test_vector",
    "10 DANE asks no local authority": "test_vector test_a_trust_anchor_needs_no_store",
    "11 certificates in 2 0 0 and keys in 2 1 0": "test_vector test_openssl_agrees",
    "12 dates of the anchor itself": "test_vector test_openssl_agrees",
    "13 the key's octets as they stand in the certificate": "test_compressed_point_is_digested_as_it_stands",
    "14 half-dane is Trusted at most; dane-only does not fail for it": "test_word test_effective_level_behind_an_insecure_mx",
    "15 two kinds of unusable, two outcomes": "test_effective_level",
    "16 wildcards and suffixes": "test_match test_no_match",
    "17 common names only without any dNSName": "test_cn_counts_only_without_any_dns_san",
    "18 Trusted is no success where a match is due": "test_word test_trusted_delivers_nothing",
    "20 no store, no trust": "test_without_a_store_nothing_falls_back_to_verified",
    "21 null MX beside others; numeric MX": "test_mx_that_leads_nowhere test_explicit_mx",
    "22 only a clean no leads to the implicit MX": "test_a_failed_lookup_falls_back_to_nothing",
    "23 no SNI without DANE unless given": "test_no_name_is_asked_for_without_dane_unless_given",
    "24 a connection is used for good": "test_first_answer_stops_at_the_first_connection",
    "25 no HELO; no QUIT after a refusal, for finger": "test_conversation",
    "26 clear text after STARTTLS is forgotten": "test_conversation test_injected_plaintext_is_a_defect_and_ignored",
    "27 a deadline a stage, not a read": "test_single_octets_do_not_extend_a_deadline",
    "28 no certificate at all": "test_an_anonymous_session_has_no_chain test_no_chain_is_anonymous",
    "29 old servers answer may and encrypt only": "test_legacy_tls_is_refused_only_by_the_authenticated_profile test_negotiated",
    "30 sessions of TLS 1.3 come with the data": "test_resumption test_a_session_can_be_resumed",
    "31 an address as destination at verify and secure": "test_an_address_has_no_dot_form",
    "32 all addresses of a host, or the first that answers": "test_a_domain_gets_its_verdict test_first_answer_stops_at_the_first_connection",
    "33 quirks that are not copied": "test_match_arguments_outlive_a_candidate_with_records test_usability test_word",
    "34 names know no case": "test_names_are_compared_without_case test_arbitrary_texts_never_raise_and_case_does_not_count test_names_behind_an_alias",
    "35 chains in any order": "test_vector test_case",
    "36 may behind an insecure MX: plain questions, no TLSA": "test_plain_questions_only_where_an_insecure_mx_means_may test_effective_level_behind_an_insecure_mx",
}  # fmt: skip
"""By number and subject. 19, the exit status that shows no verdict, is tested with the command itself."""


@cache
def names_of_tests() -> frozenset[str]:
    sources = (path.read_text() for path in (ROOT / "tests" / "unit").rglob("test_*.py"))
    nodes = (node for source in sources for node in ast.walk(ast.parse(source)))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("pitfall", GUARDS)
def test_a_guard_stands_there(pitfall: str) -> None:
    assert set(GUARDS[pitfall].split()) - names_of_tests() == set()


def test_the_pitfalls_are_numbered() -> None:
    assert [int(pitfall.split()[0]) for pitfall in GUARDS] == [n for n in range(1, 37) if n != 19]


# --- what no other test covers---------------------------------------------------------------------------------

CHAIN = pki.chain(*pki.CHAIN)
BASE = "mx1.secure.test"
PEER = Peer("secure.test", BASE, Security.SECURE, ("secure.test",))
USABLE = TLSALookup(BASE, (pki.tlsa(2, 0, 1, pki.ROOT),), None, None)
ABSENT = TLSALookup(BASE, (), Dane.NONE, Reason.TLSA_NONE)
LAB_ROOT = pkix.TrustStore.from_pem(pki.ROOT.pem)


def word(asked: Level, peer: Peer, lookup: TLSALookup, store: pkix.TrustStore) -> TLSState:
    rule = policy.effective(asked, peer, lookup)
    evidence = policy.basis(rule, compared(lookup), pkix.verify(CHAIN, store, pki.NOW))
    return policy.judge(rule, CHAIN, evidence).word


def compared(lookup: TLSALookup) -> DaneEvidence | None:
    return dane.match(lookup.records, CHAIN, pki.NOW) if lookup.dane is None else None


@pytest.mark.parametrize("store", [pkix.EMPTY, LAB_ROOT])
def test_a_trust_anchor_needs_no_store(store: pkix.TrustStore) -> None:
    assert word(Level.DANE, PEER, USABLE, store) is TLSState.VERIFIED


@pytest.mark.parametrize(("store", "expected"), [(pkix.EMPTY, TLSState.UNTRUSTED), (LAB_ROOT, TLSState.VERIFIED)])
@pytest.mark.parametrize(("asked", "lookup"), [(Level.DANE, ABSENT), (Level.SECURE, USABLE), (Level.VERIFY, ABSENT)])
def test_without_a_store_nothing_falls_back_to_verified(
    asked: Level, lookup: TLSALookup, store: pkix.TrustStore, expected: TLSState
) -> None:
    assert word(asked, PEER, lookup, store) is expected


async def test_trusted_delivers_nothing() -> None:
    other = pki.Plan(pki.name("other.test"), pki.key("leaf"), pki.INTER, sans=pki.dns("other.test")).make()
    dns = fakes.mx() | fakes.host(BASE, fakes.V4)
    world = fakes.World(dns, {fakes.V4: fakes.shakes(other, pki.INTER, pki.ROOT)})
    record = (await world.examine(settings=Settings(level=Level.SECURE))).record
    ((end,),) = (host.endpoints for host in record.hosts)
    assert (end.tls, end.pkix, end.sender, record.verdict.outcome) == ("trusted", "trusted", "defer", "fail")


def test_an_address_has_no_dot_form() -> None:
    """References are plain names, as since OpenSSL 4; a certificate for the address in a dNSName would match one."""
    rule = policy.effective(Level.SECURE, Peer("192.0.2.1", "192.0.2.1"), None)
    assert rule.references == ("192.0.2.1", ".192.0.2.1")
    evidence = pkix.verify(CHAIN, LAB_ROOT, pki.NOW)
    assert policy.judge(rule, CHAIN, evidence).word is TLSState.TRUSTED  # never Verified by an ordinary certificate


def test_match_arguments_outlive_a_candidate_with_records() -> None:
    """Postfix goes on with the names of the host before; here each candidate is judged by itself."""
    named = Peer("secure.test", BASE, Security.SECURE, ("secure.test",), tokens=("mx1.secure.test",))
    policy.effective(Level.DANE, named, USABLE)
    assert policy.effective(Level.DANE, named, ABSENT).references == ("mx1.secure.test",)
