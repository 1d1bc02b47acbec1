"""The offer of a TLS client (versions, cipher suites, groups, signature algorithms), set in an OpenSSL context."""

from typing import Any

from OpenSSL import SSL
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # two lists have no public interface

from scanner.settings import TLSProfile

_VERSIONS = {
    None: 0,  # number for the lowest or highest version of the library
    "SSLv3": SSL.SSL3_VERSION,
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}


def set_offer(context: SSL.Context, profile: TLSProfile) -> None:
    """Set a profile's TLS versions, cipher suites, groups and signature algorithms in an OpenSSL context.

    Raises:
        SSL.Error: OpenSSL does not accept the cipher suites.
        KeyError: a TLS version is unknown.
        ValueError: a group or a signature algorithm is unknown to OpenSSL.
    """
    context.set_min_proto_version(_VERSIONS[profile.min_version])
    context.set_max_proto_version(_VERSIONS[profile.max_version])
    context.set_cipher_list(f"{profile.ciphers}:@SECLEVEL={profile.security_level}".encode("ascii"))
    pointer: Any = context._context  # noqa: SLF001 - see above
    if profile.groups is not None and _lib.SSL_CTX_set1_curves_list(pointer, profile.groups.encode("ascii")) != 1:
        _unknown(profile, "group", profile.groups)
    if profile.sigalgs is not None and _lib.SSL_CTX_set1_sigalgs_list(pointer, profile.sigalgs.encode("ascii")) != 1:
        _unknown(profile, "signature algorithm", profile.sigalgs)


def _unknown(profile: TLSProfile, what: str, names: str) -> None:
    _lib.ERR_clear_error()
    raise ValueError(f"TLS profile {profile.name}: unknown {what} in {names}")
