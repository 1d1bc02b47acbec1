"""Partial records: the few members of a line that counting needs.

To decode a line into a partial record costs a fraction of decoding the whole record, as other members are skipped.
Words stay plain strings, so that a run of a later version, which may have new words, can be counted too. The names are
those of ``scanner.model``.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

import msgspec

from results.store.last_lines import last_records
from results.store.reader import Run, lines_path
from scanner.core.verdict import roles

_Line = TypeVar("_Line", bound="Lean")


class Lean(msgspec.Struct, frozen=True, gc=False):
    """A part of a line: plain values without reference cycles, which the garbage collector need not visit."""


class MXPart(Lean, frozen=True):
    """Of the MX answer."""

    outcome: str
    security: str


class RoutePart(Lean, frozen=True):
    """Of a route."""

    mx: MXPart | None
    reasons: tuple[str, ...]
    final: str | None


class DomainPart(Lean, frozen=True):
    """Of a domain line; ``verdict`` and each of ``hosts`` are the octets of their JSON."""

    key: str
    route: RoutePart
    hosts: tuple[msgspec.Raw, ...]
    verdict: msgspec.Raw


class EndpointPart(Lean, frozen=True):
    """Of the verdict of an address."""

    address: str
    reasons: tuple[str, ...] = ()
    text: str = ""


class HostPart(Lean, frozen=True):
    """Of the verdict of an MX host."""

    host: str
    preference: int
    report: str | None
    dane: str
    starttls: str
    sender: str
    conclusive: bool
    endpoints: tuple[EndpointPart, ...] = ()
    reasons: tuple[str, ...] = ()
    text: str = ""


class VerdictPart(Lean, frozen=True, eq=False):
    """Of the verdict of a domain. Two are equal only if they are the same object: the counter keeps one of each."""

    outcome: str
    sender: str
    dane: str
    starttls: str
    reasons: tuple[str, ...] = ()
    text: str = ""


class AnswerPart(Lean, frozen=True):
    """Of an answer about a host."""

    outcome: str
    security: str


class TLSAPart(Lean, frozen=True):
    """Of a TLSA lookup."""

    dane: str | None
    steps: tuple[AnswerPart, ...] = ()


class HandshakePart(Lean, frozen=True):
    """Of a handshake."""

    version: str
    cipher: str
    group: str | None
    chain: tuple[str, ...]


class ProfilePart(Lean, frozen=True):
    """Of the endpoint of a probe: the name of its TLS profile."""

    profile: str


class ProbePart(Lean, frozen=True):
    """Of a probe."""

    endpoint: ProfilePart
    ms: dict[str, float]
    starttls: str
    handshake: HandshakePart | None = None


class EvidencePart(Lean, frozen=True):
    """Of DANE evidence: whether a record matches, and what keeps the match from counting."""

    depth: int
    errors: tuple[msgspec.Raw, ...] = ()

    @property
    def matched(self) -> bool:
        """True when a record matches and nothing but a name could still be wrong."""
        return self.depth >= 0 and not self.errors


class AddressPart(Lean, frozen=True):
    """Of the report of an address."""

    address: str
    probes: tuple[ProbePart, ...]
    dane: EvidencePart | None = None

    @property
    def shown(self) -> ProbePart | None:
        """The probe that stands for the address; None in a line that lists no probe."""
        return roles(self.probes).shown if self.probes else None

    @property
    def small_hello_only(self) -> bool:
        """True where the handshake fails with the groups of the library and succeeds with classical ones."""
        return len(self.probes) > 1 and roles(self.probes).small_hello_only

    @property
    def handshake(self) -> HandshakePart | None:
        """The handshake of the probe that stands for the address."""
        shown = self.shown
        return None if shown is None else shown.handshake


class ReportPart(Lean, frozen=True):
    """Of the report of an MX host."""

    key: str
    host: str
    a: AnswerPart | None
    aaaa: AnswerPart | None
    tlsa: TLSAPart
    endpoints: tuple[AddressPart, ...]


class DigestsPart(Lean, frozen=True):
    """Of a certificate: the digests that a TLSA record may hold."""

    sha256: str
    sha512: str
    spki_sha256: str
    spki_sha512: str
    subject: str = ""


class CertPart(Lean, frozen=True):
    """Of a certificate: the members that are counted."""

    sha256: str
    issuer: str = ""
    issuer_cn: str = ""
    not_after: datetime | None = None
    key_type: str = ""
    key_bits: int = 0


HOST = msgspec.json.Decoder(HostPart)
VERDICT = msgspec.json.Decoder(VerdictPart)


def lines(run: Run, name: str, kind: type[_Line]) -> Iterator[_Line]:
    """Yield the lines that count of a file, each decoded as far as ``kind`` has members.

    Raises:
        StoreError: the file cannot be read, or a line is no such record.
    """
    return last_records(lines_path(run.path, name), msgspec.json.Decoder(kind).decode, run.corrupt)
