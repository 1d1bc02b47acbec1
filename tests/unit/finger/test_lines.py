"""The lines of finger, one by one: texts of posttls-finger 3.12, formatted from records."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from scanner.core import tlsa
from scanner.core.policy import Judgement, Policy
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, Failure, Handshake, Reply
from scanner.finger import lines
from scanner.finger.log_keywords import LogMask
from scanner.model import DaneEvidence, PathError, PkixEvidence
from scanner.net.probe_events import Secured
from scanner.vocabulary import FailureKind, Level, Phase, TLSState
from tests.differential import chains, signers
from tests.differential.chains import cn
from tests.unit.mailserver import certificate
from tests.unit.memory_ports import good_tlsa

NAP = "Mx.test[192.0.2.1]:25"
NA = NAP.lower()
LEAF = certs.facts(certificate("p256").public_bytes(Encoding.DER))
HANDSHAKE = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, "x25519", "ecdsa_secp256r1_sha256", None, ())
DANE = Policy(Level.DANE, ("mx.test",), check_names=True)
RECORD = tlsa.parse_rdata(good_tlsa())
MATCH = DaneEvidence(RECORD, 0, bare_key=False, needs_name=False, path=(LEAF.sha256,))


def shown(policy: Policy = DANE, mask: LogMask = LogMask.PEER, *, resumed: bool = False) -> lines.LineOptions:
    return lines.LineOptions(NAP, mask, policy, "sha256", resumed=resumed)


# --- the peer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "evidence", "peername", "expected"),
    [
        (DANE, MATCH, None, ["Matched DANE EE certificate at depth 0: 3 1 1 {hex}"]),
        (
            DANE,
            replace(MATCH, depth=2, needs_name=True, record=replace(RECORD, usage=2)),
            "mx.test",
            ["matched peername: mx.test", "Matched DANE TA certificate at depth 2: 2 1 1 {hex}"],
        ),
        (
            DANE,
            replace(MATCH, depth=1, needs_name=True, bare_key=True, record=replace(RECORD, usage=2, matching_type=0)),
            "mx.test",
            [
                "matched peername: mx.test",
                "Matched DANE TA public key verified certificate at depth 1: 2 1 0 {hex}",
            ],
        ),
        (Policy(Level.FINGERPRINT), MATCH, None, ["Matched fingerprint: {hex}"]),
        (
            Policy(Level.SECURE),
            replace(MATCH, depth=2),
            "x",
            ["matched peername: x", "Matched trust anchor at depth 2"],
        ),
        (Policy(Level.SECURE), PkixEvidence(()), "mx.test", ["matched peername: mx.test"]),
    ],
)
def test_what_matched(
    policy: Policy, evidence: DaneEvidence | PkixEvidence, peername: str | None, expected: list[str]
) -> None:
    printed = lines.peer_lines(shown(policy), Judgement(TLSState.VERIFIED, None, peername), evidence, (LEAF,))
    assert printed[:-1] == [f"{NA}: {line.format(hex=RECORD.data.upper())}" for line in expected]
    assert printed[-1].startswith(f"{NA}: subject_CN=mx.test, issuer=mx.test, cert fingerprint=")


def test_nothing_is_said_of_the_peer_unless_asked_or_wrong() -> None:
    fine, wrong = Judgement(TLSState.VERIFIED), Judgement(TLSState.UNTRUSTED, PathError(65, 0, "no match"))
    assert lines.peer_lines(shown(mask=LogMask.SUMMARY), fine, MATCH, (LEAF,)) == []
    assert lines.peer_lines(shown(mask=LogMask.SUMMARY), fine, None, ()) == []
    printed = [f"server certificate verification failed for {NA}: num=65:no match"]
    assert lines.peer_lines(shown(mask=LogMask.NOTHING), wrong, MATCH, (LEAF,)) == printed
    may = Policy(Level.MAY)
    assert lines.peer_lines(shown(may, LogMask.SUMMARY), wrong, MATCH, (LEAF,)) == []
    assert lines.peer_lines(shown(may, LogMask.UNTRUSTED), wrong, MATCH, (LEAF,)) == printed


def test_nothing_has_matched_where_nothing_had_to() -> None:
    # after the fallback at handshake time the names are known, but the level is encrypt: as Debian's 3.7.11
    fallen = Policy(Level.ENCRYPT, ("mx.test",), check_names=True)
    printed = lines.peer_lines(shown(fallen), Judgement(TLSState.TRUSTED, None, "mx.test"), PkixEvidence(()), (LEAF,))
    assert [line.split("=")[0] for line in printed] == [f"{NA}: subject_CN"]


def test_a_resumed_session_is_not_matched_again() -> None:
    printed = lines.peer_lines(shown(resumed=True), Judgement(TLSState.VERIFIED), MATCH, (LEAF,))
    assert [line.split("=")[0] for line in printed] == [f"{NA}: subject_CN"]
    wrong = Judgement(TLSState.UNTRUSTED, PathError(65, 0, "no match"))
    assert lines.peer_lines(shown(resumed=True, mask=LogMask.SUMMARY), wrong, MATCH, (LEAF,)) == [
        f"{NAP}: re-using session with untrusted peer credential, look for details earlier in the log"
    ]


def names(cert: CertFacts, policy: Policy = DANE, evidence: DaneEvidence = MATCH) -> list[str]:
    printed = lines.peer_lines(shown(policy), Judgement(TLSState.VERIFIED), evidence, (cert,))
    return [line.split(", cert fingerprint")[0] for line in printed if "Matched" not in line]


FIELDS = [
    # CN, complaint, what is shown: Postfix's tls_text_name
    ("Zoë 邮件", [], "Zoë 邮件"),
    ("a" * 255, [], "a" * 255),
    ("a" * 256, ["peer subject CN too long: 256"], ""),
    ("é" * 128, ["peer subject CN too long: 256"], ""),  # octets count
    ("mx\0.evil", ["NULL character in peer subject CN"], ""),
    ("mx\0\0", [], "mx"),
    ("mx\n.test", ["non-printable content in peer subject CN"], ""),
    ("mx\x7f", ["non-printable content in peer subject CN"], ""),
]


@pytest.mark.parametrize(("cn", "complaints", "text"), FIELDS)
def test_names_that_are_not_fit_to_print(cn: str, complaints: list[str], text: str) -> None:
    printed = names(replace(LEAF, subject_cns=(cn,)))
    warned = [f"warning: tls_text_name: {NA}: {complaint}" for complaint in complaints]
    assert printed == [*warned, f"{NA}: subject_CN={text}, issuer=mx.test"]


def test_without_a_cn_the_name_that_matches_is_shown() -> None:
    """Also on a chain that is worth nothing; with DANE-EE names are not compared."""
    nameless = replace(LEAF, subject_cns=(), dns_names=("*.a.test",))
    policy = Policy(Level.DANE, ("mx.a.test",), check_names=True)
    anchored = replace(MATCH, needs_name=True)
    assert names(nameless, policy, anchored) == [f"{NA}: subject_CN=*.a.test, issuer=mx.test"]
    assert names(nameless, policy) == [f"{NA}: subject_CN=, issuer=mx.test"]
    assert names(nameless, Policy(Level.MAY, ("mx.a.test",)), anchored) == [f"{NA}: subject_CN=, issuer=mx.test"]


def test_the_path_from_its_top() -> None:
    chain = (LEAF, certs.facts(certificate("rsa").public_bytes(Encoding.DER)))
    evidence = PkixEvidence(tuple(cert.sha256 for cert in chain), (PathError(10, 0, "expired"),))
    assert lines.path_lines(NA, evidence, chain) == [
        f"{NA}: depth=1 verify=1 subject=/CN=mx.test",
        f"{NA}: depth=0 verify=0 subject=/CN=mx.test",
    ]


# --- the summary ----------------------------------------------------------------------------------------------

HEAD = f"Verified TLS connection established to {NA}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
RSA = replace(LEAF, key_type="RSA", key_bits=2048)

SUMMARIES = [
    (HANDSHAKE, LEAF, "key-exchange x25519 server-signature ECDSA (prime256v1) server-digest SHA256"),
    (
        replace(HANDSHAKE, signature="rsa_pss_rsae_sha256"),
        RSA,
        "key-exchange x25519 server-signature RSA-PSS (2048 bits) server-digest SHA256",
    ),
    (
        replace(HANDSHAKE, signature="ed25519"),
        replace(LEAF, key_type="ED25519"),
        "key-exchange x25519 server-signature ED25519",
    ),
    (replace(HANDSHAKE, signature=None), RSA, "key-exchange x25519 server-signature RSA-PSS (2048 bits)"),
    (replace(HANDSHAKE, resumed=True), LEAF, "key-exchange x25519"),
]


@pytest.mark.parametrize(("handshake", "leaf", "tail"), SUMMARIES)
def test_summaries(handshake: Handshake, leaf: CertFacts, tail: str) -> None:
    assert lines.summary(NA, TLSState.VERIFIED, Secured(handshake, ()), (leaf,)) == f"{HEAD} {tail}"


def test_older_versions_say_no_more_than_the_cipher() -> None:
    old = replace(HANDSHAKE, version="TLSv1.2", cipher="AECDH-AES256-SHA", signature=None)
    assert lines.summary(NA, TLSState.ANONYMOUS, Secured(old, ()), ()) == (
        f"Anonymous TLS connection established to {NA}: TLSv1.2 with cipher AECDH-AES256-SHA (256/256 bits)"
    )


def test_our_own_signature_comes_last() -> None:
    facts = Secured(HANDSHAKE, (), certificate("p384").public_bytes(Encoding.DER), "ecdsa_secp384r1_sha384")
    assert lines.summary(NA, TLSState.VERIFIED, facts, (LEAF,)).endswith(
        " server-digest SHA256 client-signature ECDSA (secp384r1) client-digest SHA384"
    )
    unknown = replace(facts, own_signature=None)
    assert "client" not in lines.summary(NA, TLSState.VERIFIED, unknown, (LEAF,))


# --- failures -------------------------------------------------------------------------------------------------

HANDSHAKES = [
    (FailureKind.TIMEOUT, ["Connection timed out"]),
    (FailureKind.CLOSED, ["lost connection"]),
    (FailureKind.RESET, ["Connection reset by peer"]),
    (FailureKind.TLS, ["-1", "0A00010B:SSL routines::wrong version number"]),
]


@pytest.mark.parametrize(("kind", "words"), HANDSHAKES)
def test_handshakes_that_fail(kind: FailureKind, words: list[str]) -> None:
    printed = lines.handshake_failure(NAP, Failure(Phase.HANDSHAKE, kind), words[1:])
    assert printed == [
        f"SSL_connect error to {NAP}: {words[0]}",
        *(f"warning: TLS library problem: error:{error}:::" for error in words[1:]),
    ]


DIALOGUES = [
    (Phase.GREETING, FailureKind.CLOSED, "lost connection while reading server greeting"),
    (Phase.GREETING, FailureKind.RESET, "lost connection while reading server greeting"),
    (Phase.GREETING, FailureKind.TIMEOUT, "timeout while reading server greeting"),
    (Phase.EHLO, FailureKind.CLOSED, "lost connection while sending EHLO"),
    (Phase.EHLO_TLS, FailureKind.TIMEOUT, "timeout while sending EHLO"),
    (Phase.STARTTLS, FailureKind.CLOSED, "lost connection while sending STARTTLS"),
    (Phase.STARTTLS, FailureKind.TIMEOUT, "timeout while sending STARTTLS"),
]


@pytest.mark.parametrize(("phase", "kind", "text"), DIALOGUES)
def test_dialogues_that_end(phase: Phase, kind: FailureKind, text: str) -> None:
    assert lines.dialogue_failure(Failure(phase, kind), None, lmtp=False) == [text]
    lhlo = text.replace("EHLO", "LHLO")
    assert lines.dialogue_failure(Failure(phase, kind), None, lmtp=True) == [lhlo]


def refused(*texts: str, code: int | None = 550, phase: Phase = Phase.EHLO) -> str:
    failure = Failure(phase, FailureKind.REJECTED if code else FailureKind.GARBAGE, code, " ".join(texts)[:500])
    (line,) = lines.dialogue_failure(failure, Reply(code or 0, texts), lmtp=False)
    return line


def test_refusals_are_told_in_the_servers_words() -> None:
    assert refused("5.7.1 no", phase=Phase.GREETING) == "SMTP service not available: 550 5.7.1 no"
    assert refused("later", code=454, phase=Phase.STARTTLS) == "STARTTLS rejected: 454 later"
    assert refused("one", "two\tthree") == "EHLO rejected: 550 one?two?three"
    assert refused("HTTP/1.1", code=None, phase=Phase.GREETING) == "SMTP service not available: 0 HTTP/1.1"
    assert refused("a" * 2047, "b" * 9, "c") == f"EHLO rejected: 550 {'a' * 2047}?{'b' * 9}"  # line_length_limit


def test_an_endless_line_is_complained_about() -> None:
    failure = Failure(Phase.GREETING, FailureKind.TOO_LONG, text="a line of more than 4096 octets")
    assert lines.dialogue_failure(failure, None, lmtp=False) == [
        "warning: disabling input from unknown_stream",
        "lost connection while reading server greeting",
    ]
    failure = Failure(Phase.GREETING, FailureKind.TOO_LONG, text="a reply of more than 128 lines")
    assert len(lines.dialogue_failure(failure, None, lmtp=False)) == 1


# --- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/O=x/CN=y", "/O=x/CN=y"),
        ("/O=x/CN=" + "y" * 247, "/O=x/CN=" + "y" * 247),  # 255 octets
        ("/O=x/CN=" + "y" * 248, "/O=x"),
        ("/CN=" + "y" * 300, ""),
        ("/O=a\\/b=c/CN=" + "y" * 250, "/O=a\\/b=c"),
        ("/OU=" + "x" * 100 + "+CN=" + "y" * 200, "/OU=" + "x" * 100),
    ],
)
def test_long_names_are_cut_at_an_attribute(name: str, shown: str) -> None:
    """Expected: Debian's 3.7.11 with such certificates."""
    assert lines.cut_name(name) == shown


