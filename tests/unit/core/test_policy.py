"""The effective level and the word a session earns: posttls-finger of Postfix 3.12, observed.

Levels are those of Postfix's TLS_README and postconf(5) (smtp_tls_security_level, smtp_tls_dane_insecure_mx_policy);
that the two kinds of unusable records lead to different levels, and what a lone name mismatch is called, was observed
by running the program.
"""

from dataclasses import replace

import pytest

from scanner.core import policy
from scanner.core.policy import Peer, Policy
from scanner.facts import TLSALookup
from scanner.model import DaneEvidence, PathError, PkixEvidence
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Security, TLSState, Unusable
from tests.unit import pki

BASE = "mx1.secure.test"
PEER = Peer("secure.test", "mx1.secure.test", mx=Security.SECURE, mx_names=("secure.test",))
DANE_NAMES = "mx1.secure.test secure.test"
SECURE_NAMES = "secure.test .secure.test"
RECORD = pki.tlsa(3, 1, 1, pki.LEAF)

USABLE = TLSALookup(BASE, (RECORD,), None, None)
ABSENT = TLSALookup(BASE, (), Dane.NONE, Reason.TLSA_NONE)
UNSIGNED = TLSALookup(BASE, (RECORD,), Dane.NONE, Reason.TLSA_INSECURE)
INSECURE_HOST = TLSALookup(BASE, (), Dane.INSECURE, Reason.HOST_INSECURE)
BY_PARSER = TLSALookup(
    BASE, (replace(RECORD, unusable=Unusable.PRIVATE_MATCHING_TYPE),), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA
)
LOOKUP_FAILED = TLSALookup(BASE, (), Dane.LOOKUP_FAILED, Reason.TLSA_BOGUS)
BY_OPENSSL = TLSALookup(
    BASE, (replace(RECORD, unusable=Unusable.DIGEST_LENGTH),), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA
)

NO_TLSA = 'no TLSA records found, resorting to "secure"'
NO_USABLE = 'no usable TLSA records found, resorting to "secure"'
JUST_ENCRYPT = "TLSA RRs found, MX RRset insecure: just encrypt"
TRY = "MX RRset is insecure: try to encrypt"
TRUSTED = "MX RRset insecure: log verified as trusted"


def peer(mx: Security | None = Security.SECURE, *tokens: str) -> Peer:
    return Peer("secure.test", "mx1.secure.test", mx, () if mx is None else ("secure.test",), tokens)


@pytest.mark.parametrize("mx", [None, Security.SECURE])
@pytest.mark.parametrize(
    ("asked", "lookup", "expected", "names", "sni", "note"),
    [
        ("dane", USABLE, "dane", DANE_NAMES, BASE, ""),
        ("dane-only", USABLE, "dane-only", DANE_NAMES, BASE, ""),
        ("dane", ABSENT, "secure", SECURE_NAMES, None, NO_TLSA),
        ("dane-only", ABSENT, "secure", SECURE_NAMES, None, NO_TLSA),
        ("dane", UNSIGNED, "secure", SECURE_NAMES, None, NO_TLSA),
        ("dane", INSECURE_HOST, "secure", SECURE_NAMES, None, NO_TLSA),
        ("dane", None, "secure", SECURE_NAMES, None, NO_TLSA),
        ("dane", BY_PARSER, "secure", SECURE_NAMES, None, NO_USABLE),
        ("dane-only", BY_PARSER, "secure", SECURE_NAMES, None, NO_USABLE),
        ("dane", BY_OPENSSL, "encrypt", DANE_NAMES, BASE, ""),
        ("dane-only", BY_OPENSSL, "dane-only forced", DANE_NAMES, BASE, ""),
        ("none", USABLE, "none", "", None, ""),
        ("may", USABLE, "may", "", None, ""),
        ("encrypt", USABLE, "encrypt", "", None, ""),
        ("fingerprint", USABLE, "fingerprint", "", None, ""),
        ("verify", USABLE, "verify", "mx1.secure.test", None, ""),
        ("secure", USABLE, "secure", SECURE_NAMES, None, ""),
    ],
)
def test_effective_level(
    mx: Security | None, asked: str, lookup: TLSALookup | None, expected: str, names: str, sni: str | None, note: str
) -> None:
    rule = policy.effective(Level(asked), peer(mx), lookup)
    assert rule.level + (" forced" if rule.forced_failure else "") == expected
    assert " ".join(rule.references) == (names if mx or sni is None else BASE)  # without MX, no names of the MX
    assert (rule.sni, rule.note) == (sni, note)


