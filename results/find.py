"""Picking single records out of a run, which has no index: one pass over a file for any number of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from results import codec
from results.files import StoreError, naming
from results.lean import DigestsPart, ReportPart, lines
from results.run import Run, lines_path
from results.tlsa_search import Sighting
from scanner.facts import CertFacts
from scanner.model import HostReport

_T = TypeVar("_T")


def find(run: Run, name: str, kind: type[_T], keys: Collection[str]) -> dict[str, _T]:
    """Give the records of a file that have one of these keys: what ``each`` gives, all at once."""
    return dict(each(run, name, kind, keys))


def each(run: Run, name: str, kind: type[_T], keys: Collection[str]) -> Iterator[tuple[str, _T]]:
    """Give the records of a file that have one of these keys, the last line of each.

    Args:
        run: the run.
        name: a key of ``LINE_FILES``.
        kind: the record that its lines hold.
        keys: what to look for; whatever is not there is left out.

    Returns:
        Key and record, one after the other, so that only the lines are in memory at once.

    Raises:
        StoreError: the file cannot be read, or a line that was looked for is no record.
    """
    path = lines_path(run.path, name)
    wanted = set(keys)
    found: dict[str, bytes] = {}
    if not wanted or not path.exists():
        return
    try:
        with naming(path), path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") and (key := codec.key_of(line)) in wanted:
                    found[key] = line
        for key, line in found.items():
            yield key, codec.decode(kind, line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error


def certs_of(run: Run, reports: Iterable[HostReport]) -> dict[str, CertFacts]:
    """Give the certificates that hosts showed, by SHA-256."""
    digests = {
        digest
        for report in reports
        for endpoint in report.endpoints
        for probe in endpoint.probes
        if probe.handshake
        for digest in probe.handshake.chain
    }
    return find(run, "certs", CertFacts, digests)


def sightings(
    run: Run, history: Iterable[Run], wanted: Mapping[str, Collection[str]]
) -> dict[str, dict[str, Sighting]]:
    """Look for certificates that TLSA records could be of: in this run, then in earlier ones.

    Args:
        run: the run at hand.
        history: earlier runs.
        wanted: hosts, each with the data of its TLSA records.

    Returns:
        By host and data: what the host showed itself counts before what others did, later runs before earlier ones.
    """
    found: dict[str, dict[str, Sighting]] = {host: {} for host in wanted}
    data = {text for texts in wanted.values() for text in texts}
    if not data:
        return found
    earlier = sorted(history, key=lambda one: one.header.started)
    for one, when in ((run, None), *((past, past.header.started) for past in earlier)):
        _look(one, when, data, wanted, found)
    return found


def _look(
    run: Run,
    when: datetime | None,
    data: Collection[str],
    wanted: Mapping[str, Collection[str]],
    found: dict[str, dict[str, Sighting]],
) -> None:
    hits: dict[str, DigestsPart] = {}
    by_cert: dict[str, DigestsPart] = {}
    for cert in lines(run, "certs", DigestsPart):
        for digest in (cert.sha256, cert.sha512, cert.spki_sha256, cert.spki_sha512):
            if digest in data:
                hits[digest] = by_cert[cert.sha256] = cert
    shown = _shown(run, by_cert, wanted)
    for host, texts in wanted.items():
        for text in texts:
            hit = hits.get(text)
            if hit is None:
                continue
            seen = Sighting(hit.subject, when, by_host=hit.sha256 in shown.get(host, ()))
            if seen.by_host or text not in found[host]:
                found[host][text] = seen


def _shown(run: Run, certs: Collection[str], wanted: Collection[str]) -> dict[str, set[str]]:
    """Say which of the certificates which of the hosts showed."""
    shown: dict[str, set[str]] = {}
    if not certs:
        return shown
    for report in lines(run, "hosts", ReportPart):
        if report.host in wanted:
            chains = (probe.handshake.chain for end in report.endpoints for probe in end.probes if probe.handshake)
            shown[report.host] = {digest for chain in chains for digest in chain if digest in certs}
    return shown
