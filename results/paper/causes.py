"""The cause of each DANE mismatch: the most specific cause that the stored records of an MX host support."""

from collections.abc import Collection, Mapping, Sequence

from results.explain.sightings import sightings
from results.explain.tlsa_cause import Cause, SeenCertificate, search
from results.store.by_key import certs_of, find
from results.store.reader import Run
from scanner.core.compared import path_reason
from scanner.core.verdict import handshake_of
from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport
from scanner.reasons import Reason


def mismatch_causes(run: Run, history: Sequence[Run], wrong: Collection[str]) -> dict[str, str]:
    """Return the cause of the DANE mismatch of each given MX host.

    The memory used grows with the number of the given hosts.

    Args:
        run: the run.
        history: earlier runs, which are searched for certificates that match the TLSA records.
        wrong: report keys of the MX hosts with a DANE mismatch.

    Returns:
        For each host name, a value of ``tlsa_cause.Cause``, or a reason code. The reason code is that of an error in a
        chain that a TLSA record matches, of the mismatch of another certificate of the host, or of a name mismatch.
    """
    reports = find(run, "hosts", HostReport, wrong)
    certs = certs_of(run, reports.values())
    wanted = {report.host: {record.data for record in report.tlsa.records} for report in reports.values()}
    elsewhere = sightings(run, history, wanted)
    return {report.host: _cause(report, certs, elsewhere[report.host]) for report in reports.values()}


def _cause(report: HostReport, certs: Mapping[str, CertFacts], elsewhere: Mapping[str, SeenCertificate]) -> str:
    """Return the most specific cause of the DANE mismatch at any address of a host.

    If the certificates that the addresses send by default match, return the reason code of a mismatch of a certificate
    with another key algorithm, or, if these certificates also match, the reason code of a name mismatch.
    """
    found = [cause for endpoint in report.endpoints if (cause := _of_address(report, endpoint, certs, elsewhere))]
    others = [other.dane for endpoint in report.endpoints for other in endpoint.algorithms if other.dane is not None]
    matched = all(evidence.matched for evidence in others)
    without = Reason.NAME_MISMATCH if matched else Reason.OTHER_CERTIFICATE_MISMATCH
    return min(found, key=_specificity, default=str(without))


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
