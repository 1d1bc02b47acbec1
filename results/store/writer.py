"""Writer of records to a run directory.

A run directory contains ``run.json`` (the header, replaced atomically), and ``domains.jsonl``, ``hosts.jsonl``,
``certs.jsonl`` and ``rejects.jsonl``, to which lines are appended. A certificate is written before the host that sent
it, and a host before the domain that refers to it, so that every reference leads to an existing line even if the
process is killed. ``results.store.reader`` reads a run; ``results.store.line_sink`` writes domain lines to a stream.

The writer is not thread-safe. A lock on the file ``run.lock`` prevents a second process from writing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Self

from results.store import codec, line_keys
from results.store.files import (
    MAX_WAITING,
    AppendFile,
    Lock,
    Pacer,
    StoreError,
    close_after,
    cut_torn_tail,
    naming,
    replace_file,
    sync_directory,
)
from results.store.index import Index, Place, observed_of
from results.store.packed import packed_path
from results.store.reader import HEADER_FILE, LINE_FILES, LOCK_FILE, Run, own_path
from scanner.core import retry
from scanner.facts import CertFacts
from scanner.model import SCHEMA, DomainRecord, HostReport, RejectRecord, RunHeader
from scanner.vocabulary import RunState

CERTS_HELD = 1024  # maximum number of cached certificates, about 5 KB each: CA certificates are in many chains
LARGE_CERT = 16 * 1024  # octets of the line of a certificate that is not cached
MAX_RAW = 1000  # maximum number of characters kept of a rejected line; every domain name is shorter


class _Line(NamedTuple):
    """An encoded record: the file to write to, the octets, the index key and, for a host, the examination time."""

    file: str
    octets: bytes
    key: str | bytes = ""
    observed: datetime | None = None


class Store:
    """Writer of a run directory, used in a ``with`` statement; ``create`` and ``resume`` return a store."""

    def __init__(self, path: Path, header: RunHeader, lock: Lock) -> None:
        self.path = path
        self.header = header
        self._lock = lock
        self._files = {name: AppendFile(own_path(path, name)) for name in LINE_FILES}
        self._waiting = 0  # octets appended since the last sync
        self._pacer = Pacer()
        self._index = Index(path)
        self._since = 0  # offset in hosts.jsonl before which ``find_host`` finds no line
        self._resumed = 0  # the size of hosts.jsonl when this process opened the run
        self._cert_at = lru_cache(CERTS_HELD)(self._read_cert)

    @classmethod
    def create(cls, path: Path, header: RunHeader) -> Self:
        """Create a run in a new or empty directory.

        Args:
            path: the directory of the run; missing parent directories are created too.
            header: the content of ``run.json`` until ``finish``.

        Raises:
            StoreError: the directory is not empty, or the directory cannot be written.
        """
        with naming(path):
            path.mkdir(parents=True, exist_ok=True)
            _refuse_used(path)
        lock = Lock(path / LOCK_FILE)
        try:
            store = cls(path, header, lock)
            store._write_header(header)
        except BaseException:
            lock.release()
            raise
        return store

    @classmethod
    def resume(cls, path: Path, *, anew: bool = False) -> Self:
        """Open a run to continue it; incomplete last lines are moved to ``NAME.torn``.

        Args:
            path: the directory of the run.
            anew: true if hosts are examined again, so that ``find_host`` ignores the lines written before this call.

        Raises:
            StoreError: the directory does not contain a run, the run is compressed, another process writes to the run,
                or a file cannot be read or written.
        """
        Run.open(path)
        _refuse_compressed(path)
        lock = Lock(path / LOCK_FILE)
        try:
            for name in LINE_FILES:
                own_path(path, name).touch()
                cut_torn_tail(own_path(path, name))
            store = cls(path, Run.open(path).header, lock)
            store._index.load(own_path(path, "hosts"), own_path(path, "certs"))
            store._resumed = store._files["hosts"].end
            store._since = store._resumed if anew else 0
        except BaseException:
            lock.release()
            raise
        return store

    def begin(self, version: str) -> None:
        """Set the state of the run in ``run.json`` to running, and record the version of the running mxsweep."""
        versions = tuple(dict.fromkeys((*(self.header.versions or (self.header.version,)), version)))
        self.header = replace(self.header, versions=versions, schema=SCHEMA)
        self.mark(RunState.RUNNING)

    def mark(self, state: RunState) -> None:
        """Set the state of an unfinished run in ``run.json`` (running or paused).

        Raises:
            StoreError: the file cannot be written.
        """
        self._write_header(replace(self.header, state=state, finished=None))

    def find_host(self, key: str) -> tuple[HostReport, dict[str, CertFacts]] | None:
        """Return the last report of an MX host and its certificates by SHA-256, or None if no report was written.

        A host report that this version cannot decode is ignored, so that the host is examined again. A host report of
        an earlier process is ignored if a limit or bug of that process spoiled the report.

        Raises:
            StoreError: a file cannot be read.
        """
        known = self._index.host(key)
        if known is None or known[1].start < self._since:
            return None
        try:
            report = codec.decode(HostReport, self._line("hosts", known[1]))
            certs = {digest: self._cert(digest) for digest in digests_of(report)}
        except codec.CodecError:
            return None
        if known[1].start < self._resumed and retry.spoiled_here(report):
            return None
        return report, {digest: cert for digest, cert in certs.items() if cert is not None}

    def put_host(self, report: HostReport, certs: Sequence[CertFacts]) -> None:
        """Write the report of an MX host and its certificates, unless the host's last report is the same.

        A different report replaces the last report even if its examination time is earlier, because the system clock
        may be set back.

        Raises:
            CodecError: a record cannot be encoded. Nothing is written.
            StoreError: a file cannot be written.
        """
        self._append(self._host_lines(report, {cert.sha256: cert for cert in certs}))

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Write the reports of the hosts of a domain that are not in the run yet, then the record of the domain.

        All records are encoded before the first record is written, so that nothing is written if a record cannot be
        encoded.

        Args:
            record: the domain; readers use it in place of an earlier record with the same key.
            reports: the reports of the MX hosts of the domain.
            certs: certificates by SHA-256; required for reports that are not in the run yet, and for the MTA-STS policy
                host.

        Raises:
            CodecError: a record cannot be encoded. Nothing is written.
            StoreError: a file cannot be written.
        """
        lines = [line for report in reports for line in self._host_lines(report, certs)]
        lines += self._cert_lines(policy_digests(record), certs, record.key)
        if record.reports is not None or record.certificates is not None:
            record = replace(record, reports=None, certificates=None)
        self._append([*lines, _Line("domains", codec.encode(record))])

    def copy_host(self, line: bytes) -> None:
        """Write the host report in a line of another run, unless this run's last report of the host has the same time.

        Raises:
            ValueError: the line is not a line of an MX host.
            StoreError: the file cannot be written.
        """
        key, observed = line_keys.key_of(line), observed_of(line)
        known = self._index.host(key)
        if known is None or known[0] != observed.timestamp():
            self._append([_Line("hosts", line, key, observed)])

    def copy_cert(self, line: bytes) -> None:
        """Write the line of a certificate of another run, unless the run contains the certificate.

        Raises:
            ValueError: the line is not a line of a certificate.
            StoreError: the file cannot be written.
        """
        self._append([_Line("certs", line, bytes.fromhex(line_keys.key_of(line)))])

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Write an input line that was not scanned, with the reason."""
        self._put("rejects", codec.encode(RejectRecord(f"{file}:{line}", file, line, raw[:MAX_RAW], reason)))

    def replace_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Replace ``domains.jsonl`` or ``rejects.jsonl`` by a rename, so that a reader sees all new lines or none.

        Args:
            name: ``domains`` or ``rejects``; no other file can be replaced, because the index contains the offsets of
                the lines of the other files.
            lines: encoded records, each with a line feed at its end.

        Raises:
            StoreError: the file cannot be written.
        """
        path = own_path(self.path, name)
        fresh = path.with_name(f"{path.name}.new")
        with naming(path):
            fresh.unlink(missing_ok=True)
        file = AppendFile(fresh)
        try:
            for line in lines:
                file.put(line)
                if file.waiting >= MAX_WAITING:
                    file.flush()
            file.flush()
            with naming(path):
                fresh.replace(path)
                sync_directory(path.parent)
        except BaseException:
            file.close()
            fresh.unlink(missing_ok=True)
            raise
        self._files[name].close()
        self._files[name] = file

    def due(self, now: float) -> bool:
        """Return whether the caller should call ``sync``; ``now`` is the time of any monotonic clock, in seconds."""
        return self._pacer.due(now, self._waiting)

    def sync(self) -> None:
        """Write all records to the disk; the call blocks until ``fsync`` returns.

        Raises:
            StoreError: a file cannot be written; the next call retries the unwritten octets.
        """
        for file in self._files.values():
            file.flush()
        self._waiting = 0
        self._pacer.reset()

    def finish(self, state: RunState, totals: Mapping[str, int], finished: datetime) -> None:
        """Write all records to the disk, and the final state, the counts of the run and the end time to ``run.json``.

        Raises:
            StoreError: a file cannot be written.
        """
        self.sync()
        self._write_header(replace(self.header, state=state, totals=dict(totals), finished=finished))

    def close(self) -> None:
        """Close the run directory; if the run is unfinished, the state in run.json becomes interrupted."""
        try:
            if self.header.state in (RunState.RUNNING, RunState.PAUSED):
                self.finish(RunState.INTERRUPTED, self.header.totals, datetime.now(UTC))
            self.sync()
        finally:
            for file in self._files.values():
                file.close()
            self._index.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        close_after(self, failed=kind is not None)

    def _host_lines(self, report: HostReport, certs: Mapping[str, CertFacts]) -> list[_Line]:
        """Return the lines of a host that are not in the run yet: lines of certificates, then the report."""
        if not report.key.isascii():  # host names are A-labels; a key that UTF-8 cannot encode would damage the index
            raise codec.CodecError(f"HostReport {report.key!a}: not in ASCII")
        known = self._index.host(report.key)
        if known is not None and known[0] == report.observed_at.timestamp():
            return []
        lines = self._cert_lines(digests_of(report), certs, report.key)
        return [*lines, _Line("hosts", codec.encode(report), report.key, report.observed_at)]

    def _cert_lines(self, digests: Sequence[str], certs: Mapping[str, CertFacts], sender: str) -> list[_Line]:
        """Return the lines of certificates that are not in the run yet.

        ``sender`` is the host or domain that the lines belong to.
        """
        found = [(bytes.fromhex(digest), certs[digest]) for digest in digests if digest in certs]
        return [_cert_line(key, cert, sender) for key, cert in found if self._index.cert(key) is None]

    def _append(self, lines: Sequence[_Line]) -> None:
        """Write lines, and index hosts and certificates; a certificate that several hosts sent is written once."""
        for line in lines:
            if isinstance(line.key, bytes):
                if self._index.cert(line.key) is None:
                    self._index.put_cert(line.key, self._put(line.file, line.octets))
            else:
                place = self._put(line.file, line.octets)
                if line.observed is not None:
                    self._index.put_host(line.key, line.observed, place)

    def _cert(self, digest: str) -> CertFacts | None:
        place = self._index.cert(bytes.fromhex(digest))
        if place is None:
            return None
        return self._cert_at(place) if place.octets <= LARGE_CERT else self._read_cert(place)

    def _read_cert(self, place: Place) -> CertFacts:
        return codec.decode(CertFacts, self._line("certs", place))

    def _put(self, name: str, line: bytes) -> Place:
        place = Place(self._files[name].put(line), len(line))
        self._waiting += len(line)
        if self._waiting > MAX_WAITING:
            self.sync()
        return place

    def _line(self, name: str, place: Place) -> bytes:
        return self._files[name].read(*place)

    def _write_header(self, header: RunHeader) -> None:
        replace_file(self.path / HEADER_FILE, codec.pretty(header))
        self.header = header


