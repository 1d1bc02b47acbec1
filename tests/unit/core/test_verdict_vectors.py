"""Whole verdicts, from the DNS's answers and the chain to the word and the line that explains it. No network.

Every row was seen with posttls-finger: Postfix 3.12 where releases differ. Unless a row says otherwise, the chain is
leaf, intermediate and root, all sent, the host is mx1.secure.test, the MX host of secure.test, every answer is
authenticated, there is no trust store, and the level is dane.
"""

from dataclasses import dataclass, field, replace

import pytest

from scanner.core import dane, pkix, policy, tlsa
from scanner.core.policy import Peer, Policy
from scanner.facts import Answer, TLSALookup, TLSARecord
from scanner.finger import lines
from scanner.finger.log_keywords import LogMask
from scanner.vocabulary import Dane, Level, Outcome, Security, TLSState
from tests.unit import pki
from tests.unit.pki import INTER, INTER_PLAN, LEAF, LEAF_PLAN, NOW, ROOT, ROOT_PLAN, Made

HOST, DOMAIN = pki.HOST, "secure.test"
NAP = f"{HOST}[192.0.2.1]:25"
STORE = pkix.TrustStore.from_pem(ROOT.pem)


def plan(base: pki.Plan, **parts: object) -> Made:
    return replace(base, **parts).make()  # type: ignore[arg-type] # fields by name


OLD_LEAF = plan(LEAF_PLAN, not_after=pki.YESTERDAY)
EARLY_LEAF = plan(LEAF_PLAN, not_before=pki.TOMORROW)
OTHER = {"subject": pki.name("other.test"), "sans": pki.dns("other.test")}
OTHER_LEAF, OLD_OTHER_LEAF = plan(LEAF_PLAN, **OTHER), plan(LEAF_PLAN, not_after=pki.YESTERDAY, **OTHER)
SELF_LEAF = plan(LEAF_PLAN, issuer=None)
WILD_LEAF = plan(LEAF_PLAN, sans=pki.dns("*.secure.test"))
NEXTHOP_LEAF = plan(LEAF_PLAN, sans=pki.dns("secure.test"))
CN_LEAF = plan(LEAF_PLAN, sans=())
OLD_INTER = plan(INTER_PLAN, not_after=pki.YESTERDAY)
OLD_ROOT = plan(ROOT_PLAN, not_after=pki.YESTERDAY)
FULL = (LEAF, INTER, ROOT)


def under(leaf: Made) -> tuple[Made, ...]:
    return (leaf, INTER, ROOT)


def rr(kind: str, of: Made = LEAF, *, wrong: bool = False) -> str:
    """The rdata that a certificate's owner would publish, ``USAGE SELECTOR MTYPE``."""
    usage, selector, mtype = (int(number) for number in kind.split())
    record = pki.tlsa(usage, selector, mtype, of, wrong=wrong)
    return f"{usage:02x}{selector:02x}{mtype:02x}{record.data}"


def answer(*records: str, security: Security = Security.SECURE, rtype: str = "TLSA") -> Answer:
    outcome = Outcome.DATA if records else Outcome.NXDOMAIN
    return Answer(f"_25._tcp.{HOST}", rtype, outcome, security, records)


SERVFAIL = Answer(f"_25._tcp.{HOST}", "TLSA", Outcome.ERROR, Security.INDETERMINATE, ())
INSECURE = Security.INSECURE
ISSUER = "untrusted issuer /C=XX/O=Lab CA/CN=Lab Root"
FALLBACK = Level.ENCRYPT


@dataclass(frozen=True)
class Vector:
    """A situation, the word, and a part of the line that states why; ``level`` is the effective one."""

    name: str
    word: str
    line: str
    records: tuple[str, ...] = ()
    chain: tuple[Made, ...] = FULL
    level: Level = Level.DANE
    asked: Level = Level.DANE
    steps: tuple[Answer, ...] | None = None
    rname: str = HOST
    address: Security = Security.SECURE
    mx: Security = Security.SECURE
    insecure_mx: Level = Level.DANE
    tokens: tuple[str, ...] = ()
    force: bool = False
    store: pkix.TrustStore = field(default=pkix.EMPTY)