def test_odd_names_are_reported_first_and_whatever_is_printed() -> None:
    """Expected: Debian's 3.7.11, which replaces a CN that cannot be printed by the matched name."""
    odd = replace(issued_by(cn("a\0b")), subject_cns=("x" * 256,), dns_names=("mx.test",))
    warned = [
        f"warning: tls_text_name: {NA}: NULL character in peer issuer CN",
        f"warning: tls_text_name: {NA}: peer subject CN too long: 256",
    ]
    wrong = Judgement(TLSState.UNTRUSTED, PathError(65, 0, "no match"))
    assert lines.peer_lines(shown(mask=LogMask.NOTHING), wrong, MATCH, (odd,))[:2] == warned
    named = Policy(Level.SECURE, ("mx.test",), check_names=True)
    printed = lines.peer_lines(shown(named), Judgement(TLSState.VERIFIED, None, "mx.test"), PkixEvidence(()), (odd,))
    assert printed[:2] == warned
    assert printed[-1].startswith(f"{NA}: subject_CN=mx.test, issuer=Lab, ")


def issued_by(issuer: bytes) -> CertFacts:
    draft = chains.leaf_draft(signers.pair("p256", 9), chains.ca_draft("Root", signers.pair("p256"), None))
    draft.issuer = issuer
    return certs.facts(draft.make())


