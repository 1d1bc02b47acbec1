"""The cause of each DANE mismatch, as far as the facts of the host show it."""

from collections.abc import Collection, Mapping, Sequence

from results.explain.sightings import sightings
from results.explain.tlsa_cause import Cause, SeenCertificate, search
from results.store.by_key import certs_of, find
from results.store.reader import Run
from scanner.core.verdict import handshake_of, path_reason
from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport
from scanner.reasons import Reason


def mismatch_causes(run: Run, history: Sequence[Run], wrong: Collection[str]) -> dict[str, str]:
    """Return the cause for each MX host whose records do not match; memory grows with these hosts.

    Args:
        run: the run.
        history: earlier runs, where records of earlier certificates are looked for.
        wrong: the keys of the reports of these hosts.

    Returns:
        By name of the MX host a word of ``tlsa_cause.Cause``, or where a record matches the reason why it does not
        count.
    """
    reports = find(run, "hosts", HostReport, wrong)
    certs = certs_of(run, reports.values())
    wanted = {report.host: {record.data for record in report.tlsa.records} for report in reports.values()}
    elsewhere = sightings(run, history, wanted)
    return {report.host: _cause(report, certs, elsewhere[report.host]) for report in reports.values()}


def _cause(report: HostReport, certs: Mapping[str, CertFacts], elsewhere: Mapping[str, SeenCertificate]) -> str:
    """Return the most specific cause among the addresses; without any, only the names do not match."""
    found = [cause for endpoint in report.endpoints if (cause := _of_address(report, endpoint, certs, elsewhere))]
    return min(found, key=_specificity, default=str(Reason.NAME_MISMATCH))


def _of_address(
    report: HostReport,
    endpoint: EndpointReport,
    certs: Mapping[str, CertFacts],
    elsewhere: Mapping[str, SeenCertificate],
) -> str | None:
    evidence = endpoint.dane
    if evidence is None or evidence.matched:
        return None
    if evidence.record is not None:
        return path_reason(evidence.errors[0])
    shaken = handshake_of(endpoint)
    chain = [certs[digest] for digest in shaken.chain if digest in certs] if shaken else []
    return search(report.tlsa.records, chain, elsewhere)[0].cause


def _specificity(cause: str) -> int:
    order = [str(word) for word in Cause]
    return order.index(cause) if cause in order else len(order)
