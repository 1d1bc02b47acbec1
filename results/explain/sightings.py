"""Search for certificates that match TLSA record data, in the current and earlier runs."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from results.explain.tlsa_cause import SeenCertificate
from results.store.partial import DigestsPart, ReportPart, lines
from results.store.reader import Run


def sightings(
    run: Run, history: Iterable[Run], wanted: Mapping[str, Collection[str]]
) -> dict[str, dict[str, SeenCertificate]]:
    """Return the certificates that match the data of TLSA records.

    Args:
        run: the current run.
        history: earlier runs.
        wanted: the data of the TLSA records of each host, in hex.

    Returns:
        A mapping from host and TLSA record data to a certificate. If the host itself sent a matching certificate, the
        mapping contains the certificate of the latest earlier run in which the host sent one, or else of the current
        run. If only other hosts sent a matching certificate, the mapping contains a certificate of the current run, or
        else of the earliest run.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    found: dict[str, dict[str, SeenCertificate]] = {host: {} for host in wanted}
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
    found: dict[str, dict[str, SeenCertificate]],
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
            seen = SeenCertificate(hit.subject, when, by_host=hit.sha256 in shown.get(host, ()))
            if seen.by_host or text not in found[host]:
                found[host][text] = seen


def _shown(run: Run, certs: Collection[str], wanted: Collection[str]) -> dict[str, set[str]]:
    """Return for each host the SHA-256 digests of the given certificates that the host sent."""
    shown: dict[str, set[str]] = {}
    if not certs:
        return shown
    for report in lines(run, "hosts", ReportPart):
        if report.host in wanted:
            chains = (probe.handshake.chain for end in report.endpoints for probe in end.all_probes if probe.handshake)
            shown[report.host] = {digest for chain in chains for digest in chain if digest in certs}
    return shown
