"""Interface to OpenSSL's verification of certificates and computation of key sizes.

OpenSSL is authoritative: a path that ``X509_verify_cert`` refuses is never accepted, and no path is refused because
this package does not know an algorithm, a curve or an encoding. ``ask`` requests no check of dates (NO_CHECK_TIME), so
that its answers can be cached. This module never checks revocation. Private bindings of pyOpenSSL are used, since the
public interface cannot set a purpose, hides the path after an error, and takes ten times as long.
"""

import functools
from collections.abc import Iterable
from datetime import datetime
from enum import IntFlag
from typing import Any, NamedTuple

from OpenSSL import crypto
from OpenSSL._util import ffi as _ffi  # type: ignore[attr-defined,unused-ignore]  # private on purpose, see above
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # the same

from scanner.core.x509.cache import remembered
from scanner.core.x509.verify_error import VerifyError

LOADED = 256
"""Maximum number of cached OpenSSL certificate objects, of about 10 KiB each; issuers occur in many chains."""

USUAL_SIZE = 8192
"""Usual maximum size of a certificate in octets (nearly all have less than 3,000); few larger ones are cached."""


class VerifyFlags(IntFlag):
    """Options of X509_verify_cert: values of X509_V_FLAG_*, and the purpose of a TLS server."""

    NONE = 0
    IGNORE_CRITICAL = 0x10
    ALLOW_PROXY_CERTS = 0x40
    CHECK_SS_SIGNATURE = 0x4000
    PARTIAL_CHAIN = 0x80000
    NO_CHECK_TIME = 0x200000
    SERVER_PURPOSE = 1 << 32


class VerifyAnswer(NamedTuple):
    """The answer of X509_verify_cert: the size of the path that OpenSSL built, and the first error (0: no error)."""

    size: int
    num: int
    depth: int

    @property
    def accepted(self) -> bool:
        """True if OpenSSL reported no error."""
        return self.num == 0


REFUSED = VerifyAnswer(0, VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0)
"""The answer for a certificate that OpenSSL cannot read."""


def ask(leaf: bytes, sent: Iterable[bytes], anchors: Iterable[bytes], checks: VerifyFlags) -> VerifyAnswer:
    """Verify a certificate without checking dates.

    Args:
        leaf: the certificate to verify.
        sent: possible intermediate certificates.
        anchors: the trusted certificates.
        checks: the verification options.
    """
    store = _ffi.gc(_lib.X509_STORE_new(), _lib.X509_STORE_free)
    _lib.X509_STORE_set_flags(store, (checks | VerifyFlags.NO_CHECK_TIME) & ~VerifyFlags.SERVER_PURPOSE)
    if checks & VerifyFlags.SERVER_PURPOSE:
        _lib.X509_STORE_set_purpose(store, _lib.X509_PURPOSE_SSL_SERVER)
    for anchor in anchors:
        loaded = _loaded(anchor)
        if loaded is not None:
            _lib.X509_STORE_add_cert(store, loaded)
    return _verify(store, leaf, sent)


def ask_at(store: crypto.X509Store, now: datetime, leaf: bytes, sent: Iterable[bytes]) -> VerifyAnswer:
    """Verify a certificate for a TLS server at the time ``now``; ``leaf`` and ``sent`` are as for ``ask``.

    ``store`` is OpenSSL's trust store as loaded from files, which may contain trust settings.
    """
    store.set_time(now)
    _lib.X509_STORE_set_purpose(store._store, _lib.X509_PURPOSE_SSL_SERVER)  # noqa: SLF001 - no public way
    return _verify(store._store, leaf, sent)  # noqa: SLF001 - the same


def _verify(store: Any, leaf: bytes, sent: Iterable[bytes]) -> VerifyAnswer:
    subject = _loaded(leaf)
    if subject is None:
        return REFUSED
    held = [loaded for loaded in map(_loaded, sent) if loaded is not None]
    others = _ffi.gc(_lib.sk_X509_new_null(), _lib.sk_X509_free) if held else _ffi.NULL
    for loaded in held:
        _lib.sk_X509_push(others, loaded)
    context = _ffi.gc(_lib.X509_STORE_CTX_new(), _lib.X509_STORE_CTX_free)
    try:
        _lib.X509_STORE_CTX_init(context, store, subject, others)
        accepted = _lib.X509_verify_cert(context) == 1
        num = 0 if accepted else _lib.X509_STORE_CTX_get_error(context) or VerifyError.UNSPECIFIED
        return VerifyAnswer(_size(context), num, _lib.X509_STORE_CTX_get_error_depth(context))
    finally:
        _lib.ERR_clear_error()  # else the next TLS call would report these errors as its own


def _size(context: Any) -> int:
    chain = _lib.X509_STORE_CTX_get1_chain(context)
    if chain == _ffi.NULL:
        return 0
    size = int(_lib.sk_X509_num(chain))
    for at in range(size):
        _lib.X509_free(_lib.sk_X509_value(chain, at))
    _lib.sk_X509_free(chain)
    return size


@remembered(LOADED, USUAL_SIZE)
def _loaded(der: bytes) -> Any | None:
    """Return the OpenSSL object of a certificate, None if OpenSSL cannot decode it."""
    bio = _ffi.gc(_lib.BIO_new_mem_buf(der, len(der)), _lib.BIO_free)
    certificate = _lib.d2i_X509_bio(bio, _ffi.NULL)
    if certificate == _ffi.NULL:
        _lib.ERR_clear_error()
        return None
    return _ffi.gc(certificate, _lib.X509_free)


def encoded(der: bytes) -> bytes | None:
    """Return a certificate as OpenSSL encodes it, None if OpenSSL cannot decode it."""
    certificate = _loaded(der)
    if certificate is None:
        return None
    bio = _ffi.gc(_lib.BIO_new(_lib.BIO_s_mem()), _lib.BIO_free)
    _lib.i2d_X509_bio(bio, certificate)
    start = _ffi.new("char **")
    size = _lib.BIO_get_mem_data(bio, start)
    return bytes(_ffi.buffer(start[0], size))


def key(der: bytes, curve: str) -> tuple[int, str]:
    """Return the size in bits of a certificate's key, 0 if OpenSSL cannot use the key, and OpenSSL's name of the curve.

    Args:
        der: the certificate.
        curve: the dotted number of the curve, or another text for a key without a curve.
    """
    certificate = _loaded(der)
    if certificate is None:
        return 0, ""
    public = _ffi.gc(_lib.X509_get_pubkey(certificate), _lib.EVP_PKEY_free)
    bits = int(_lib.EVP_PKEY_bits(public)) if public != _ffi.NULL else 0
    _lib.ERR_clear_error()
    return bits, _curve_name(curve) if curve[:1].isdigit() else ""


@functools.cache  # of a built-in curve alone: OpenSSL has some 80
def _short_name(nid: int) -> str:
    return str(_ffi.string(_lib.OBJ_nid2sn(nid)).decode("ascii"))


def _curve_name(dotted: str) -> str:
    nid = _lib.OBJ_txt2nid(dotted.encode("ascii"))
    _lib.ERR_clear_error()
    return _short_name(nid) if nid != _lib.NID_undef else ""
