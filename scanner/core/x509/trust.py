"""Trust settings of a ``TRUSTED CERTIFICATE`` block (OpenSSL's X509_CERT_AUX): the allowed and rejected uses."""

from dataclasses import dataclass

from scanner.core.x509 import der

_SERVER = {"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"}
"""The uses that apply to TLS servers: serverAuth and anyExtendedKeyUsage."""

_REJECTED = 0xA0


@dataclass(frozen=True, slots=True)
class Trust:
    """The allowed and the rejected uses of a certificate, as dotted numbers; None for an absent list."""

    trusted: frozenset[str] | None = None
    rejected: frozenset[str] | None = None

    def for_servers(self) -> bool | None:
        """Return True if the use for TLS servers is allowed, False if it is rejected (X509_check_trust), else None.

        A list of allowed uses that does not contain this use rejects it.
        """
        if self.rejected is not None and _SERVER & self.rejected:
            return False
        return None if self.trusted is None else bool(_SERVER & self.trusted)


def split(octets: bytes) -> tuple[bytes, bytes]:
    """Return the certificate at the start of a PEM block, and the octets after the certificate.

    Raises:
        DERError: ``octets`` does not start with a certificate.
    """
    certificate = der.read(octets).raw
    return certificate, octets[len(certificate) :]


def settings(octets: bytes) -> Trust | None:
    """Decode the trust settings that follow a certificate in a PEM block.

    Returns:
        The settings, or None if no setting restricts the use of the certificate.

    Raises:
        DERError: the settings cannot be decoded.
    """
    if not octets:
        return None
    trusted: frozenset[str] | None = None
    rejected: frozenset[str] | None = None
    for part in der.children(der.expect(der.read(octets), der.SEQUENCE)):
        if part.tag == der.SEQUENCE and trusted is None:
            trusted = frozenset(map(der.oid, der.children(part)))
        elif part.tag == _REJECTED:
            rejected = frozenset(map(der.oid, der.children(part)))
    return None if trusted is None and rejected is None else Trust(trusted, rejected)
