"""Record classes with only the members of a line that are needed to count results (partial records).

Decoding a partial record takes a fraction of the time of the whole record, because the decoder skips all other members.
Verdict values and reason codes are plain strings, so that values of a later version of mxsweep can be counted too. The
members of a partial record have the names of ``scanner.model``.
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
    """Base class of partial records without reference cycles, which the garbage collector can ignore."""


class MXPart(Lean, frozen=True):
    """The members of an MX answer that are needed to count results."""

    outcome: str
    security: str


class RoutePart(Lean, frozen=True):
    """The members of a route that are needed to count results."""

    mx: MXPart | None
    reasons: tuple[str, ...]
    final: str | None


class PolicyPart(Lean, frozen=True):
    """The member of an MTA-STS policy that is needed to count results."""

    mode: str


class STSPart(Lean, frozen=True):
    """The members of the MTA-STS policy of a domain that are needed to count results."""

    record: str
    policy: PolicyPart | None = None


class TXTPart(Lean, frozen=True):
    """The member of a TLSRPT record that is needed to count results."""

    record: str


class DomainPart(Lean, frozen=True):
    """The members of a domain record that are needed to count results.

    ``target``, ``verdict`` and the items of ``hosts`` are undecoded JSON.
    """

    key: str
    target: msgspec.Raw
    route: RoutePart
    hosts: tuple[msgspec.Raw, ...]
    verdict: msgspec.Raw
    sts: STSPart | None = None
    tlsrpt: TXTPart | None = None


class EndpointPart(Lean, frozen=True):
    """The members of the verdict of an address that are needed to count results."""

    address: str
    reasons: tuple[str, ...] = ()
    text: str = ""


class HostPart(Lean, frozen=True):
    """The members of the verdict of an MX host that are needed to count results."""

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
    """The members of the verdict of a domain that are needed to count results.

    Verdict objects are compared by identity, because equal verdicts share one object.
    """

    outcome: str
    sender: str
    dane: str
    starttls: str
    reasons: tuple[str, ...] = ()
    text: str = ""
    sts: str | None = None
    mechanism: str | None = None


class AnswerPart(Lean, frozen=True):
    """The members of a DNS answer about an MX host that are needed to count results."""

    outcome: str
    security: str


class TLSAPart(Lean, frozen=True):
    """The members of a TLSA lookup that are needed to count results."""

    dane: str | None
    steps: tuple[AnswerPart, ...] = ()


class HandshakePart(Lean, frozen=True):
    """The members of a TLS handshake that are needed to count results."""

    version: str
    cipher: str
    group: str | None
    chain: tuple[str, ...]
    signature: str | None = None
    retried: bool = False


class ProfilePart(Lean, frozen=True):
    """The name of the TLS profile, the only member of a probed endpoint that is needed to count results."""

    profile: str


class ProbePart(Lean, frozen=True):
    """The members of a probe that are needed to count results."""

    endpoint: ProfilePart
    ms: dict[str, float]
    starttls: str
    handshake: HandshakePart | None = None


class EvidencePart(Lean, frozen=True):
    """The members of DANE evidence needed to count results.

    ``depth`` is the chain depth of the certificate that a TLSA record matches, or -1. ``errors`` contains the path
    validation errors.
    """

    depth: int
    errors: tuple[msgspec.Raw, ...] = ()

    @property
    def matched(self) -> bool:
        """True if a TLSA record matches without errors; the reference identifiers are not compared."""
        return self.depth >= 0 and not self.errors


class AlgorithmPart(Lean, frozen=True):
    """The members of the probe for a certificate with another key algorithm that are needed to count results."""

    alg: str
    served: str
    probe: ProbePart
    dane: EvidencePart | None = None


class AddressPart(Lean, frozen=True):
    """The members of the report of an address that are needed to count results."""

    address: str
    probes: tuple[ProbePart, ...]
    dane: EvidencePart | None = None
    algorithms: tuple[AlgorithmPart, ...] = ()
    pq: str | None = None
    pq_signature: str | None = None
    pq_probe: ProbePart | None = None

    @property
    def all_probes(self) -> tuple[ProbePart, ...]:
        """All probes of the address, regardless of their purpose."""
        others = [each.probe for each in self.algorithms]
        return (*self.probes, *others) if self.pq_probe is None else (*self.probes, *others, self.pq_probe)

    @property
    def shown(self) -> ProbePart | None:
        """The probe that represents the address in the counts, or None if the report contains no probe."""
        return roles(self.probes).shown if self.probes else None

    @property
    def small_hello_only(self) -> bool:
        """True if the handshake failed with all key exchange groups and succeeded with classical groups only."""
        return len(self.probes) > 1 and roles(self.probes).small_hello_only

    @property
    def handshake(self) -> HandshakePart | None:
        """The handshake of the probe that represents the address in the counts (``shown``), or None."""
        shown = self.shown
        return None if shown is None else shown.handshake


class ReportPart(Lean, frozen=True):
    """The members of the report of an MX host that are needed to count results."""

    key: str
    host: str
    a: AnswerPart | None
    aaaa: AnswerPart | None
    tlsa: TLSAPart
    endpoints: tuple[AddressPart, ...]
    inferred: dict[str, str] | None = None


class DigestsPart(Lean, frozen=True):
    """The members of a certificate that a TLSA record can contain as a digest, and the subject of the certificate."""

    sha256: str
    sha512: str
    spki_sha256: str
    spki_sha512: str
    subject: str = ""


class CertPart(Lean, frozen=True):
    """The members of a certificate that are needed to count results."""

    sha256: str
    issuer: str = ""
    issuer_cn: str = ""
    not_after: datetime | None = None
    key_type: str = ""
    key_bits: int = 0


HOST = msgspec.json.Decoder(HostPart)
VERDICT = msgspec.json.Decoder(VerdictPart)


def lines(run: Run, name: str, kind: type[_Line]) -> Iterator[_Line]:
    """Yield the last line of each key of a file, decoded as the partial record ``kind``.

    Raises:
        StoreError: the file cannot be read, or a line is not a record of the class ``kind``.
    """
    return last_records(lines_path(run.path, name), msgspec.json.Decoder(kind).decode, run.corrupt)
