"""OpenSSL's verification errors (X509_V_ERR_*): numbers, names and messages."""

from enum import IntEnum


class VerifyError(IntEnum):
    """The X509_V_ERR error numbers that mxsweep uses, by OpenSSL's names; ``text`` is the message of OpenSSL 3."""

    UNSPECIFIED = 1
    UNABLE_TO_GET_ISSUER_CERT = 2
    UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY = 6
    CERT_SIGNATURE_FAILURE = 7
    CERT_NOT_YET_VALID = 9
    CERT_HAS_EXPIRED = 10
    ERROR_IN_CERT_NOT_BEFORE_FIELD = 13
    ERROR_IN_CERT_NOT_AFTER_FIELD = 14
    DEPTH_ZERO_SELF_SIGNED_CERT = 18
    SELF_SIGNED_CERT_IN_CHAIN = 19
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20
    UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21
    CERT_CHAIN_TOO_LONG = 22
    PATH_LENGTH_EXCEEDED = 25
    INVALID_PURPOSE = 26
    CERT_UNTRUSTED = 27
    CERT_REJECTED = 28
    KEYUSAGE_NO_CERTSIGN = 32
    UNHANDLED_CRITICAL_EXTENSION = 34
    INVALID_NON_CA = 37
    PROXY_PATH_LENGTH_EXCEEDED = 38
    KEYUSAGE_NO_DIGITAL_SIGNATURE = 39
    PROXY_CERTIFICATES_NOT_ALLOWED = 40
    UNNESTED_RESOURCE = 46
    PERMITTED_VIOLATION = 47
    EXCLUDED_VIOLATION = 48
    SUBTREE_MINMAX = 49
    UNSUPPORTED_CONSTRAINT_TYPE = 51
    UNSUPPORTED_CONSTRAINT_SYNTAX = 52
    UNSUPPORTED_NAME_SYNTAX = 53
    HOSTNAME_MISMATCH = 62
    IP_ADDRESS_MISMATCH = 64
    DANE_NO_MATCH = 65
    EE_KEY_TOO_SMALL = 66
    CA_KEY_TOO_SMALL = 67
    CA_MD_TOO_WEAK = 68
    PROXY_SUBJECT_NAME_VIOLATION = 72
    INVALID_CA = 79
    EC_KEY_EXPLICIT_PARAMS = 94

    @property
    def text(self) -> str:
        """The message of OpenSSL for the error."""
        return _TEXTS[self]


NAME_ERRORS = {
    VerifyError.UNSPECIFIED,  # too many names times too many constraints
    VerifyError.PERMITTED_VIOLATION,
    VerifyError.EXCLUDED_VIOLATION,
    VerifyError.SUBTREE_MINMAX,
    VerifyError.UNSUPPORTED_CONSTRAINT_TYPE,
    VerifyError.UNSUPPORTED_CONSTRAINT_SYNTAX,
    VerifyError.UNSUPPORTED_NAME_SYNTAX,
}
"""The error numbers of name constraints."""


def text_of(num: int) -> str:
    """Return OpenSSL's message for a number, or a general message for a number that is not in ``VerifyError``."""
    return _TEXTS.get(num, f"certificate verification error {num}")


_TEXTS: dict[int, str] = {
    VerifyError.UNSPECIFIED: "unspecified certificate verification error",
    VerifyError.UNABLE_TO_GET_ISSUER_CERT: "unable to get issuer certificate",
    VerifyError.UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: "unable to decode issuer public key",
    VerifyError.CERT_SIGNATURE_FAILURE: "certificate signature failure",
    VerifyError.CERT_NOT_YET_VALID: "certificate is not yet valid",
    VerifyError.CERT_HAS_EXPIRED: "certificate has expired",
    VerifyError.ERROR_IN_CERT_NOT_BEFORE_FIELD: "format error in certificate's notBefore field",
    VerifyError.ERROR_IN_CERT_NOT_AFTER_FIELD: "format error in certificate's notAfter field",
    VerifyError.DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
    VerifyError.SELF_SIGNED_CERT_IN_CHAIN: "self-signed certificate in certificate chain",
    VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
    VerifyError.UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unable to verify the first certificate",
    VerifyError.CERT_CHAIN_TOO_LONG: "certificate chain too long",
    VerifyError.PATH_LENGTH_EXCEEDED: "path length constraint exceeded",
    VerifyError.INVALID_PURPOSE: "unsuitable certificate purpose",
    VerifyError.CERT_UNTRUSTED: "certificate not trusted",
    VerifyError.CERT_REJECTED: "certificate rejected",
    VerifyError.KEYUSAGE_NO_CERTSIGN: "key usage does not include certificate signing",
    VerifyError.UNHANDLED_CRITICAL_EXTENSION: "unhandled critical extension",
    VerifyError.INVALID_NON_CA: "invalid non-CA certificate (has CA markings)",
    VerifyError.PROXY_PATH_LENGTH_EXCEEDED: "proxy path length constraint exceeded",
    VerifyError.KEYUSAGE_NO_DIGITAL_SIGNATURE: "key usage does not include digital signature",
    VerifyError.PROXY_CERTIFICATES_NOT_ALLOWED: "proxy certificates not allowed, please set the appropriate flag",
    VerifyError.UNNESTED_RESOURCE: "RFC 3779 resource not subset of parent's resources",
    VerifyError.PERMITTED_VIOLATION: "permitted subtree violation",
    VerifyError.EXCLUDED_VIOLATION: "excluded subtree violation",
    VerifyError.SUBTREE_MINMAX: "name constraints minimum and maximum not supported",
    VerifyError.UNSUPPORTED_CONSTRAINT_TYPE: "unsupported name constraint type",
    VerifyError.UNSUPPORTED_CONSTRAINT_SYNTAX: "unsupported or invalid name constraint syntax",
    VerifyError.UNSUPPORTED_NAME_SYNTAX: "unsupported or invalid name syntax",
    VerifyError.HOSTNAME_MISMATCH: "hostname mismatch",
    VerifyError.IP_ADDRESS_MISMATCH: "IP address mismatch",
    VerifyError.DANE_NO_MATCH: "no matching DANE TLSA records",
    VerifyError.EE_KEY_TOO_SMALL: "EE certificate key too weak",
    VerifyError.CA_KEY_TOO_SMALL: "CA certificate key too weak",
    VerifyError.CA_MD_TOO_WEAK: "CA signature digest algorithm too weak",
    VerifyError.PROXY_SUBJECT_NAME_VIOLATION: "proxy subject name violation",
    VerifyError.INVALID_CA: "invalid CA certificate",
    VerifyError.EC_KEY_EXPLICIT_PARAMS: "Certificate public key has explicit ECC parameters",
}
