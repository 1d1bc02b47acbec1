"""Writer of domain lines to a stream; a line includes the reports of the MX hosts and summaries of the certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO, Self

from results.store import codec
from results.store.files import MAX_WAITING, Pacer, close_after, naming
from results.store.writer import digests_of, policy_digests
from scanner.facts import CertFacts
from scanner.model import CertSummary, DomainRecord, HostReport
from scanner.vocabulary import RunState


class LineSink:
    """Writer of domain lines to a stream; a line includes the reports of the domain's MX hosts.

    The writer has the methods of ``Store``, the writer of a run directory.
    """

    def __init__(self, stream: BinaryIO, name: str = "standard output") -> None:
        self._stream = stream
        self._name = name
        self._waiting = bytearray()
        self._pacer = Pacer()

    def put_host(self, report: HostReport, certs: Sequence[CertFacts]) -> None:
        """Write nothing, because the domain line contains the report of the host."""

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Write a line with the record of a domain, the reports of its MX hosts and summaries of their certificates.

        Raises:
            CodecError: the record cannot be encoded. Nothing is written.
            StoreError: the stream cannot be written.
        """
        self._waiting += codec.encode(standing_alone(record, reports, certs))
        if len(self._waiting) > MAX_WAITING:
            self.sync()

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Do nothing, because the stream contains only domain lines."""

    def due(self, now: float) -> bool:
        """Return whether the caller should call ``sync``; ``now`` is the time of any monotonic clock, in seconds."""
        return self._pacer.due(now, len(self._waiting))

    def sync(self) -> None:
        """Write all buffered lines; the call blocks until the reader of the stream accepts the lines.

        Raises:
            StoreError: the stream cannot be written, for example because its reader has ended or the disk is full.
        """
        with naming(self._name):
            self._stream.write(self._waiting)
            self._waiting = bytearray()
            self._stream.flush()
        self._pacer.reset()

    def finish(self, state: RunState, totals: Mapping[str, int], finished: datetime) -> None:  # noqa: ARG002 - Store's
        """Write all buffered lines; the arguments are ignored, because a stream has no header."""
        self.sync()

    def close(self) -> None:
        """Write all buffered lines; the stream is not closed."""
        self.sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        close_after(self, failed=kind is not None)


def summary_of(cert: CertFacts) -> CertSummary:
    """Return the summary of a certificate (subject, names and validity) for a domain line on a stream."""
    return CertSummary(cert.subject, cert.dns_names, cert.not_before, cert.not_after)


def standing_alone(record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> DomainRecord:
    """Return a domain record that includes the reports of its MX hosts and the summaries of their certificates."""
    digests = sorted({*policy_digests(record), *(digest for report in reports for digest in digests_of(report))})
    shown = {digest: summary_of(certs[digest]) for digest in digests if digest in certs}
    return replace(record, reports=tuple(reports), certificates=shown)
