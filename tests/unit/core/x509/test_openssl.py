"""The private bindings that are used, and OpenSSL's answers: a release that drops or changes one fails here."""

import pytest
from OpenSSL import SSL, crypto
from OpenSSL._util import lib

from scanner.core.x509 import openssl
from scanner.core.x509.openssl import REFUSED, VerifyFlags
from tests.unit import pki
from tests.unit.pki import INTER, LEAF, NOW, ROOT

USED = (
    "BIO_free", "BIO_get_mem_data", "BIO_new", "BIO_new_mem_buf", "BIO_s_mem", "ERR_clear_error", "EVP_PKEY_bits",
    "EVP_PKEY_free", "NID_undef", "OBJ_nid2sn", "OBJ_txt2nid", "X509_PURPOSE_SSL_SERVER", "X509_STORE_CTX_free",
    "X509_STORE_CTX_get1_chain", "X509_STORE_CTX_get_error", "X509_STORE_CTX_get_error_depth", "X509_STORE_CTX_init",
    "X509_STORE_CTX_new", "X509_STORE_add_cert", "X509_STORE_free", "X509_STORE_new", "X509_STORE_set_flags",
    "X509_STORE_set_purpose", "X509_free", "X509_get_pubkey", "X509_verify_cert", "d2i_X509_bio", "i2d_X509_bio",
    "sk_X509_free", "sk_X509_new_null", "sk_X509_num", "sk_X509_push", "sk_X509_value",
)  # fmt: skip


@pytest.mark.parametrize("name", USED)
def test_the_binding_is_there(name: str) -> None:
    assert hasattr(lib, name)


def test_flags_are_those_of_openssl() -> None:
    flags = crypto.X509StoreFlags
    assert int(flags.PARTIAL_CHAIN) == VerifyFlags.PARTIAL_CHAIN
    assert int(flags.IGNORE_CRITICAL) == VerifyFlags.IGNORE_CRITICAL
    assert int(flags.ALLOW_PROXY_CERTS) == VerifyFlags.ALLOW_PROXY_CERTS
    assert int(flags.CHECK_SS_SIGNATURE) == VerifyFlags.CHECK_SS_SIGNATURE


OLD = pki.Plan(pki.name("old"), pki.key("leaf"), INTER, not_after=pki.YESTERDAY).make()
CLIENT = pki.Plan(pki.name("client"), pki.key("leaf"), INTER, purposes=(pki.CLIENT,)).make()
ANSWERS = [  # leaf, sent, anchors, checks: size, number, depth
    (LEAF, (INTER,), (ROOT,), VerifyFlags.NONE, (3, 0, 0)),
    (LEAF, (INTER, ROOT), (), VerifyFlags.NONE, (3, 19, 2)),
    (LEAF, (), (INTER,), VerifyFlags.NONE, (2, 2, 1)),
    (LEAF, (), (INTER,), VerifyFlags.PARTIAL_CHAIN, (2, 0, 0)),
    (LEAF, (), (ROOT,), VerifyFlags.NONE, (1, 20, 0)),
    (OLD, (INTER,), (ROOT,), VerifyFlags.NONE, (3, 0, 0)),
    (CLIENT, (INTER,), (ROOT,), VerifyFlags.NONE, (3, 0, 0)),
    (CLIENT, (INTER,), (ROOT,), VerifyFlags.SERVER_PURPOSE, (3, 26, 0)),
]


@pytest.mark.parametrize(("leaf", "sent", "anchors", "checks", "expected"), ANSWERS)
def test_answers(
    leaf: pki.Made,
    sent: tuple[pki.Made, ...],
    anchors: tuple[pki.Made, ...],
    checks: VerifyFlags,
    expected: tuple[int, int, int],
) -> None:
    got = openssl.ask(leaf.der, [made.der for made in sent], [made.der for made in anchors], checks)
    assert tuple(got) == expected
    assert got.accepted == (expected[1] == 0)


def test_what_cannot_be_read_is_refused_or_passed_over() -> None:
    assert openssl.ask(b"junk", (), (ROOT.der,), VerifyFlags.NONE) == REFUSED
    assert openssl.ask(LEAF.der, (b"junk", INTER.der), (b"", ROOT.der), VerifyFlags.NONE).accepted
    assert (openssl.encoded(b"junk"), openssl.key(b"junk", "1.2")) == (None, (0, ""))


def test_no_error_is_left_for_the_next_tls_call() -> None:
    openssl.ask(LEAF.der, (), (), VerifyFlags.NONE)
    openssl.encoded(b"junk")
    openssl.key(LEAF.der, "1.2.3.4.5")
    assert lib.ERR_get_error() == 0
    assert SSL.Context(SSL.TLS_CLIENT_METHOD)


def test_dates_count_with_a_store_of_trust_settings() -> None:
    store = crypto.X509Store()
    store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, ROOT.der))
    assert openssl.ask_at(store, NOW, LEAF.der, (INTER.der,)).accepted
    assert openssl.ask_at(store, NOW, OLD.der, (INTER.der,)).num == 10
    assert openssl.ask_at(store, NOW, CLIENT.der, (INTER.der,)).num == 26


def test_a_certificate_is_encoded_as_der() -> None:
    outer = LEAF.der[4:]
    assert LEAF.der[1] == 0x82
    assert openssl.encoded(b"\x30\x83\x00" + LEAF.der[2:4] + outer) == LEAF.der


def test_sizes_and_curves_of_keys() -> None:
    assert openssl.key(LEAF.der, "1.2.840.10045.3.1.7") == (256, "prime256v1")
    assert openssl.key(LEAF.der, "") == (256, "")
    assert openssl.key(LEAF.der, "1.2.3.4.5") == (256, "")
