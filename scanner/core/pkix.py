"""PKIX verification of a certificate chain (RFC 5280 section 6) as in OpenSSL for Postfix, but not the name check.

Certificates of the trust store are preferred to certificates sent by the server. A trust anchor is a self-signed
certificate of the store, or a certificate that a ``TRUSTED CERTIFICATE`` block trusts for TLS servers; an intermediate
without its root in the store is not an anchor. Issuers are not fetched, and revocation is not checked. This module also
formats Postfix's log line of a verification error.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from OpenSSL import crypto

from scanner.core.x509 import certificate as x509
from scanner.core.x509 import dn, issuing, openssl, pathchecks, trust
from scanner.core.x509 import facts as certs
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.chain import MAX_PATH, best_issuer, readable
from scanner.core.x509.issuing import Acceptance, Found
from scanner.core.x509.trust import Trust
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts
from scanner.model import PathError, PkixEvidence

# --- PEM ------------------------------------------------------------------------------------------------------

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\s(.*?)-----END \1-----", re.DOTALL)
_TRUSTED = b"TRUSTED CERTIFICATE"
_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE", _TRUSTED)
_PUBLIC_KEY = b"PUBLIC KEY"


def _blocks(pem: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Yield label and content of each PEM block.

    Raises:
        ValueError: a certificate or key block does not contain base64.
    """
    for label, body in _BLOCK.findall(pem):
        if label in (*_CERTIFICATES, _PUBLIC_KEY):
            try:
                yield label, base64.b64decode(body)
            except binascii.Error as error:
                raise ValueError(f"broken PEM block {label.decode()}: {error}") from error


# --- the store ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TrustStore:
    """Store of trusted certificates by subject; a certificate is parsed only when a chain needs it.

    ``settings`` contains the trust settings of the certificates that have trust settings; ``loaded`` is OpenSSL's store
    of the files that contain the certificates.
    """

    by_subject: dict[dn.Canonical, tuple[bytes, ...]]
    settings: dict[bytes, Trust] = field(default_factory=dict)
    loaded: crypto.X509Store | None = None

    @classmethod
    def from_pem(cls, *texts: bytes, loaded: crypto.X509Store | None = None) -> "TrustStore":
        """Make a store of the certificates in PEM texts: a bundle, or the files of a hashed directory.

        Args:
            texts: the PEM texts; blocks other than certificates and duplicates are ignored.
            loaded: OpenSSL's store of the files with these texts, required if the files contain trust settings.

        Raises:
            ValueError: a certificate block cannot be read.
        """
        grouped: dict[dn.Canonical, tuple[bytes, ...]] = {}
        settings: dict[bytes, Trust] = {}
        for octets, said in _distinct(texts).items():
            subject = dn.canonical(x509.subject(octets))
            grouped[subject] = (*grouped.get(subject, ()), octets)
            if said:
                settings[octets] = said
        return cls(grouped, settings, loaded)

    def __len__(self) -> int:
        """Return the number of certificates."""
        return sum(map(len, self.by_subject.values()))

    def issuers(self, certificate: Certificate) -> list[Certificate]:
        """Return the trusted certificates whose subject is the issuer of a certificate."""
        return readable(certs.facts(octets) for octets in self.by_subject.get(certificate.issuer_key, ()))

    def has(self, certificate: Certificate) -> bool:
        """Return True if the store contains the certificate."""
        return certificate.der in self.by_subject.get(certificate.subject_key, ())

    def trusts(self, certificate: Certificate) -> bool | None:
        """Return True for a trust anchor for TLS servers, False for a rejected certificate, else None."""
        said = self.settings.get(certificate.der)
        trusts = said.for_servers() if said is not None else None
        return True if trusts is None and issuing.self_signed(certificate) else trusts


def _distinct(texts: Iterable[bytes]) -> dict[bytes, Trust | None]:
    """Return the distinct certificates of PEM texts and their trust settings.

    If a certificate occurs several times, its first block is used.
    """
    found: dict[bytes, Trust | None] = {}
    for text in texts:
        for label, octets in _blocks(text):
            if label in _CERTIFICATES:
                certificate, rest = trust.split(octets)
                found.setdefault(x509.as_read(certificate), trust.settings(rest) if label == _TRUSTED else None)
    return found


EMPTY = TrustStore({})


# --- verification ---------------------------------------------------------------------------------------------