def _cert_line(key: bytes, cert: CertFacts, host: str) -> _Line:
    try:
        return _Line("certs", codec.encode(cert), key)
    except codec.CodecError as error:
        raise codec.CodecError(f"certificate of {host}: {error}") from None


def check_free(path: Path) -> None:
    """Check that ``Store.create`` can create a run in a directory; the check leaves no changes.

    Raises:
        StoreError: the directory is not empty, or the directory cannot be written.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]  # the deepest directory first
    with naming(path):
        path.mkdir(parents=True, exist_ok=True)
        _refuse_used(path)
        for each in missing:
            each.rmdir()


def _refuse_used(path: Path) -> None:
    if (path / HEADER_FILE).exists():
        raise StoreError(f"{path}: there is already a run here; each run needs its own directory")
    if any(path.iterdir()):
        raise StoreError(f"{path}: the directory is not empty")


def _refuse_compressed(path: Path) -> None:
    for name in LINE_FILES:
        file = packed_path(own_path(path, name))
        if file is not None:
            raise StoreError(f"{file}: a compressed run cannot be continued; unpack its files first")


def digests_of(report: HostReport) -> list[str]:
    """Return the SHA-256 digests of the certificates in a report in the order of the probes, each digest once."""
    probes = [probe for endpoint in report.endpoints for probe in endpoint.all_probes]
    chains = [probe.handshake.chain for probe in probes if probe.handshake]
    return list(dict.fromkeys(digest for chain in chains for digest in chain))


def policy_digests(record: DomainRecord) -> list[str]:
    """Return the SHA-256 digests of the certificates of the MTA-STS policy host of a domain, each once."""
    chains = [fetch.handshake.chain for fetch in record.sts.fetches if fetch.handshake] if record.sts else []
    return list(dict.fromkeys(digest for chain in chains for digest in chain))
