"""Every case that goes wrong in the field, from DNS answers and server behaviour to the verdict, at level dane.

A row names its case: ``verdict`` is outcome, sender, dane and starttls of the domain; ``reasons`` and ``tlsrpt`` are
exact and in order; ``hosts`` and ``ends`` are the dane verdict by host name and tls and dane by address. The expected
values follow from RFC 7672 (sections 2.1 and 2.2: which lookup failure and which downgrade means what), RFC 5321
section 5.1 and RFC 7505 (routes), RFC 8460 section 4.3 (result-types), and what Postfix's smtp(8) does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from scanner.core.verdict import roles
from scanner.facts import Failure, TLSARecord
from scanner.settings import Settings
from scanner.vocabulary import FailureKind, Level, Outcome, Phase, Security
from targets.scope import Exclusions, Scope
from tests.unit import fakes, pki
from tests.unit.fakes import (
    DOMAIN,
    MX1,
    MX2,
    OK_RECORD,
    V4,
    V4B,
    V6,
    WRONG_RECORD,
    World,
    addresses,
    answer,
    by_profile,
    failed,
    fails,
    host,
    missing,
    mx,
    no_starttls,
    nothing,
    refuses,
    rows,
    shakes,
    times_out,
    tlsa,
)
from tests.unit.pki import LEAF

INSECURE, BOGUS, UNTOLD = Security.INSECURE, Security.BOGUS, Security.INDETERMINATE
TWO = mx(f"10 {MX1}", f"20 {MX2}")
REAL = "real.secure.test"
LONG = ".".join(["c" * 60] * 4) + ".sec.test"  # 252 octets
OTHER_LEAF = pki.Plan(pki.name("other.test"), pki.key("leaf"), pki.INTER, sans=pki.dns("other.test")).make()
SELF_SIGNED = pki.Plan(pki.name(MX1), pki.key("leaf"), sans=pki.dns(MX1)).make()
TA_RECORD = pki.tlsa(2, 0, 1, pki.ROOT)
LEGACY = by_profile(authenticated=fakes.breaks_handshake, easier=shakes(version="TLSv1"))
WEAK = by_profile(authenticated=fakes.breaks_handshake, easier=shakes(version="TLSv1.2"))
BREAKS_LATER = by_profile(authenticated=fakes.breaks_handshake, easier=shakes())
SILENT = fails(Phase.HANDSHAKE, FailureKind.TIMEOUT)


def large_hello(kind: FailureKind = FailureKind.TLS, then: fakes.Behaviour | None = None) -> fakes.Behaviour:
    """Return a behaviour that fails with our usual groups; with classical ones it is ``then``, by default in order."""
    return by_profile(authenticated=fails(Phase.HANDSHAKE, kind), classical=then or shakes(), easier=then or shakes())


BUSY = fails(Phase.GREETING, FailureKind.REJECTED, 421, "too many connections")
REFUSED_454 = fails(Phase.STARTTLS, FailureKind.REJECTED, 454, "4.7.0 TLS not available")
UNDECODABLE = fails(Phase.HANDSHAKE, FailureKind.UNDECODABLE)
LARGE_PRIME = fails(Phase.HANDSHAKE, FailureKind.PRIME_TOO_LARGE)
SIGNED = host(MX1, V4, records=[OK_RECORD])
PLAIN = host(MX1, V4)
WRONG = host(MX1, V4, records=[WRONG_RECORD])
MANY = [f"192.0.2.{number}" for number in range(100, 141)]  # one more than the default limit
OPTED_OUT = Scope(allow_private=True, exclusions=Exclusions(names={MX1: "list line 1"}))


def record(usage: int, selector: int, matching_type: int, data: str) -> TLSARecord:
    return TLSARecord(usage, selector, matching_type, data)


@dataclass(frozen=True)
class VerdictCase:
    """One row."""

    row: str
    what: str
    dns: fakes.Table
    servers: Mapping[str, fakes.Behaviour | Sequence[fakes.Behaviour]]
    verdict: str
    reasons: str
    tlsrpt: str = ""
    hosts: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    level: Level = Level.DANE
    scope: Scope = field(default_factory=lambda: Scope(allow_private=True))
    limits: dict[str, int] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return World(self.dns, self.servers, self.scope)


MX_INSECURE = mx(security=INSECURE) | SIGNED
USAGE_1 = mx() | host(MX1, V4, records=[pki.tlsa(1, 1, 1, LEAF), pki.tlsa(0, 0, 1, pki.ROOT)])
TYPE_3 = mx() | host(MX1, V4, records=[record(3, 1, 3, OK_RECORD.data)])
BAD_LENGTH = mx() | host(MX1, V4, records=[record(3, 1, 1, OK_RECORD.data[:-2])])
LEVEL_NOT_MET = "dane-required"

CASES = [
    VerdictCase(
        "1", "MX RRset insecure, host signed, record matches",
        MX_INSECURE, {V4: shakes()},
        "ok encrypted insecure all", "mx-insecure",
        hosts={MX1: "ok"}, ends={V4: "trusted ok"},
    ),
    VerdictCase(
        "1 at dane-only", "half-dane is no authentication",
        MX_INSECURE, {V4: shakes()},
        "fail defer insecure all", "mx-insecure level-not-met", LEVEL_NOT_MET,
        hosts={MX1: "ok"}, ends={V4: "trusted ok"}, level=Level.DANE_ONLY,
    ),
    VerdictCase(
        "2", "one MX fine, TLSA lookup of the other fails",
        TWO | SIGNED | addresses(MX2, V4B) | rows(failed(f"_25._tcp.{MX2}", "TLSA")), {V4: shakes(), V4B: shakes()},
        "ok verified unknown all", "tlsa-lookup-failed",
        hosts={MX1: "ok", MX2: "lookup_failed"}, ends={V4B: "trusted lookup_failed"},
    ),
    VerdictCase(
        "2 alone", "the TLSA lookup of the only MX fails: never a fall-back to less",
        mx() | addresses(MX1, V4) | rows(failed(f"_25._tcp.{MX1}", "TLSA")), {V4: shakes()},
        "inconclusive defer unknown all", "tlsa-lookup-failed",
        hosts={MX1: "lookup_failed"}, ends={V4: "trusted lookup_failed"},
    ),
    VerdictCase(
        "2 bogus", "the TLSA RRset of the only MX is proved bogus",
        mx() | addresses(MX1, V4) | rows(failed(f"_25._tcp.{MX1}", "TLSA", BOGUS)), {V4: shakes()},
        "fail defer unknown all", "tlsa-bogus level-not-met", f"dnssec-invalid {LEVEL_NOT_MET}",
        hosts={MX1: "lookup_failed"}, ends={V4: "trusted lookup_failed"},
    ),
    VerdictCase(
        "2 bogus, at may", "a bogus TLSA RRset neither stops a sender without DANE nor counts in its verdict",
        mx() | addresses(MX1, V4) | rows(failed(f"_25._tcp.{MX1}", "TLSA", BOGUS)), {V4: times_out},
        "inconclusive defer unknown unknown", "tlsa-bogus host-unreachable connect-timeout", "dnssec-invalid",
        level=Level.MAY,
    ),
    VerdictCase(
        "3a", "all records have usage 0 or 1",
        USAGE_1, {V4: shakes()},
        "ok encrypted none all", "tlsa-unusable-usage", "tlsa-invalid",
        hosts={MX1: "unusable"}, ends={V4: "verified unusable"},
    ),
    VerdictCase(
        "3a without TLS", "unusable records make TLS mandatory",
        USAGE_1, {V4: no_starttls},
        "fail defer none none", "tlsa-unusable-usage starttls-not-offered level-not-met",
        f"tlsa-invalid starttls-not-supported {LEVEL_NOT_MET}",
        hosts={MX1: "unusable"}, ends={V4: "cleartext unusable"},
    ),
    VerdictCase(
        "3a at dane-only", "dane-only wants a match",
        USAGE_1, {V4: shakes()},
        "fail defer none all", "tlsa-unusable-usage level-not-met", f"tlsa-invalid {LEVEL_NOT_MET}",
        level=Level.DANE_ONLY,
    ),
    VerdictCase(
        "3b", "all records have matching type 3",
        TYPE_3, {V4: shakes()},
        "ok encrypted none all", "tlsa-unusable-data", "tlsa-invalid",
        hosts={MX1: "unusable"}, ends={V4: "trusted unusable"},
    ),
    VerdictCase(
        "3b length", "all digests are too short",
        BAD_LENGTH, {V4: shakes(SELF_SIGNED)},
        "ok encrypted none all", "tlsa-unusable-data", "tlsa-invalid",
        hosts={MX1: "unusable"}, ends={V4: "untrusted unusable"},
    ),
    VerdictCase(
        "3b without TLS", "as 3a",
        BAD_LENGTH, {V4: no_starttls},
        "fail defer none none", "tlsa-unusable-data starttls-not-offered level-not-met",
        f"tlsa-invalid starttls-not-supported {LEVEL_NOT_MET}",
    ),
    VerdictCase(
        "3b at dane-only", "verification is made to fail",
        TYPE_3, {V4: shakes()},
        "fail defer none all", "tlsa-unusable-data level-not-met", f"tlsa-invalid {LEVEL_NOT_MET}",
        ends={V4: "untrusted unusable"}, level=Level.DANE_ONLY,
    ),
    VerdictCase(
        "4", "IPv4 matches, IPv6 refuses the connection",
        mx() | host(MX1, V4, V6, records=[OK_RECORD]), {V4: shakes(), V6: refuses},
        "ok verified protected all", "some-addresses-unreachable connection-refused",
        hosts={MX1: "ok"}, ends={V4: "verified ok", V6: "unknown unknown"},
    ),
    VerdictCase(
        "5", "one address is busy (421), the other matches",
        mx() | host(MX1, V4, V4B, records=[OK_RECORD]), {V4: shakes(), V4B: BUSY},
        "ok verified protected all", "some-addresses-inconclusive greeting-4xx",
        hosts={MX1: "ok"}, ends={V4: "verified ok", V4B: "unknown unknown"},
    ),
    VerdictCase(
        "6", "null MX",
        mx("0 ."), {},
        "no_mail bounce no_mail no_mail", "null-mx",
    ),
    VerdictCase(
        "7", "no MX: the domain itself is the host, signed, and matches",
        rows(nothing(DOMAIN, "MX")) | host(DOMAIN, V4, records=[OK_RECORD]), {V4: shakes()},
        "ok verified protected all", "implicit-mx",
        hosts={DOMAIN: "ok"}, ends={V4: "verified ok"},
    ),
    VerdictCase(
        "7 NXDOMAIN", "the MX question is answered NXDOMAIN, the address question is not",
        rows(nothing(DOMAIN, "MX", Outcome.NXDOMAIN)) | host(DOMAIN, V4, records=[OK_RECORD]), {V4: shakes()},
        "ok verified protected all", "implicit-mx",
    ),
    VerdictCase(
        "8a", "the preferred MX does not exist, the other is fine",
        TWO | missing(MX1) | host(MX2, V4, records=[OK_RECORD]), {V4: shakes()},
        "ok verified protected all", "mx-target-nxdomain",
        hosts={MX1: "none", MX2: "ok"},
    ),
    VerdictCase(
        "8b", "no MX exists",
        TWO | missing(MX1) | missing(MX2, Outcome.NODATA), {},
        "no_mail bounce no_mail no_mail", "mx-targets-unresolvable",
    ),
    VerdictCase(
        "8b error", "no MX host is known to exist, one lookup failed",
        TWO | missing(MX1) | rows(nothing(MX2, "A"), failed(MX2, "AAAA")), {},
        "inconclusive defer unknown unknown", "mx-target-nxdomain address-lookup-failed",
        hosts={MX2: "lookup_failed"},
    ),
    VerdictCase(
        "8c NXDOMAIN", "the domain does not exist",
        rows(nothing(DOMAIN, "MX", Outcome.NXDOMAIN)) | missing(DOMAIN), {},
        "no_mail bounce no_mail no_mail", "nxdomain",
    ),
    VerdictCase(
        "8c NODATA", "the domain has neither MX nor address",
        rows(nothing(DOMAIN, "MX")) | missing(DOMAIN, Outcome.NODATA), {},
        "no_mail bounce no_mail no_mail", "no-address",
    ),
    VerdictCase(
        "9", "TLSA published, STARTTLS not offered",
        mx() | SIGNED, {V4: no_starttls},
        "fail defer broken none", "starttls-not-offered level-not-met", f"starttls-not-supported {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "cleartext no_tls"},
    ),
    VerdictCase(
        "9 EHLO refused", "a server that knows no EHLO offers no STARTTLS",
        mx() | SIGNED, {V4: fails(Phase.EHLO, FailureKind.REJECTED, 502)},
        "fail defer broken none", "ehlo-rejected level-not-met", f"starttls-not-supported {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "cleartext no_tls"},
    ),
    VerdictCase(
        "10", "only an easier profile gets TLS; the record matches there",
        mx() | SIGNED, {V4: LEGACY},
        "fail defer broken all", "tls-legacy-only tls-handshake-failed level-not-met",
        f"validation-failure {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "failed no_tls"},
    ),
    VerdictCase(
        "10b", "the same without TLSA",
        mx() | PLAIN, {V4: LEGACY},
        "ok encrypted none all", "tlsa-none tls-legacy-only tls-handshake-failed", "validation-failure",
        hosts={MX1: "none"}, ends={V4: "trusted none"},
    ),
    VerdictCase(
        "10 anonymous", "the same with suites without a certificate only",
        mx() | SIGNED, {V4: by_profile(authenticated=fakes.breaks_handshake, easier=fakes.anonymous())},
        "fail defer broken all", "tls-legacy-only tls-handshake-failed tls-anonymous level-not-met",
        f"validation-failure {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "failed no_tls"},
    ),
    VerdictCase(
        "10 weak", "TLS 1.2 with a weak signature or key only; the record matches there",
        mx() | SIGNED, {V4: WEAK},
        "fail defer broken all", "tls-weak-only tls-handshake-failed level-not-met",
        f"validation-failure {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "failed no_tls"},
    ),
    VerdictCase(
        "10b weak", "the same without TLSA",
        mx() | PLAIN, {V4: WEAK},
        "ok encrypted none all", "tlsa-none tls-weak-only tls-handshake-failed", "validation-failure",
        hosts={MX1: "none"}, ends={V4: "trusted none"},
    ),
    VerdictCase(
        "10 in doubt", "a session that no weakness explains is doubt: the failures before it may have passed",
        mx() | SIGNED, {V4: BREAKS_LATER},
        "inconclusive defer unknown all", "tls-handshake-failed", "validation-failure",
        hosts={MX1: "unknown"},
    ),
    VerdictCase(
        "10 silent", "silence is not the refusal of an authenticating client",
        mx() | SIGNED, {V4: by_profile(authenticated=SILENT, easier=shakes(version="TLSv1.2"))},
        "inconclusive defer unknown all", "tls-timeout",
        hosts={MX1: "unknown"}, ends={V4: "unknown unknown"},
    ),
    VerdictCase(
        "10 untried", "whether a small ClientHello would do is not known",
        mx() | SIGNED, {V4: large_hello(then=refuses)},
        "inconclusive defer unknown unknown", "connection-refused",
        hosts={MX1: "unknown"}, ends={V4: "unknown unknown"},
    ),
    *(
        VerdictCase(
            f"23 by {kind}", "a large ClientHello fails, a small one does not",
            mx() | SIGNED, {V4: large_hello(kind)},
            "ok verified protected all", "tls-large-hello-intolerant",
            hosts={MX1: "ok"}, ends={V4: "verified ok"},
        )
        for kind in (FailureKind.RESET, FailureKind.CLOSED, FailureKind.TIMEOUT, FailureKind.TLS)
    ),
    VerdictCase(
        "23 without TLSA", "the same where there is nothing to compare",
        mx() | PLAIN, {V4: large_hello()},
        "ok encrypted none all", "tlsa-none tls-large-hello-intolerant",
        hosts={MX1: "none"}, ends={V4: "verified none"},
    ),
    VerdictCase(
        "23 mismatch", "the session with a small ClientHello can be a mismatch too",
        mx() | WRONG, {V4: large_hello()},
        "fail defer broken all", "tlsa-mismatch tls-large-hello-intolerant level-not-met",
        f"validation-failure {LEVEL_NOT_MET}",
        hosts={MX1: "mismatch"}, ends={V4: "untrusted mismatch"},
    ),
    VerdictCase(
        "23 at secure", "the same at a level without DANE",
        mx() | SIGNED, {V4: large_hello()},
        "ok verified protected all", "tls-large-hello-intolerant",
        ends={V4: "verified ok"}, level=Level.SECURE,
    ),
    VerdictCase(
        "23 at may", "the same where nothing is authenticated",
        mx() | PLAIN,
        {V4: lambda end: (shakes() if end.profile == "opportunistic-classical" else fakes.breaks_handshake)(end)},
        "ok encrypted none all", "tlsa-none tls-large-hello-intolerant",
        level=Level.MAY,
    ),
    VerdictCase(
        "23 and 10", "a small ClientHello from a client that authenticates fails too",
        mx() | SIGNED,
        {V4: by_profile(authenticated=SILENT, classical=fakes.breaks_handshake, easier=shakes(version="TLSv1"))},
        "fail defer broken all", "tls-legacy-only tls-handshake-failed level-not-met",
        f"validation-failure {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "failed no_tls"},
    ),
    VerdictCase(
        "27", "an MX host whose name leaves no room for _25._tcp",
        mx(f"10 {LONG}") | addresses(LONG, V4), {V4: shakes()},
        "ok encrypted none all", "tlsa-name-impossible",
        hosts={LONG: "none"},
    ),
    VerdictCase(
        "28", "more MX hosts than the limit",
        TWO | SIGNED, {V4: shakes()},
        "ok verified unknown unknown", "host-limit",
        hosts={MX1: "ok", MX2: "unknown"}, limits={"hosts": 1},
    ),
    VerdictCase(
        "28 mismatch", "more MX hosts than the limit, and one is broken",
        TWO | WRONG, {V4: shakes()},
        "inconclusive unknown broken unknown", "tlsa-mismatch host-limit", "validation-failure",
        hosts={MX1: "mismatch", MX2: "unknown"}, limits={"hosts": 1},
    ),
    VerdictCase(
        "28 insecure", "more MX hosts than the limit, the rule of the MX RRset comes first",
        mx(f"10 {MX1}", f"20 {MX2}", security=INSECURE) | SIGNED, {V4: shakes()},
        "ok encrypted insecure unknown", "mx-insecure host-limit",
        limits={"hosts": 1},
    ),
    VerdictCase(
        "28 partial", "more MX hosts than the limit, those examined differ",
        mx(f"10 {MX1}", f"20 {MX2}", "30 mx3.secure.test") | SIGNED | host(MX2, V4B), {V4: shakes(), V4B: shakes()},
        "ok verified partial unknown", "tlsa-none host-limit",
        limits={"hosts": 2},
    ),
    VerdictCase(
        "28 nowhere", "more MX hosts than the limit, those examined have no address",
        TWO | missing(MX1), {},
        "inconclusive unknown unknown unknown", "mx-target-nxdomain host-limit",
        hosts={MX2: "unknown"}, limits={"hosts": 1},
    ),
    VerdictCase(
        "28b", "more addresses than the default limit",
        mx() | host(MX1, *MANY, records=[OK_RECORD]), dict.fromkeys(MANY, shakes()),
        "ok verified unknown all", "address-limit",
        hosts={MX1: "unknown"}, ends={MANY[0]: "verified ok"},
    ),
    VerdictCase(
        "28b mismatch", "the same, and no record matches",
        mx() | host(MX1, *MANY, records=[WRONG_RECORD]), dict.fromkeys(MANY, shakes()),
        "fail defer broken all", "address-limit tlsa-mismatch level-not-met", f"validation-failure {LEVEL_NOT_MET}",
        hosts={MX1: "mismatch"},
    ),
    VerdictCase(
        "28b requested", "more addresses than the user requested",
        mx() | host(MX1, V4, V4B, records=[OK_RECORD]), {V4: shakes()},
        "ok verified protected all", "address-limit",
        hosts={MX1: "ok"}, limits={"addresses": 1},
    ),
    VerdictCase(
        "28b domain", "more addresses than the limit of a domain",
        TWO | host(MX1, V4, V4B, records=[OK_RECORD]) | addresses(MX2, "192.0.2.8", "192.0.2.9"),
        {V4: shakes(), V4B: shakes()},
        "ok verified unknown unknown", "address-limit",
        hosts={MX1: "ok", MX2: "unknown"}, limits={"addresses": 2, "domain_addresses": 3},
    ),
    VerdictCase(
        "29", "addresses that the kernel refuses do not vote beside another host",
        TWO | SIGNED | host(MX2, "fe80::1", records=[OK_RECORD]),
        {V4: shakes(), "fe80::1": fails(Phase.CONNECT, FailureKind.UNREACHABLE, 22)},
        "ok verified protected all", "host-unreachable unreachable",
        hosts={MX2: "unknown"},
    ),
    VerdictCase(
        "30", "records of usage 2 and 3 without data that can be compared",
        mx() | host(MX1, V4, records=[record(3, 1, 255, OK_RECORD.data), record(2, 1, 1, "")]), {V4: shakes()},
        "ok encrypted none all", "tlsa-unusable-data", "tlsa-invalid",
        hosts={MX1: "unusable"},
    ),
    VerdictCase(
        "10 at secure", "a level that authenticates never takes the easier profile",
        mx() | PLAIN, {V4: LEGACY},
        "fail defer none all", "tlsa-none tls-legacy-only tls-handshake-failed level-not-met",
        f"validation-failure {LEVEL_NOT_MET}",
        ends={V4: "failed none"}, level=Level.SECURE,
    ),
    VerdictCase(
        "11", "a trust anchor matches, the name does not",
        mx() | host(MX1, V4, records=[TA_RECORD]), {V4: shakes(OTHER_LEAF, pki.INTER, pki.ROOT)},
        "fail defer broken all", "name-mismatch level-not-met", f"certificate-host-mismatch {LEVEL_NOT_MET}",
        hosts={MX1: "mismatch"}, ends={V4: "trusted mismatch"},
    ),
    VerdictCase(
        "12", "the MX RRset is proved bogus",
        rows(failed(DOMAIN, "MX", BOGUS)), {},
        "fail defer lookup_failed unknown", "mx-bogus level-not-met", f"dnssec-invalid {LEVEL_NOT_MET}",
    ),
    VerdictCase(
        "12 SERVFAIL", "the MX lookup fails; whether by DNSSEC is not known",
        rows(failed(DOMAIN, "MX")), {},
        "inconclusive defer lookup_failed unknown", "mx-lookup-failed",
    ),
    VerdictCase(
        "13", "addresses insecure, TLSA published: it is not even asked for",
        mx() | addresses(MX1, V4, security=INSECURE), {V4: shakes()},
        "ok encrypted none all", "host-insecure",
        hosts={MX1: "insecure"}, ends={V4: "verified insecure"},
    ),
    VerdictCase(
        "13 beside a good one", "one host is covered, one is not",
        TWO | SIGNED | addresses(MX2, V4B, security=INSECURE), {V4: shakes(), V4B: shakes(SELF_SIGNED)},
        "ok verified partial all", "host-insecure",
        hosts={MX1: "ok", MX2: "insecure"}, ends={V4B: "untrusted insecure"},
    ),
    VerdictCase(
        "14", "A is fine, AAAA is bogus",
        mx() | SIGNED | rows(failed(MX1, "AAAA", BOGUS)), {V4: shakes()},
        "ok verified protected all", "aaaa-lookup-failed",
        hosts={MX1: "ok"},
    ),
    VerdictCase(
        "14 SERVFAIL", "A is fine, AAAA fails",
        mx() | SIGNED | rows(failed(MX1, "AAAA")), {V4: shakes()},
        "ok verified protected all", "aaaa-lookup-failed",
        hosts={MX1: "ok"},
    ),
    VerdictCase(
        "15a target", "an alias, TLSA at its target",
        mx() | addresses(MX1, V4, alias_of=REAL) | tlsa(REAL, OK_RECORD), {V4: shakes()},
        "ok verified protected all", "mx-target-is-alias",
        hosts={MX1: "ok"},
    ),
    VerdictCase(
        "15a alias", "an alias, TLSA at the alias",
        mx() | addresses(MX1, V4, alias_of=REAL) | tlsa(REAL) | tlsa(MX1, OK_RECORD), {V4: shakes()},
        "ok verified protected all", "mx-target-is-alias",
        hosts={MX1: "ok"},
    ),
    VerdictCase(
        "15b", "a secure alias of insecure addresses, TLSA at the alias",
        mx()
        | addresses(MX1, V4, security=INSECURE, alias_of=REAL)
        | rows(answer(MX1, "CNAME", REAL))
        | tlsa(MX1, OK_RECORD),
        {V4: shakes()},
        "ok verified protected all", "mx-target-is-alias",
        hosts={MX1: "ok"},
    ),
    VerdictCase(
        "15c", "an insecure alias, whatever it leads to",
        mx()
        | addresses(MX1, V4, security=INSECURE, alias_of=REAL)
        | rows(answer(MX1, "CNAME", REAL, security=INSECURE)),
        {V4: shakes()},
        "ok encrypted none all", "mx-target-is-alias host-insecure",
        hosts={MX1: "insecure"},
    ),
    VerdictCase(
        "16 with TLSA", "one MX is down; with records to compare it has no say",
        TWO | SIGNED | host(MX2, V4B, V6, records=[OK_RECORD]), {V4: shakes(), V4B: times_out, V6: refuses},
        "ok verified protected all", "host-unreachable connect-timeout connection-refused",
        hosts={MX2: "unknown"}, ends={V4B: "unknown unknown"},
    ),
    VerdictCase(
        "16 without TLSA", "one MX is down; DNS alone shows that it is not covered",
        TWO | SIGNED | host(MX2, V4B), {V4: shakes(), V4B: times_out},
        "ok verified partial all", "tlsa-none host-unreachable connect-timeout",
        hosts={MX2: "none"},
    ),
    VerdictCase(
        "17", "no MX answers",
        TWO | SIGNED | host(MX2, V4B, records=[OK_RECORD]), {V4: times_out, V4B: times_out},
        "inconclusive defer unknown unknown", "host-unreachable connect-timeout",
        hosts={MX1: "unknown", MX2: "unknown"}, ends={V4: "unknown unknown"},
    ),
    VerdictCase(
        "18", "mismatch at the preferred MX, the other matches",
        TWO | host(MX1, V4, records=[WRONG_RECORD]) | host(MX2, V4B, records=[OK_RECORD]),
        {V4: shakes(), V4B: shakes()},
        "ok verified broken all", "tlsa-mismatch delivered-by-lesser-mx", "validation-failure",
        hosts={MX1: "mismatch", MX2: "ok"}, ends={V4: "untrusted mismatch"},
    ),
    VerdictCase(
        "18 equal", "mismatch at one of two equal MXes: neither is the lesser",
        mx(f"10 {MX1}", f"10 {MX2}")
        | host(MX1, V4, records=[WRONG_RECORD])
        | host(MX2, V4B, records=[OK_RECORD]),
        {V4: shakes(), V4B: shakes()},
        "ok verified broken all", "tlsa-mismatch", "validation-failure",
    ),
    VerdictCase(
        "19", "special-purpose addresses are not contacted",
        mx() | SIGNED, {},
        "inconclusive unknown unknown unknown", "address-not-public",
        hosts={MX1: "unknown"}, scope=Scope(),
    ),
    VerdictCase(
        "19 opted out", "nor are hosts whose operator said no",
        mx() | PLAIN, {},
        "inconclusive unknown unknown unknown", "opted-out",
        hosts={MX1: "unknown"}, scope=OPTED_OUT,
    ),
    VerdictCase(
        "20", "no trusted resolver validates",
        mx(security=UNTOLD) | addresses(MX1, V4, security=UNTOLD), {V4: shakes()},
        "inconclusive unknown unknown all", "dns-indeterminate",
        hosts={MX1: "unknown"}, ends={V4: "trusted unknown"},
    ),
    VerdictCase(
        "21", "neither TLSA nor STARTTLS: mail is delivered, in the clear",
        mx() | PLAIN, {V4: no_starttls},
        "ok cleartext none none", "tlsa-none starttls-not-offered", "starttls-not-supported",
        ends={V4: "cleartext none"},
    ),
    VerdictCase(
        "21 at dane-only", "dane-only wants records",
        mx() | PLAIN, {V4: shakes()},
        "fail defer none all", "tlsa-none level-not-met", LEVEL_NOT_MET,
        level=Level.DANE_ONLY,
    ),
    VerdictCase(
        "22", "STARTTLS refused for now, no TLSA: clear text, as smtp(8) at may",
        mx() | PLAIN, {V4: REFUSED_454},
        "ok cleartext none none", "tlsa-none starttls-refused", "starttls-not-supported",
        ends={V4: "failed none"},
    ),
    VerdictCase(
        "24", "certificate that only our TLS library refuses to decode, with TLSA: not judged",
        mx() | SIGNED, {V4: UNDECODABLE}, "inconclusive unknown unknown unknown", "certificate-undecodable-here",
        hosts={MX1: "unknown"}, ends={V4: "unknown unknown"},
    ),
    VerdictCase(
        "24 without TLSA", "certificate that only our TLS library refuses to decode",
        mx() | PLAIN, {V4: UNDECODABLE}, "inconclusive unknown none unknown", "tlsa-none certificate-undecodable-here",
        ends={V4: "unknown none"},
    ),
    VerdictCase(
        "24b", "Diffie-Hellman prime that this scanner refuses, with TLSA: not judged, and no second probe",
        mx() | SIGNED, {V4: LARGE_PRIME}, "inconclusive unknown unknown unknown", "dh-prime-too-large",
        hosts={MX1: "unknown"}, ends={V4: "unknown unknown"},
    ),
    VerdictCase(
        "24b without TLSA", "Diffie-Hellman prime that this scanner refuses",
        mx() | PLAIN, {V4: LARGE_PRIME}, "inconclusive unknown none unknown", "tlsa-none dh-prime-too-large",
        ends={V4: "unknown none"},
    ),
    VerdictCase(
        "22 with TLSA", "STARTTLS refused for now: no TLS, no mail",
        mx() | SIGNED, {V4: REFUSED_454},
        "fail defer broken none", "starttls-refused level-not-met", f"starttls-not-supported {LEVEL_NOT_MET}",
        hosts={MX1: "no_tls"}, ends={V4: "failed no_tls"},
    ),
    VerdictCase(
        "TLS on one address only", "one address without TLS spoils a host for DANE; STARTTLS is on some",
        mx() | host(MX1, V4, V4B, records=[OK_RECORD]), {V4: shakes(), V4B: no_starttls},
        "ok verified broken some", "starttls-not-offered", "starttls-not-supported",
        hosts={MX1: "no_tls"}, ends={V4: "verified ok", V4B: "cleartext no_tls"},
    ),
    VerdictCase(
        "anonymous at may", "a client that offers anonymous suites cannot accuse a server without certificate",
        mx() | SIGNED, {V4: fakes.anonymous()},
        "ok encrypted unknown all", "tls-anonymous", "validation-failure",
        hosts={MX1: "unknown"}, ends={V4: "anonymous unknown"}, level=Level.MAY,
    ),
    VerdictCase(
        "our own limits", "a host that this machine could not reach is not a host that is down",
        TWO | SIGNED | host(MX2, V4B, records=[OK_RECORD]),
        {V4: shakes(), V4B: fails(Phase.CONNECT, FailureKind.RESOURCES)},
        "ok verified unknown unknown", "local-limit",
        hosts={MX2: "unknown"},
    ),
    VerdictCase(
        "EHLO refused under TLS", "TLS has come about: that is no lack of STARTTLS",
        mx() | SIGNED, {V4: shakes(then=Failure(Phase.EHLO_TLS, FailureKind.REJECTED, 550))},
        "inconclusive defer protected all", "ehlo-tls-rejected",
        ends={V4: "verified ok"},
    ),
    VerdictCase(
        "31", "a mismatch whose confirmation is refused",
        mx() | WRONG, {V4: [shakes(), refuses]},
        "inconclusive defer unknown unknown", "connection-refused",
        ends={V4: "unknown unknown"},
    ),
    VerdictCase(
        "31 spare", "a mismatch of the easier profile whose confirmation is refused",
        mx() | WRONG, {V4: [fakes.breaks_handshake, fakes.breaks_handshake, shakes(version="TLSv1"), refuses]},
        "inconclusive defer unknown unknown", "connection-refused",
        ends={V4: "unknown unknown"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row)
async def test_a_domain_gets_its_verdict(case: VerdictCase) -> None:
    settings = replace(Settings(level=case.level), **case.limits)  # type: ignore[arg-type] # limits by name
    record_ = (await case.world.examine(settings=settings)).record
    verdict = record_.verdict
    assert f"{verdict.outcome} {verdict.sender} {verdict.dane} {verdict.starttls}" == case.verdict
    assert " ".join(verdict.reasons) == case.reasons
    assert " ".join(verdict.tlsrpt) == case.tlsrpt
    hosts = {each.host: str(each.dane) for each in record_.hosts}
    assert hosts | case.hosts == hosts
    ends = {end.address: f"{end.tls} {end.dane}" for each in record_.hosts for end in each.endpoints}
    assert ends | case.ends == ends


async def test_evidence_of_the_easier_profile_is_kept() -> None:
    finding = await World(mx() | SIGNED, {V4: LEGACY}).examine()  # row 10
    (end,) = finding.reports[0].endpoints
    assert end.dane is not None
    assert end.dane.matched
    profiles = [probe.endpoint.profile for probe in end.probes]
    assert profiles == ["authenticated", "authenticated-classical", "opportunistic-classical"]


async def test_every_step_of_the_search_for_tlsa_is_kept() -> None:
    (case,) = [case for case in CASES if case.row == "15b"]
    finding = await case.world.examine()
    assert [(step.name, step.rtype) for step in finding.reports[0].tlsa.steps] == [
        (MX1, "CNAME"),
        (f"_25._tcp.{MX1}", "TLSA"),
    ]


async def test_a_silent_address_is_distinguished_from_one_that_has_no_starttls() -> None:
    finding = await World(mx() | host(MX1, V4, V4B, records=[OK_RECORD]), {V4: shakes(), V4B: BUSY}).examine()  # row 5
    (one,) = finding.record.hosts
    busy = one.endpoints[1]
    assert (busy.starttls, busy.reasons, busy.text) == ("unknown", ("greeting-4xx",), "421 too many connections")


@dataclass(frozen=True)
class _End:
    profile: str


@dataclass(frozen=True)
class _Observed:
    """The part of a probe that the rule reads, as a reader of a run decodes it."""

    number: int
    endpoint: _End
    handshake: str | None


_PROFILES = {"own": "authenticated", "twin": "authenticated-classical", "easy": "opportunistic-classical"}


@pytest.mark.parametrize(
    # A word is a probe: the level's own profile, the same with classical groups (twin) or an easier one, with (+) or
    # without (-) a handshake.
    ("probes", "own", "spare", "shown"),
    [
        ("own+", 0, None, 0),
        ("own-", 0, None, 0),
        ("own- easy+", 0, 1, 1),
        ("own- easy-", 0, 1, 0),
        ("own+ own+", 1, None, 1),
        ("own+ own-", 1, None, 1),  # verdicts, case 31: a confirmation that fails replaces what it was to confirm
        ("own+ own- easy+", 1, 2, 2),
        ("own- easy+ own-", 2, None, 2),
        ("own- easy+ own+", 2, None, 2),
        ("own- easy+ own- easy-", 2, 3, 2),
        ("own- easy+ own- easy+", 2, 3, 3),
        ("own- twin+", 1, None, 1),
        ("own- twin-", 1, None, 1),
        ("own- twin- easy+", 1, 2, 2),
        ("own- twin- easy-", 1, 2, 1),
        ("own- twin+ own- twin+", 3, None, 3),
        ("own- twin+ own-", 2, None, 2),
        ("own- twin- easy+ own- twin- easy+", 4, 5, 5),
    ],
)
def test_one_probe_stands_for_an_address(probes: str, own: int, spare: int | None, shown: int) -> None:
    seen = [
        _Observed(number, _End(_PROFILES[word[:-1]]), "TLSv1.3" if word.endswith("+") else None)
        for number, word in enumerate(probes.split())
    ]
    found = roles(seen)
    assert (found.own.number, found.spare and found.spare.number, found.shown.number) == (own, spare, shown)


@pytest.mark.parametrize(
    ("what", "dns", "server", "senders"),
    # the sender at            may encrypt verify secure dane dane-only
    [
        ("all in order", mx() | SIGNED, shakes(), "encrypted encrypted verified verified verified verified"),
        ("insecure MX", MX_INSECURE, shakes(), "encrypted encrypted verified verified encrypted defer"),
        ("no TLSA", mx() | PLAIN, shakes(), "encrypted encrypted verified verified encrypted defer"),
        ("self-signed, no TLSA", mx() | PLAIN, shakes(SELF_SIGNED), "encrypted encrypted defer defer encrypted defer"),
        ("self-signed, TLSA", mx() | SIGNED, shakes(SELF_SIGNED), "encrypted encrypted defer defer verified verified"),
        (
            "wrong TLSA",
            mx() | host(MX1, V4, records=[WRONG_RECORD]),
            shakes(),
            "encrypted encrypted verified verified defer defer",
        ),
        (
            "named for the host only",
            mx(domain="other.test") | SIGNED,
            shakes(),
            "encrypted encrypted verified defer verified verified",
        ),
        ("no STARTTLS", mx() | PLAIN, no_starttls, "cleartext defer defer defer cleartext defer"),
        ("STARTTLS refused", mx() | PLAIN, REFUSED_454, "cleartext defer defer defer cleartext defer"),
        ("legacy TLS", mx() | PLAIN, LEGACY, "encrypted encrypted defer defer encrypted defer"),
        ("weak TLS", mx() | SIGNED, WEAK, "encrypted encrypted defer defer defer defer"),
        ("large hello", mx() | SIGNED, large_hello(), "encrypted encrypted verified verified verified verified"),
        ("broken TLS", mx() | PLAIN, fakes.breaks_handshake, "cleartext defer defer defer cleartext defer"),
        ("busy", mx() | PLAIN, BUSY, "defer defer defer defer defer defer"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value and "er " not in value else "",
)
async def test_the_sender_at_each_level(
    what: str, dns: fakes.Table, server: fakes.Behaviour, senders: str
) -> None:  # smtp(8): postconf(5) smtp_tls_security_level, and RFC 7672 section 2.2 for the last two
    levels = (Level.MAY, Level.ENCRYPT, Level.VERIFY, Level.SECURE, Level.DANE, Level.DANE_ONLY)
    domain = next(name for name, rtype in dns if rtype == "MX")
    found = [(await World(dns, {V4: server}).examine(domain, Settings(level=level))).record for level in levels]
    assert " ".join(record_.verdict.sender for record_ in found) == senders
    delivered = [record_.verdict.outcome == "ok" for record_ in found]
    assert delivered == [sender != "defer" for sender in senders.split()]
