"""OpenSSL's verification errors (X509_V_ERR_*): numbers, names and messages."""

from enum import IntEnum
from typing import Self


class VerifyError(IntEnum):
    """The X509_V_ERR error numbers that mxsweep uses, by OpenSSL's names; ``text`` is the message of OpenSSL 3."""

    text: str

    def __new__(cls, num: int, text: str = "") -> Self:
        """Make the member of an error; ``text`` is optional only for ``VerifyError(num)``, which finds a member."""
        member = int.__new__(cls, num)
        member._value_, member.text = num, text
        return member

    UNSPECIFIED = 1, "unspecified certificate verification error"
    UNABLE_TO_GET_ISSUER_CERT = 2, "unable to get issuer certificate"
    UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY = 6, "unable to decode issuer public key"
    CERT_SIGNATURE_FAILURE = 7, "certificate signature failure"
    CERT_NOT_YET_VALID = 9, "certificate is not yet valid"
    CERT_HAS_EXPIRED = 10, "certificate has expired"
    ERROR_IN_CERT_NOT_BEFORE_FIELD = 13, "format error in certificate's notBefore field"
    ERROR_IN_CERT_NOT_AFTER_FIELD = 14, "format error in certificate's notAfter field"
    DEPTH_ZERO_SELF_SIGNED_CERT = 18, "self-signed certificate"
    SELF_SIGNED_CERT_IN_CHAIN = 19, "self-signed certificate in certificate chain"
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20, "unable to get local issuer certificate"
    UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21, "unable to verify the first certificate"
    CERT_CHAIN_TOO_LONG = 22, "certificate chain too long"
    PATH_LENGTH_EXCEEDED = 25, "path length constraint exceeded"
    INVALID_PURPOSE = 26, "unsuitable certificate purpose"
    CERT_UNTRUSTED = 27, "certificate not trusted"
    CERT_REJECTED = 28, "certificate rejected"
    KEYUSAGE_NO_CERTSIGN = 32, "key usage does not include certificate signing"
    UNHANDLED_CRITICAL_EXTENSION = 34, "unhandled critical extension"
    INVALID_NON_CA = 37, "invalid non-CA certificate (has CA markings)"
    PROXY_PATH_LENGTH_EXCEEDED = 38, "proxy path length constraint exceeded"
    KEYUSAGE_NO_DIGITAL_SIGNATURE = 39, "key usage does not include digital signature"
    PROXY_CERTIFICATES_NOT_ALLOWED = 40, "proxy certificates not allowed, please set the appropriate flag"
    UNNESTED_RESOURCE = 46, "RFC 3779 resource not subset of parent's resources"
    PERMITTED_VIOLATION = 47, "permitted subtree violation"
    EXCLUDED_VIOLATION = 48, "excluded subtree violation"
    SUBTREE_MINMAX = 49, "name constraints minimum and maximum not supported"
    UNSUPPORTED_CONSTRAINT_TYPE = 51, "unsupported name constraint type"
    UNSUPPORTED_CONSTRAINT_SYNTAX = 52, "unsupported or invalid name constraint syntax"
    UNSUPPORTED_NAME_SYNTAX = 53, "unsupported or invalid name syntax"
    HOSTNAME_MISMATCH = 62, "hostname mismatch"
    IP_ADDRESS_MISMATCH = 64, "IP address mismatch"
    DANE_NO_MATCH = 65, "no matching DANE TLSA records"
    EE_KEY_TOO_SMALL = 66, "EE certificate key too weak"
    CA_KEY_TOO_SMALL = 67, "CA certificate key too weak"
    CA_MD_TOO_WEAK = 68, "CA signature digest algorithm too weak"
    PROXY_SUBJECT_NAME_VIOLATION = 72, "proxy subject name violation"
    INVALID_CA = 79, "invalid CA certificate"
    EC_KEY_EXPLICIT_PARAMS = 94, "Certificate public key has explicit ECC parameters"


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
    try:
        return VerifyError(num).text
    except ValueError:
        return f"certificate verification error {num}"
