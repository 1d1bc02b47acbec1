"""``mxsweep explain``: find a domain in a run, and what is known of its hosts, and have it printed."""

from collections.abc import Sequence

from results.explain.domain_steps import Reasoning
from results.explain.sightings import sightings
from results.store.by_key import certs_of, find
from results.store.reader import Run
from scanner.cli import console
from scanner.cli.errors import CliError
from scanner.model import DomainRecord, HostReport
from targets.destination import DestinationError, parse_destination


def explain_domain(run: Run, domain: str, history: Sequence[Run]) -> None:
    """Print how the verdict of a domain came about.

    Raises:
        CliError: the domain is not in the run.
        StoreError: a file of a run cannot be read.
    """
    keys = _keys(domain)
    record = next(iter(find(run, "domains", DomainRecord, keys).values()), None)
    if record is None:
        raise CliError(f"{domain}: not in {run.path}")
    wanted = [host.report for host in record.hosts if host.report is not None]
    reports = find(run, "hosts", HostReport, wanted)
    certs = certs_of(run, reports.values())
    data = {report.host: {tlsa.data for tlsa in report.tlsa.records} for report in reports.values()}
    Reasoning(console.stdout(), reports, certs, sightings(run, history, data)).print(record)


def _keys(domain: str) -> set[str]:
    """The keys under which a domain may stand: as it was typed, and as a scan would write it."""
    keys = {domain, domain.lower().rstrip(".")}
    try:
        return keys | {parse_destination(domain).key}
    except DestinationError:
        return keys