@pytest.mark.parametrize(
    ("issuer", "text", "warned"),
    [
        (chains.name(("2.5.4.10", "Org"), ("2.5.4.3", "CA")), "CA", []),
        (chains.name(("2.5.4.10", "Org"), ("2.5.4.11", "Unit")), "Org", []),
        (chains.name(("2.5.4.10", "Org"), ("2.5.4.3", "a\nb")), "Org", ["non-printable content in peer issuer CN"]),
        (chains.name(("2.5.4.10", "a\0b")), "", ["NULL character in peer issuer Organization"]),
        (chains.name(("2.5.4.11", "Unit")), "", []),
        (chains.name(("2.5.4.3", "first"), ("2.5.4.3", "second")), "first", []),
    ],
)
def test_the_organization_stands_for_an_issuer_without_a_printable_cn(
    issuer: bytes, text: str, warned: list[str]
) -> None:
    """Expected: ``tls_issuer_CN`` of Postfix and Debian's 3.7.11 with such certificates."""
    leaf = issued_by(issuer)
    printed = lines.peer_lines(shown(), Judgement(TLSState.VERIFIED), MATCH, (leaf,))
    assert [line for line in printed if line.startswith("warning: ")] == [
        f"warning: tls_text_name: {NA}: {what}" for what in warned
    ]
    assert f", issuer={text}, " in printed[-1]


