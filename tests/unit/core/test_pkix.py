"""Chains against a trust store: RFC 5280, cases observed with posttls-finger, and the openssl program as an oracle."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from scanner.core.pkix import EMPTY, TrustStore, failure_line, verify
from scanner.core.x509.facts import facts
from scanner.model import PathError
from tests.unit import oracle, pki
from tests.unit.core import test_dane as made
from tests.unit.pki import CHAIN, INTER, INTER_PLAN, LEAF, LEAF_PLAN, NOW, ROOT, ROOT_PLAN, Made

CROSS_ROOT = replace(ROOT_PLAN, issuer=made.STRANGER).make()  # the root's key, certified by a stranger
TWIN_ROOT = replace(ROOT_PLAN, private=pki.key("twin root")).make()  # the root's name, another key
TWIN_ROOT_LEAF = replace(LEAF_PLAN, subject=ROOT.cert.subject, issuer=None, private=pki.key("twin root")).make()
OLD_ROOT = replace(ROOT_PLAN, not_after=pki.YESTERDAY).make()
NOT_QUITE_SELF = replace(LEAF_PLAN, issuer=None, signer=pki.key("nobody")).make()
TALL = made.tower(10)
TALLER = made.tower(12)
TALLEST = made.tower(13)


@dataclass(frozen=True)
class PathCase:
    name: str
    roots: tuple[Made, ...]
    errors: list[tuple[int, int]] = field(default_factory=list)
    chain: tuple[Made, ...] = CHAIN
    size: int = 3  # certificates on the path
    oracle: bool = True


CASES = [
    PathCase("trusted", (ROOT,)),
    PathCase("root not sent", (ROOT,), chain=(LEAF, INTER)),
    PathCase("unordered and superfluous", (ROOT,), chain=(LEAF, made.STRANGER, ROOT, INTER)),
    PathCase("no store", (), [(19, 2)]),
    PathCase("other root", (made.STRANGER,), [(19, 2)]),
    PathCase("root neither sent nor known", (made.STRANGER,), [(20, 1)], chain=(LEAF, INTER), size=2),
    PathCase("leaf only", (ROOT,), [(20, 0), (21, 0)], chain=(LEAF,), size=1),
    PathCase("self-signed leaf", (ROOT,), [(18, 0)], chain=(made.SELF_LEAF,), size=1),
    PathCase("self-signed leaf in the store", (made.SELF_LEAF,), chain=(made.SELF_LEAF,), size=1),
    PathCase("self-issued leaf with a foreign signature", (ROOT,), [(18, 0)], chain=(NOT_QUITE_SELF,), size=1),
    PathCase("intermediate in the store without its root", (INTER,), [(2, 1)], chain=(LEAF, INTER, ROOT), size=2),
    PathCase("intermediate and root in the store", (INTER, ROOT), chain=(LEAF,)),
    PathCase("trusted first: a cross-certified root", (ROOT,), chain=(LEAF, INTER, CROSS_ROOT, made.STRANGER)),
    PathCase("by way of the cross certificate", (made.STRANGER,), chain=(LEAF, INTER, CROSS_ROOT), size=4),
    PathCase("mimic of the root", (ROOT,), [(7, 1)], chain=(LEAF, made.plan(INTER_PLAN, issuer=TWIN_ROOT), TWIN_ROOT)),
    PathCase("self-signed mimic of the root", (ROOT,), [(18, 0)], chain=(TWIN_ROOT_LEAF,), size=1),
    PathCase("mimic in the store", (TWIN_ROOT,), [(7, 1)], chain=(LEAF, INTER)),
    PathCase("the valid one of two roots", (OLD_ROOT, ROOT), chain=(LEAF, INTER)),
    PathCase("expired root", (OLD_ROOT,), [(10, 2)], chain=(LEAF, INTER)),
    PathCase("expired leaf", (ROOT,), [(10, 0)], chain=(made.OLD_LEAF, INTER, ROOT)),
    PathCase("expired leaf, untrusted", (), [(10, 0), (19, 2)], chain=(made.OLD_LEAF, INTER, ROOT)),
    PathCase("expired leaf alone", (), [(20, 0), (21, 0), (10, 0)], chain=(made.OLD_LEAF,), size=1),
    PathCase("expired self-signed leaf", (), [(18, 0), (10, 0)], size=1,
         chain=(made.plan(LEAF_PLAN, issuer=None, not_after=pki.YESTERDAY),)),
    PathCase("expired intermediate", (ROOT,), [(10, 1)], chain=made.OLD_INTER_CHAIN),
    PathCase("not yet valid", (ROOT,), [(9, 0)], chain=(made.EARLY_LEAF, INTER, ROOT)),
    PathCase("leaf for clients", (ROOT,), [(26, 0)], chain=(made.CLIENT_LEAF, INTER, ROOT)),
    PathCase("CA for clients", (ROOT,), [(26, 1)], chain=(LEAF, made.CLIENT_CA, ROOT)),
    PathCase("issuer is no CA", (ROOT,), [(79, 1), (26, 1)], chain=(LEAF, made.NOT_CA, ROOT)),
    PathCase("path length", (made.SHORT_ROOT,), [(25, 3)], chain=(made.DEEP_LEAF, made.DEEP_INTER, INTER), size=4),
    PathCase("forged", (ROOT,), [(7, 0)], chain=(made.FORGED_LEAF, INTER, ROOT)),
    PathCase("weak leaf key", (ROOT,), [(66, 0)], chain=(made.WEAK_LEAF, INTER, ROOT)),
    PathCase("weak issuer key", (ROOT,), [(67, 1)], chain=(made.WEAKLY_SIGNED, made.WEAK_INTER, ROOT)),
    PathCase("SHA-1", (ROOT,), [(68, 0)], chain=(made.SHA1_LEAF, made.STRONG_RSA, ROOT)),
    PathCase("name constraints", (ROOT,), [(47, 0)], chain=(LEAF, made.NARROW_INTER, ROOT)),
    PathCase("unknown critical extension", (ROOT,), [(34, 0)], chain=(made.CRITICAL_LEAF, INTER, ROOT)),
    PathCase("ten certificates", (ROOT,), chain=TALL, size=10),
    PathCase("twelve certificates", (ROOT,), chain=TALLER, size=12),
    PathCase("thirteen certificates", (ROOT,), [(22, 11), (20, 11)], chain=TALLEST, size=12),
]  # fmt: skip


def store(*roots: Made) -> TrustStore:
    return TrustStore.from_pem(*(root.pem for root in roots))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case(case: PathCase) -> None:
    got = verify(pki.chain(*case.chain), store(*case.roots), NOW)
    assert [(e.num, e.depth) for e in got.errors] == case.errors
    assert len(got.path) == case.size
    assert got.path[0] == case.chain[0].facts.sha256


@pytest.fixture(scope="module")
def port() -> int:
    return oracle.free_port()


@pytest.mark.parametrize("case", [c for c in CASES if c.oracle], ids=lambda c: c.name)
def test_openssl_agrees(case: PathCase, tmp_path: Path, port: int) -> None:
    (tmp_path / "roots.pem").write_bytes(b"".join(root.pem for root in case.roots))
    roots = ("-CAfile", str(tmp_path / "roots.pem")) if case.roots else ("-no-CAfile",)
    with oracle.showing(case.chain, tmp_path, port):
        text = oracle.ask(port, *roots, "-no-CApath", "-no-CAstore")
    assert case.errors == oracle.errors(text), text


def test_level_zero_asks_for_no_strength() -> None:
    chain = pki.chain(made.WEAKLY_SIGNED, made.WEAK_INTER, ROOT)
    assert [e.num for e in verify(chain, store(ROOT), NOW, security_level=0).errors] in ([], [6])
    chain = pki.chain(made.SHA1_LEAF, made.STRONG_RSA, ROOT)
    assert verify(chain, store(ROOT), NOW, security_level=0).errors == ()


def test_an_untrusted_path_names_the_issuer_that_is_missing() -> None:
    got = verify(pki.chain(LEAF), EMPTY, NOW).errors[0]
    assert got == PathError(20, 0, "unable to get local issuer certificate", "/C=XX/O=Lab CA/CN=Lab Intermediate")
    assert verify(pki.chain(*CHAIN), EMPTY, NOW).errors[0].subject == "/C=XX/O=Lab CA/CN=Lab Root"


def test_an_unreadable_leaf_is_untrusted() -> None:
    got = verify((facts(b"\x30\x03abc"), *pki.chain(INTER, ROOT)), store(ROOT), NOW)
    assert [(e.num, e.depth) for e in got.errors] == [(20, 0)]


def test_an_unreadable_certificate_on_the_way_is_passed_over() -> None:
    assert verify((*pki.chain(LEAF), facts(b"junk"), *pki.chain(INTER)), store(ROOT), NOW).errors == ()


# --- the store ------------------------------------------------------------------------------------------------


def test_a_bundle_with_comments_duplicates_and_keys() -> None:
    trusted = made.STRANGER.pem.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE")
    text = b"# Lab\n" + ROOT.pem + b"\nnoise\n" + ROOT.pem.replace(b"\n", b"\r\n") + trusted + public_pem(LEAF)
    assert len(TrustStore.from_pem(text, INTER.pem, b"", b"no PEM")) == 3
    assert len(EMPTY) == 0


def public_pem(of: Made) -> bytes:
    return of.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("body", [b"MII=\n", b"AAAA\n", b"!\n"])
def test_a_broken_bundle_is_an_error(body: bytes) -> None:
    text = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError):
        TrustStore.from_pem(text)


# --- what Postfix reports -------------------------------------------------------------------------------------


LINES = [
    (PathError(20, 0, "", "/CN=I"), "certificate verification failed for h[a]:25: untrusted issuer /CN=I"),
    (PathError(19, 2, "", "/CN=R"), "certificate verification failed for h[a]:25: untrusted issuer /CN=R"),
    (PathError(18, 0, ""), "certificate verification failed for h[a]:25: self-signed certificate"),
    (PathError(27, 0, ""), "certificate verification failed for h[a]:25: not trusted by local or TLSA policy"),
    (PathError(9, 0, ""), "server certificate verification failed for h[a]:25: certificate not yet valid"),
    (PathError(13, 1, ""), "CA certificate verification failed for h[a]:25: certificate not yet valid"),
    (PathError(10, 0, ""), "server certificate verification failed for h[a]:25: certificate has expired"),
    (PathError(14, 1, ""), "CA certificate verification failed for h[a]:25: certificate has expired"),
    (PathError(26, 0, ""),
     "certificate verification failed for h[a]:25: not designated for use as a server certificate"),
    (PathError(26, 1, ""), "certificate verification failed for h[a]:25: not designated for use as a CA certificate"),
    (PathError(22, 11, ""), "certificate verification failed for h[a]:25: certificate chain longer than limit(10)"),
    (PathError(65, 0, "no matching DANE TLSA records"),
     "server certificate verification failed for h[a]:25: num=65:no matching DANE TLSA records"),
    (PathError(65, 2, "no matching DANE TLSA records"),
     "CA certificate verification failed for h[a]:25: num=65:no matching DANE TLSA records"),
    (PathError(62, 0, "hostname mismatch"),
     "server certificate verification failed for h[a]:25: num=62:hostname mismatch"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "line"), LINES)
def test_failure_line(error: PathError, line: str) -> None:
    assert failure_line(error, "h[a]:25") == line