def lookup(vector: Vector) -> TLSALookup | None:
    """What the DNS had, asked for as the alias and the address want it."""
    if not vector.asked.dane_based:
        return None
    steps = vector.steps if vector.steps is not None else (answer(*vector.records),)
    asked: list[Answer] = []
    while not isinstance(
        step := tlsa.next_question(HOST, vector.rname, vector.address, 25, asked, force=vector.force), TLSALookup
    ):
        asked.append(steps[len(asked)])
    return step


def judge(vector: Vector) -> tuple[Policy, policy.Judgement, list[str]]:
    """Level, verdict and lines."""
    peer = Peer(DOMAIN, HOST, vector.mx, (DOMAIN,), vector.tokens)
    found = lookup(vector)
    rule = policy.effective(vector.asked, peer, found, insecure_mx=vector.insecure_mx)
    chain = pki.chain(*vector.chain)
    records: tuple[TLSARecord, ...] = found.records if found is not None else ()
    evidence = dane.match(records, chain, NOW) if rule.level.dane_based else pkix.verify(chain, vector.store, NOW)
    judgement = policy.judge(rule, chain, evidence)
    shown = lines.LineOptions(NAP, LogMask.SUMMARY | LogMask.PEER, rule, "sha256")
    return rule, judgement, lines.peer_lines(shown, judgement, evidence, chain)


ALL_UNUSABLE = [
    ("type 3", rr("3 1 1").replace("030101", "030103")),
    ("selector 2", rr("3 1 1").replace("030101", "030201")),
    ("bad length", rr("3 1 1")[:-2]),
    ("full data that cannot be decoded", "030000" + "aa" * 9),
]