@pytest.mark.parametrize("mx", [Security.INSECURE, Security.INDETERMINATE])
@pytest.mark.parametrize(
    ("asked", "left", "lookup", "expected", "sni", "note"),
    [
        ("dane", "dane", USABLE, "half-dane", BASE, TRUSTED),
        ("dane-only", "dane", USABLE, "half-dane", BASE, TRUSTED),  # it does not fail
        ("dane", "dane", ABSENT, "secure", None, NO_TLSA),
        ("dane", "dane", BY_PARSER, "secure", None, NO_USABLE),
        ("dane", "dane", BY_OPENSSL, "encrypt", BASE, TRUSTED),
        ("dane-only", "dane", BY_OPENSSL, "encrypt", BASE, TRUSTED),  # by then it is half-dane
        ("dane", "encrypt", USABLE, "encrypt", None, JUST_ENCRYPT),
        ("dane", "encrypt", BY_OPENSSL, "encrypt", None, JUST_ENCRYPT),  # the parser kept them: records were found
        ("dane", "encrypt", ABSENT, "secure", None, NO_TLSA),
        ("dane", "encrypt", BY_PARSER, "secure", None, NO_USABLE),
        ("dane", "may", USABLE, "may", None, TRY),
        ("dane", "may", ABSENT, "may", None, TRY),
        ("dane-only", "may", None, "may", None, TRY),
        ("secure", "may", USABLE, "secure", None, ""),  # only levels with DANE mind the MX RRset
    ],
)
def test_effective_level_behind_an_insecure_mx(
    mx: Security, asked: str, left: str, lookup: TLSALookup | None, expected: str, sni: str | None, note: str
) -> None:
    rule = policy.effective(Level(asked), peer(mx), lookup, insecure_mx=Level(left))
    assert (rule.level, rule.sni, rule.note, rule.forced_failure) == (expected, sni, note, False)


@pytest.mark.parametrize("asked", ["may", "verify", "secure"])
def test_no_name_is_asked_for_without_dane_unless_given(asked: str) -> None:
    assert policy.effective(Level(asked), PEER, USABLE).sni is None
    assert policy.effective(Level(asked), PEER, USABLE, sni="given.test").sni == "given.test"


def test_the_name_of_dane_is_the_base_domain_whatever_is_told() -> None:
    assert policy.effective(Level.DANE, PEER, USABLE, sni="given.test").sni == BASE
    assert policy.effective(Level.DANE, PEER, ABSENT, sni="given.test").sni == "given.test"


@pytest.mark.parametrize(
    ("level", "tokens", "names"),
    [
        ("secure", ("nexthop",), "secure.test"),
        ("secure", ("NextHop",), "secure.test"),
        ("secure", ("dot-nexthop",), ".secure.test"),
        ("secure", ("hostname",), "mx1.secure.test"),
        ("verify", ("hostname", "nexthop"), "mx1.secure.test secure.test"),
        ("secure", (".test",), ".test"),
        ("secure", ("\u3002test", "\uff0etest", "\uff61test"), ".test .test .test"),
        ("secure", (".", "other.test"), "other.test"),
        ("secure", ("a.test,b.test",), "a.test,b.test"),  # one argument is one token
    ],
)
def test_match_tokens(level: str, tokens: tuple[str, ...], names: str) -> None:
    rule = policy.effective(Level(level), peer(Security.SECURE, *tokens), None)
    assert " ".join(rule.references) == names
    assert not rule.forced_failure


@pytest.mark.parametrize("token", [".", "\u3002"])
def test_without_any_name_verification_is_made_to_fail(token: str) -> None:
    rule = policy.effective(Level.SECURE, peer(Security.SECURE, token), None)
    assert rule.forced_failure
    assert policy.judge(rule, CHAIN, GOOD_PKIX).word is TLSState.UNTRUSTED


def test_match_tokens_give_way_to_dane() -> None:
    tokens = peer(Security.SECURE, "other.test")
    assert policy.effective(Level.DANE, tokens, USABLE).references == (BASE, "secure.test")
    assert policy.effective(Level.DANE, tokens, ABSENT).references == ("other.test",)


def test_names_of_dane_are_told_once() -> None:
    same = Peer("secure.test", BASE, Security.SECURE, (BASE, "secure.test"))
    assert policy.dane_references(same, USABLE) == (BASE, "secure.test")


# --- words ----------------------------------------------------------------------------------------------------