def verify(chain: Sequence[CertFacts], store: TrustStore, now: datetime, *, security_level: int = 1) -> PkixEvidence:
    """Verify a chain for a TLS server.

    Args:
        chain: the certificates as sent, leaf first, at least one.
        store: the trusted certificates.
        now: the time at which the validity of certificates is checked.
        security_level: OpenSSL security level for keys and signatures: 1 at a mandatory TLS level, else 0.

    Returns:
        The certificate path and all errors of the path.
    """
    peers = readable(chain)
    if not peers or peers[0].der != chain[0].der:
        num = VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        return PkixEvidence((chain[0].sha256,), (PathError(num, 0, num.text, chain[0].issuer),))
    built = _build(peers, store, now)
    verdict = _by_settings(chain, built, store, now)
    errors = pathchecks.check(built.path, now, security_level=security_level, built=built.errors, verdict=verdict)
    return PkixEvidence(tuple(certificate.fingerprint for certificate in built.path), errors)


def _by_settings(chain: Sequence[CertFacts], built: "_Built", store: TrustStore, now: datetime) -> Acceptance | None:
    """Return OpenSSL's verdict with the loaded store if a trust anchor has trust settings, else None."""
    if store.loaded is None or built.path[-1].der not in store.settings:
        return None
    answer = openssl.ask_at(store.loaded, now, chain[0].der, [certificate.der for certificate in chain[1:]])
    return Acceptance(accepted=answer.accepted, error=None if answer.accepted else (answer.num, answer.depth))


@dataclass(frozen=True, slots=True)
class _Built:
    """A certificate path and the errors of its construction; a path without errors ends in a trust anchor."""

    path: tuple[Certificate, ...]
    errors: tuple[Found, ...] = ()


def _build(peers: Sequence[Certificate], store: TrustStore, now: datetime) -> _Built:
    """Extend the path with sent certificates until the store contains an issuer, then with stored certificates."""
    path = [peers[0]]
    while len(path) <= MAX_PATH:
        if issuing.self_signed(path[-1]):
            return _climb(path, store, now) if store.has(path[-1]) else _unanchored(path)
        trusted = best_issuer(path, store.issuers(path[-1]), now, again=True)
        if trusted is not None:
            return _climb([*path, trusted], store, now)
        sent = best_issuer(path, peers, now)
        if sent is None:
            break
        path.append(sent)
    return _unanchored(path)


def _climb(path: list[Certificate], store: TrustStore, now: datetime) -> _Built:
    """Extend a path whose last certificate is in the store until a trust anchor is reached."""
    rejected: list[Found] = []
    while True:
        trusts = store.trusts(path[-1])
        if trusts:
            return _Built(tuple(path), tuple(rejected))
        if trusts is False:
            rejected.append((VerifyError.CERT_REJECTED, len(path) - 1))
        if issuing.self_signed(path[-1]) or len(path) > MAX_PATH:
            break
        issuer = best_issuer(path, store.issuers(path[-1]), now, again=True)
        if issuer is None:
            break
        path.append(issuer)
    return _unanchored(path, *rejected, from_store=True)


def _unanchored(path: list[Certificate], *errors: Found, from_store: bool = False) -> _Built:
    too_long = [(VerifyError.CERT_CHAIN_TOO_LONG, len(path) - 1)] if len(path) > MAX_PATH else []
    return _Built(tuple(path), (*errors, *too_long, pathchecks.unanchored(path, from_store=from_store)))


# --- log line of Postfix --------------------------------------------------------------------------------------


def failure_line(error: PathError, peer: str) -> str:
    """Return Postfix's log line for a verification error; ``peer`` is ``host[address]:port``, in lower case."""
    role = "CA" if error.depth > 0 else "server"
    common = {
        VerifyError.DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
        VerifyError.SELF_SIGNED_CERT_IN_CHAIN: f"untrusted issuer {error.subject}",
        VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY: f"untrusted issuer {error.subject}",
        VerifyError.CERT_CHAIN_TOO_LONG: f"certificate chain longer than limit({error.depth - 1})",
        VerifyError.INVALID_PURPOSE: f"not designated for use as a {role} certificate",
        VerifyError.CERT_UNTRUSTED: "not trusted by local or TLSA policy",
    }
    if error.num in common:
        return f"certificate verification failed for {peer}: {common[VerifyError(error.num)]}"
    words = _DATES.get(error.num, f"num={error.num}:{error.text}")
    return f"{role} certificate verification failed for {peer}: {words}"


_DATES: dict[int, str] = {
    VerifyError.CERT_NOT_YET_VALID: "certificate not yet valid",
    VerifyError.ERROR_IN_CERT_NOT_BEFORE_FIELD: "certificate not yet valid",
    VerifyError.CERT_HAS_EXPIRED: "certificate has expired",
    VerifyError.ERROR_IN_CERT_NOT_AFTER_FIELD: "certificate has expired",
}
