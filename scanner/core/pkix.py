"""A chain against a store of trusted roots (RFC 5280 section 6), as OpenSSL does it for Postfix; names left aside.

Trusted certificates are preferred to those that were sent; an anchor has to be self-signed, so an intermediate in
the store without its root is none. Nothing is fetched, nothing is looked up for revocation. Besides: which of the
errors is reported, in Postfix's words, and the records that stand for trust anchors given by hand. Files are read
elsewhere.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner.core import tlsa
from scanner.core.x509 import certificate as x509
from scanner.core.x509 import der, dn, pathchecks
from scanner.core.x509 import facts as certs
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.chain import DEPTH_LIMIT, MAX_PATH, best_issuer, readable
from scanner.core.x509.pathchecks import TEXTS, Found
from scanner.facts import CertFacts, TLSARecord
from scanner.model import PathError, PkixEvidence

# --- PEM ------------------------------------------------------------------------------------------------------

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\s(.*?)-----END \1-----", re.DOTALL)
_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
_PUBLIC_KEY = b"PUBLIC KEY"


def _blocks(pem: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Label and content of each PEM block; of "trusted certificates", the certificate alone.

    Raises:
        ValueError: a block of interest holds no base64 or no DER.
    """
    for label, body in _BLOCK.findall(pem):
        if label in (*_CERTIFICATES, _PUBLIC_KEY):
            try:
                yield label, der.read(base64.b64decode(body)).raw
            except binascii.Error as error:
                raise ValueError(f"broken PEM block {label.decode()}: {error}") from error


# --- the store ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TrustStore:
    """Trusted certificates by subject, each taken apart only when a chain asks for it."""

    by_subject: dict[dn.Canonical, tuple[bytes, ...]]

    @classmethod
    def from_pem(cls, *texts: bytes) -> "TrustStore":
        """Make a store of everything in some PEM texts: a bundle, or the files of a hashed directory.

        Args:
            texts: the contents; anything but certificates in them is passed over, and so are duplicates.

        Raises:
            ValueError: a certificate block cannot be read.
        """
        found = (octets for text in texts for label, octets in _blocks(text) if label in _CERTIFICATES)
        grouped: dict[dn.Canonical, tuple[bytes, ...]] = {}
        for octets in dict.fromkeys(found):
            subject = dn.canonical(x509.subject(octets))
            grouped[subject] = (*grouped.get(subject, ()), octets)
        return cls(grouped)

    def __len__(self) -> int:
        """How many certificates are in it."""
        return sum(map(len, self.by_subject.values()))

    def issuers(self, certificate: Certificate) -> list[Certificate]:
        """The trusted certificates whose subject is the issuer of this one."""
        return readable(certs.facts(octets) for octets in self.by_subject.get(certificate.issuer_key, ()))


EMPTY = TrustStore({})


# --- verification ---------------------------------------------------------------------------------------------


def verify(chain: Sequence[CertFacts], store: TrustStore, now: datetime, *, security_level: int = 1) -> PkixEvidence:
    """Verify a chain for a TLS server.

    Args:
        chain: the certificates as sent, leaf first, at least one.
        store: the trusted certificates.
        now: the time at which dates are judged.
        security_level: OpenSSL's level for keys and signatures: 1 at a mandatory level, else 0.

    Returns:
        The path and all that is wrong with it.
    """
    peers = readable(chain)
    if not peers or peers[0].der != chain[0].der:
        return PkixEvidence((chain[0].sha256,), (PathError(20, 0, TEXTS[20], chain[0].issuer),))
    built = _build(peers, store, now)
    errors = pathchecks.check(built.path, now, security_level=security_level, built=_building_errors(built))
    return PkixEvidence(tuple(certs.facts(certificate.der).sha256 for certificate in built.path), errors)


@dataclass(frozen=True, slots=True)
class _Built:
    """A path, whether it ends in an anchor, and whether any of it came from the store."""

    path: tuple[Certificate, ...]
    anchored: bool
    from_store: bool


def _build(peers: Sequence[Certificate], store: TrustStore, now: datetime) -> _Built:
    """Climb by what was sent until the store knows an issuer, from there on by the store alone."""
    path = [peers[0]]
    while len(path) <= MAX_PATH:
        trusted = best_issuer(path[-1], store.issuers(path[-1]), (), now)
        if path[-1].self_signed:
            return _Built(tuple(path), anchored=trusted == path[-1], from_store=False)
        if trusted is not None:
            return _climb([*path, trusted], store, now)
        sent = best_issuer(path[-1], peers, path, now)
        if sent is None:
            break
        path.append(sent)
    return _Built(tuple(path), anchored=False, from_store=False)


def _climb(path: list[Certificate], store: TrustStore, now: datetime) -> _Built:
    while not path[-1].self_signed and len(path) <= MAX_PATH:
        issuer = best_issuer(path[-1], store.issuers(path[-1]), (), now)
        if issuer is None:
            break
        path.append(issuer)
    return _Built(tuple(path), anchored=path[-1].self_signed, from_store=True)


def _building_errors(built: _Built) -> list[Found]:
    top = len(built.path) - 1
    if built.anchored:
        return []
    if len(built.path) > MAX_PATH:
        return [(22, top)]
    return [pathchecks.unanchored(built.path, from_store=built.from_store)]


# --- anchors by hand ------------------------------------------------------------------------------------------


def anchor_records(pem: bytes) -> tuple[TLSARecord, ...]:
    """The records that stand for hand-picked trust anchors: each may end the chain, or be the leaf itself.

    Args:
        pem: certificates and public keys.

    Returns:
        ``2 0 0`` and ``3 0 0`` for each certificate, ``2 1 0`` and ``3 1 0`` for each key.

    Raises:
        ValueError: nothing usable is in it, or a block cannot be read.
    """
    selectors = [("01" if label == _PUBLIC_KEY else "00", octets.hex()) for label, octets in _blocks(pem)]
    texts = [f"{usage}{selector}00{data}" for selector, data in selectors for usage in ("02", "03")]
    records = tuple(tlsa.parse_rdata(text) for text in texts)
    if not records or any(record.unusable for record in records):
        raise ValueError("no usable trust anchors")
    return records


# --- what Postfix reports -------------------------------------------------------------------------------------

HOSTNAME_MISMATCH = 62


def report_error(errors: Sequence[PathError], *, name_mismatch: bool) -> PathError | None:
    """The error that is reported: the one nearest to the leaf, a wrong name only when there is no other.

    Args:
        errors: nearest to the leaf first.
        name_mismatch: no presented name satisfied a reference.
    """
    if errors:
        return errors[0]
    return PathError(HOSTNAME_MISMATCH, 0, TEXTS[HOSTNAME_MISMATCH]) if name_mismatch else None


def failure_line(error: PathError, peer: str) -> str:
    """Postfix's log line for an error.

    Args:
        error: the error to report.
        peer: ``host[address]:port``, in lower case.
    """
    role = "CA" if error.depth > 0 else "server"
    common = {
        18: "self-signed certificate",
        19: f"untrusted issuer {error.subject}",
        20: f"untrusted issuer {error.subject}",
        22: f"certificate chain longer than limit({DEPTH_LIMIT})",
        26: f"not designated for use as a {role} certificate",
        27: "not trusted by local or TLSA policy",
    }
    by_role = dict.fromkeys((9, 13), "certificate not yet valid") | dict.fromkeys((10, 14), "certificate has expired")
    if error.num in common:
        return f"certificate verification failed for {peer}: {common[error.num]}"
    words = by_role.get(error.num, f"num={error.num}:{error.text}")
    return f"{role} certificate verification failed for {peer}: {words}"