def test_names_are_compared_where_every_record_is_rejected() -> None:
    """Expected: Debian's 3.7.11 at level dane-only with unusable TLSA records and a certificate without a CN."""
    leaf = replace(LEAF, subject_cns=(), dns_names=("mx.test",))
    nothing = DaneEvidence(None, -1, bare_key=False, needs_name=False, path=(LEAF.sha256,))
    for level, num, name in ((Level.DANE_ONLY, 1, "mx.test"), (Level.SECURE, 1, "mx.test"), (Level.DANE, 65, "")):
        policy = Policy(level, ("mx.test",), check_names=True)
        judgement = Judgement(TLSState.UNTRUSTED, PathError(num, 0, "x"))
        assert f"subject_CN={name}, " in lines.peer_lines(shown(policy), judgement, nothing, (leaf,))[-1]


def test_a_reply_beyond_the_limits_is_named() -> None:
    too_long = Failure(Phase.EHLO, FailureKind.TOO_LONG, text="a reply of more than 1024 lines")
    assert lines.dialogue_failure(too_long, None, lmtp=False) == ["a reply of more than 1024 lines while sending EHLO"]


def test_an_error_of_ours_is_named() -> None:
    broken = Failure(Phase.HANDSHAKE, FailureKind.INTERNAL, text="KeyError()")
    assert lines.internal_error(broken) == "warning: internal error of mxsweep: KeyError()"