# fmt: off
VECTORS = [
    # usage 3
    Vector("3 1 1 ok", "verified", "Matched DANE EE certificate at depth 0: 3 1 1", (rr("3 1 1"),)),
    Vector("3 0 1 ok, expired leaf", "verified", "Matched DANE EE", (rr("3 0 1", OLD_LEAF),), under(OLD_LEAF)),
    Vector("3 1 1, leaf not yet valid", "verified", "Matched DANE EE", (rr("3 1 1", EARLY_LEAF),), under(EARLY_LEAF)),
    Vector("3 0 1, other name", "verified", "Matched DANE EE", (rr("3 0 1", OTHER_LEAF),), under(OTHER_LEAF)),
    Vector("3 1 1 wrong", "untrusted", "server certificate verification failed for {}: num=65",
           (rr("3 1 1", wrong=True),)),
    # usage 2
    Vector("2 1 1 root", "verified", "DANE TA certificate at depth 2", (rr("2 1 1", ROOT),)),
    Vector("2 0 1 intermediate", "verified", "DANE TA certificate at depth 1", (rr("2 0 1", INTER),)),
    Vector("2 0 0 root, not sent", "verified", "DANE TA certificate at depth 2", (rr("2 0 0", ROOT),), (LEAF, INTER)),
    Vector("2 1 0 root key, root not sent", "verified", "DANE TA public key verified certificate at depth 1",
           (rr("2 1 0", ROOT),), (LEAF, INTER)),
    Vector("2 1 0 intermediate key, leaf only", "verified", "DANE TA public key verified certificate at depth 0",
           (rr("2 1 0", INTER),), (LEAF,)),
    Vector("2 0 0 intermediate, leaf only", "verified", "DANE TA certificate at depth 1",
           (rr("2 0 0", INTER),), (LEAF,)),
    Vector("2 1 1 intermediate, leaf only", "untrusted", "server certificate verification failed for {}: num=65",
           (rr("2 1 1", INTER),), (LEAF,)),
    Vector("2 1 1 root, not sent", "untrusted", "CA certificate verification failed for {}: num=65",
           (rr("2 1 1", ROOT),), (LEAF, INTER)),
    Vector("2 0 1 expired intermediate as anchor", "verified", "DANE TA certificate at depth 1",
           (rr("2 0 1", OLD_INTER),), (LEAF, OLD_INTER, ROOT)),
    Vector("2 0 1 root, expired intermediate below", "untrusted",
           "CA certificate verification failed for {}: certificate has expired",
           (rr("2 0 1", ROOT),), (LEAF, OLD_INTER, ROOT)),
    Vector("2 0 1 expired self-signed root", "untrusted",
           "CA certificate verification failed for {}: certificate has expired",
           (rr("2 0 1", OLD_ROOT),), (LEAF, INTER, OLD_ROOT)),
    Vector("2 1 1 root, expired leaf", "untrusted",
           "server certificate verification failed for {}: certificate has expired",
           (rr("2 1 1", ROOT),), under(OLD_LEAF)),
    Vector("2 1 1 root, wrong name", "trusted",  # Untrusted before 3.10.4
           "server certificate verification failed for {}: num=62:hostname mismatch",
           (rr("2 1 1", ROOT),), under(OTHER_LEAF)),
    Vector("2 1 1 root, expired leaf with a wrong name", "untrusted",  # num=62 before 3.10.4
           "server certificate verification failed for {}: certificate has expired",
           (rr("2 1 1", ROOT),), under(OLD_OTHER_LEAF)),
    Vector("2 1 1 root, wildcard", "verified", "matched peername: *.secure.test",
           (rr("2 1 1", ROOT),), under(WILD_LEAF)),
    Vector("2 1 1 root, next-hop domain only", "verified", "matched peername: secure.test",
           (rr("2 1 1", ROOT),), under(NEXTHOP_LEAF)),
    Vector("2 1 1 root, CN only", "verified", f"matched peername: {HOST}", (rr("2 1 1", ROOT),), under(CN_LEAF)),
    Vector("2 1 1 of the leaf key", "untrusted", "CA certificate verification failed for {}: num=65", (rr("2 1 1"),)),
    Vector("2 0 1 of a self-signed leaf", "untrusted", "server certificate verification failed for {}: num=65",
           (rr("2 0 1", SELF_LEAF),), (SELF_LEAF,)),
    # several
    Vector("2 1 2 root and 2 1 1 wrong", "verified", "depth 2: 2 1 2",
           (rr("2 1 2", ROOT), rr("2 1 1", ROOT, wrong=True))),
    Vector("2 1 2 wrong and 2 1 1 root", "untrusted", "num=65", (rr("2 1 2", ROOT, wrong=True), rr("2 1 1", ROOT))),
    Vector("3 1 2 wrong and 3 1 1 ok", "untrusted", "num=65", (rr("3 1 2", wrong=True), rr("3 1 1"))),
    Vector("3 0 2 wrong and 3 1 1 ok", "verified", "depth 0: 3 1 1", (rr("3 0 2", wrong=True), rr("3 1 1"))),
    Vector("3 1 2 wrong and 3 1 0 ok", "verified", "depth 0: 3 1 0", (rr("3 1 2", wrong=True), rr("3 1 0"))),
    Vector("3 1 1 wrong and 2 1 1 root", "verified", "TA certificate at depth 2",
           (rr("3 1 1", wrong=True), rr("2 1 1", ROOT))),
    Vector("1 1 1 ok and 3 1 1 wrong", "untrusted", "num=65", ("01" + rr("3 1 1")[2:], rr("3 1 1", wrong=True))),
    Vector("truncated and 3 1 1 ok", "verified", "depth 0: 3 1 1", ("0301", rr("3 1 1"))),
    # nothing usable
    *(
        Vector(f"only {kind}", "untrusted", ISSUER, (rdata,), level=Level.SECURE)
        for kind, rdata in (
            ("usage 0", "00" + rr("3 0 1")[2:]),
            ("usage 1", "01" + rr("3 1 1")[2:]),
            ("usage 4", "04" + rr("3 1 1")[2:]),
            ("matching type 255", rr("3 1 1").replace("030101", "0301ff")),
            ("truncated", "0301"),
        )
    ),
    *(Vector(f"only {kind}", "untrusted", ISSUER, (rdata,), level=FALLBACK) for kind, rdata in ALL_UNUSABLE),
    *(
        Vector(f"only {kind}, at dane-only", "untrusted", "num=1:unspecified certificate verification error", (rdata,),
               level=Level.DANE_ONLY, asked=Level.DANE_ONLY)
        for kind, rdata in ALL_UNUSABLE
    ),
    # what is not validated
    Vector("insecure MX", "trusted", "Matched DANE EE", (rr("3 1 1"),), level=Level.HALF_DANE, mx=INSECURE),
    Vector("insecure MX, -M encrypt", "untrusted", "", (rr("3 1 1"),), level=Level.ENCRYPT, mx=INSECURE,
           insecure_mx=Level.ENCRYPT),
    Vector("insecure MX, -M may", "untrusted", "", (rr("3 1 1"),), level=Level.MAY, mx=INSECURE, insecure_mx=Level.MAY),
    Vector("insecure A", "untrusted", ISSUER, level=Level.SECURE, address=INSECURE, steps=()),
    Vector("insecure A, -f", "verified", "Matched DANE EE", (rr("3 1 1"),), address=INSECURE, force=True),
    Vector("insecure TLSA", "untrusted", ISSUER, level=Level.SECURE, steps=(answer(rr("3 1 1"), security=INSECURE),)),
    Vector("alias, TLSA at its target", "verified", "Matched DANE EE", (rr("3 1 1"),), rname="real.test"),
    Vector("alias, TLSA at the alias", "verified", "Matched DANE EE", rname="real.test",
           steps=(answer(), answer(rr("3 1 1")))),
    Vector("secure alias of an insecure host", "verified", "Matched DANE EE", rname="real.test", address=INSECURE,
           steps=(answer("real.test", rtype="CNAME"), answer(rr("3 1 1")))),
    Vector("insecure alias of a secure host", "untrusted", ISSUER, level=Level.SECURE, rname="real.test",
           address=INSECURE, steps=(answer("real.test", rtype="CNAME", security=INSECURE),)),
    Vector("-h native, or a resolver that validates nothing", "untrusted", ISSUER, level=Level.SECURE,
           address=INSECURE, mx=INSECURE, steps=()),
    # names at level secure
    *(
        Vector(f"secure, match {token}", word, line, asked=Level.SECURE, level=Level.SECURE, tokens=(token,),
               store=STORE)
        for token, word, line in (
            (".secure.test", "verified", f"matched peername: {HOST}"),
            (".test", "verified", f"matched peername: {HOST}"),
            ("secure.test", "trusted", "num=62:hostname mismatch"),
            (".mx1.secure.test", "trusted", "num=62:hostname mismatch"),
            ("mx1.secure.test.", "trusted", "num=62:hostname mismatch"),
        )
    ),
    Vector("secure, wildcard and a name one label deeper", "trusted", "num=62:hostname mismatch",
           chain=under(WILD_LEAF), asked=Level.SECURE, level=Level.SECURE, tokens=("a.b.secure.test",), store=STORE),
]
# fmt: on


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_verdict(vector: Vector) -> None:
    rule, judgement, printed = judge(vector)
    assert (rule.level, judgement.word) == (vector.level, TLSState(vector.word))
    assert vector.line.format(NAP) in "\n".join(printed)
    if not vector.line:
        assert len(printed) == 1, "only the names of the certificate"


def test_a_failed_tlsa_lookup_makes_no_session() -> None:
    found = lookup(Vector("SERVFAIL", "", "", steps=(SERVFAIL,)))
    assert found is not None
    assert found.dane is Dane.LOOKUP_FAILED