CHAIN = pki.chain(*pki.CHAIN)
PATH = tuple(cert.sha256 for cert in CHAIN)
UNTRUSTED_ISSUER = PathError(19, 2, "self-signed certificate in certificate chain")
NO_MATCH = PathError(65, 0, "no matching DANE TLSA records")
GOOD_PKIX, BAD_PKIX = PkixEvidence(PATH), PkixEvidence(PATH, (UNTRUSTED_ISSUER,))
EE = DaneEvidence(RECORD, 0, bare_key=False, needs_name=False, path=PATH[:1])
TA = DaneEvidence(pki.tlsa(2, 0, 1, pki.ROOT), 2, bare_key=False, needs_name=True, path=PATH)
BAD_DANE = DaneEvidence(None, -1, bare_key=False, needs_name=False, path=PATH[:1], errors=(NO_MATCH,))
RIGHT, WRONG = ("mx1.secure.test",), ("other.test",)


@pytest.mark.parametrize(
    ("level", "names", "evidence", "word", "error"),
    [
        ("dane", WRONG, EE, "verified", None),  # DANE-EE: names do not count, RFC 7672 section 3.1.1
        ("dane", RIGHT, TA, "verified", None),
        ("dane", WRONG, TA, "trusted", 62),  # alone, a name mismatch leaves Trusted (3.11)
        ("dane", RIGHT, BAD_DANE, "untrusted", 65),
        ("dane-only", RIGHT, TA, "verified", None),
        ("half-dane", RIGHT, EE, "trusted", None),  # never Verified behind an insecure MX
        ("half-dane", RIGHT, TA, "trusted", None),
        ("half-dane", WRONG, TA, "trusted", 62),
        ("half-dane", RIGHT, BAD_DANE, "untrusted", 65),
        ("secure", RIGHT, GOOD_PKIX, "verified", None),
        ("verify", RIGHT, GOOD_PKIX, "verified", None),
        ("secure", WRONG, GOOD_PKIX, "trusted", 62),
        ("secure", WRONG, BAD_PKIX, "untrusted", 19),  # any other error displaces the name mismatch
        ("secure", RIGHT, BAD_PKIX, "untrusted", 19),
        ("secure", WRONG, EE, "trusted", 62),  # anchors given by hand: names are checked even at the leaf
        ("may", (), GOOD_PKIX, "trusted", None),  # no reference identifier
        ("encrypt", (), GOOD_PKIX, "trusted", None),
        ("may", (), BAD_PKIX, "untrusted", 19),
        ("encrypt", WRONG, GOOD_PKIX, "untrusted", 62),  # after the fall-back at the handshake names still count
        ("encrypt", RIGHT, GOOD_PKIX, "trusted", None),
        ("fingerprint", (), EE, "verified", None),
        ("fingerprint", (), BAD_DANE, "untrusted", 65),
        ("fingerprint", (), GOOD_PKIX, "verified", None),  # no digest given: the chain alone, as observed
        ("dane", RIGHT, None, "untrusted", None),
    ],
)
def test_word(
    level: str, names: tuple[str, ...], evidence: DaneEvidence | PkixEvidence | None, word: str, error: int | None
) -> None:
    found = policy.judge(Policy(Level(level), names, check_names=bool(names)), CHAIN, evidence)
    assert (found.word, found.error and found.error.num) == (word, error)


DANE_LEVELS = (Level.DANE, Level.DANE_ONLY, Level.HALF_DANE)


@pytest.mark.parametrize("level", ["may", "dane", "secure"])
def test_no_chain_is_anonymous(level: str) -> None:
    assert policy.judge(Policy(Level(level)), (), None).word is TLSState.ANONYMOUS


def test_forced_failure_beats_good_evidence() -> None:
    rule = policy.effective(Level.DANE_ONLY, PEER, BY_OPENSSL)
    found = policy.judge(rule, CHAIN, EE)
    assert (found.word, found.error and found.error.num) == (TLSState.UNTRUSTED, 1)


def test_the_presented_name_is_reported() -> None:
    rule = Policy(Level.SECURE, (".secure.test",), check_names=True)
    assert policy.judge(rule, CHAIN, GOOD_PKIX).peername == "mx1.secure.test"
    assert policy.judge(Policy(Level.DANE, RIGHT, check_names=True), CHAIN, EE).peername is None


@pytest.mark.parametrize(
    ("level", "counts"),
    [
        ("dane", EE),
        ("half-dane", EE),
        ("dane-only", EE),
        ("secure", BAD_PKIX),
        ("may", BAD_PKIX),
        ("encrypt", BAD_PKIX),
    ],
)
def test_which_evidence_counts(level: str, counts: object) -> None:
    assert policy.basis(Policy(Level(level)), EE, BAD_PKIX) is counts
