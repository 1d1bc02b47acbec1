"""Writer of the results of a run as metrics for the textfile collector of Prometheus' node_exporter.

Only metrics of the types gauge and histogram are used, because readers of Prometheus' older text format also accept
these types. The number of series is small: no domain or host has a series, and each of the ``PROVIDERS`` largest
providers has a separate series; the series ``other`` contains the sum of all other providers. Every verdict and reason
has a series even if its count is zero, so that an alert can detect a change.

The histogram of the days until expiry contains, for each MX host, the server certificate that expires first; an expired
certificate is counted with 0 days.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from results.count.hosts import days_left
from results.count.summary import Provider, Summary, count_run, ended, summary_of
from results.render.openmetrics import END, by_word, gauge, histogram
from results.store.files import replace_file
from results.store.reader import Run
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, DomainSTS, Mechanism, Sender

PROVIDERS = 20  # maximum number of named providers; each provider has four series
DAYS = (0, 1, 3, 7, 14, 21, 30, 60, 90, 180, 365)
"""Upper bounds of the histogram's buckets, in days until the expiry of a certificate."""

OTHER = "other"


def write_metrics(run: Run, path: Path, providers: int = PROVIDERS) -> None:
    """Write the metrics of a run to a file, which is replaced atomically.

    Args:
        run: the run, finished or not.
        path: the file; node_exporter reads files named ``*.prom``.
        providers: maximum number of named providers.

    Raises:
        StoreError: the run cannot be read, or the file cannot be written.
    """
    replace_file(path, metrics(run, providers).encode())


def metrics(run: Run, providers: int = PROVIDERS) -> str:
    """Return the metrics of a run as OpenMetrics text.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    counted = count_run(run)
    summary, now = summary_of(run, counted), ended(run.header)
    days = sorted(max(0.0, days_left(end, now)) for end in counted.hosts.ends.values())
    parts = (_run(run, summary), _domains(summary), _providers(summary, providers), _hosts(summary, days), [END])
    return "".join(text for part in parts for text in part)


# --- metric families ------------------------------------------------------------------------------------------


def _run(run: Run, summary: Summary) -> Iterator[str]:
    header = run.header
    labels = {
        "version": header.version,
        "level": str(header.settings.get("level", "")),
        "state": header.state,
        "resolver": header.resolver,
    }
    yield gauge("mxsweep_run_info", "What made the run.", [({**labels}, 1)])
    started = summary.started.timestamp()
    yield gauge("mxsweep_run_started_timestamp_seconds", "When the run began.", [({}, started)], "seconds")
    if summary.finished is not None:
        ended = summary.finished.timestamp()
        yield gauge("mxsweep_run_finished_timestamp_seconds", "When the run ended.", [({}, ended)], "seconds")
        yield gauge("mxsweep_run_duration_seconds", "How long the run took.", [({}, header.seconds or 0)], "seconds")


def _domains(summary: Summary) -> Iterator[str]:
    yield gauge("mxsweep_domains", "Domains scanned.", [({}, summary.funnel.domains)])
    for name, table, words in (
        ("outcome", summary.outcome, DomainOutcome),
        ("sender", summary.sender, Sender),
        ("dane", summary.dane, DomainDane),
        ("starttls", summary.starttls, DomainStartTLS),
    ):
        help_ = f"Domains by verdict {name}."
        yield gauge(f"mxsweep_domains_by_{name}", help_, by_word("verdict", table, words))
    yield from _sts(summary)
    rows = by_word("reason", summary.reasons, Reason)
    yield gauge("mxsweep_domains_by_reason", "Domains that a reason concerns; a domain may have several.", rows)
    yield gauge("mxsweep_rejects", "Input lines not scanned.", [({}, sum(summary.rejects.values()))])


def _sts(summary: Summary) -> Iterator[str]:
    """Yield the metrics about MTA-STS; no metrics if the scan did not examine MTA-STS."""
    for name, words in (("sts", DomainSTS), ("mechanism", Mechanism)):
        counts = {word: count.domains for word, count in summary.tables[name].rows.items()}
        if counts:
            yield gauge(f"mxsweep_domains_by_{name}", f"Domains by verdict {name}.", by_word("verdict", counts, words))


def _providers(summary: Summary, most: int) -> Iterator[str]:
    rows = list(_provider_rows(summary.providers, most))
    help_ = "Domains by provider (registrable domain of an MX host); a domain counts once for each of its providers."
    yield gauge("mxsweep_provider_domains", help_, [({"provider": name}, row[0]) for name, row in rows])
    states = [
        ({"provider": name, "verdict": verdict}, count)
        for name, row in rows
        for verdict, count in zip((DomainDane.PROTECTED, DomainDane.BROKEN), row[1:3], strict=True)
    ]
    yield gauge("mxsweep_provider_domains_by_dane", "Domains by provider and DANE verdict.", states)
    hosts = [({"provider": name}, row[3]) for name, row in rows]
    yield gauge("mxsweep_provider_failing_hosts", "MX hosts by provider that fail.", hosts)


def _provider_rows(providers: Sequence[Provider], most: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    rows = [(row.domains, row.protected, row.broken, row.failing) for row in providers]
    yield from zip((row.name for row in providers[:most]), rows[:most], strict=True)
    if rows[most:]:
        domains, protected, broken, failing = map(sum, zip(*rows[most:], strict=True))
        yield OTHER, (domains, protected, broken, failing)


def _hosts(summary: Summary, days: Sequence[float]) -> Iterator[str]:
    yield gauge("mxsweep_hosts", "MX hosts examined.", [({}, summary.hosts)])
    rows = by_word("verdict", summary.host_dane, Dane)
    yield gauge("mxsweep_hosts_by_dane", "MX hosts by the worst DANE verdict that any domain sees.", rows)
    yield gauge("mxsweep_endpoints", "Addresses of MX hosts examined.", [({}, summary.endpoints)])
    versions = [({"version": version}, count) for version, count in summary.tls_versions.items()]
    yield gauge("mxsweep_endpoints_by_tls", "Addresses by TLS version.", versions)
    algs = [({"algorithms": word}, count.hosts) for word, count in summary.tables["cert_algs"].rows.items()]
    if algs:
        yield gauge("mxsweep_hosts_by_certificates", "MX hosts by the key algorithms of their certificates.", algs)
    ready = [({"state": word}, count.hosts) for word, count in summary.tables["post_quantum"].rows.items()]
    yield gauge("mxsweep_hosts_by_post_quantum", "MX hosts by post-quantum key exchange.", ready)
    help_ = "Days left to the server certificate of an MX host that ends first, 0 when it has expired."
    yield histogram("mxsweep_certificate_left_days", help_, days, DAYS, "days")
