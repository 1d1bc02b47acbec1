"""The results of a run as metrics for the textfile collector of Prometheus' node_exporter.

OpenMetrics 1.0 text that older readers of Prometheus' own format take too, so only gauges and histograms. Few series:
none is named after a domain or a host, of providers the largest ``PROVIDERS`` and ``other``. Every verdict and reason
is there even when it is zero, so that an alert can wait for it to change.

A certificate that has expired stays in the histogram, with 0 days left, for as long as it is served.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from pathlib import Path

from results.files import replace_file
from results.run import Run
from results.states import host_states
from results.summary import Provider, Summary, summarise
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Sender

PROVIDERS = 20  # named; each has four series
DAYS = (0, 1, 3, 7, 14, 21, 30, 60, 90, 180, 365)
"""Upper bounds of the histogram of days left."""

OTHER = "other"
_DAY = 86400  # seconds

_Labels = Mapping[str, str]
_Sample = tuple[str, _Labels, float]


def write_metrics(run: Run, path: Path, providers: int = PROVIDERS) -> None:
    """Write the metrics of a run to a file, replaced whole.

    Args:
        run: finished or not.
        path: the file, by custom ``NAME.prom``.
        providers: how many providers are named.

    Raises:
        StoreError: the run cannot be read or the file cannot be written.
    """
    replace_file(path, metrics(run, providers).encode())


def metrics(run: Run, providers: int = PROVIDERS) -> str:
    """Give the metrics of a run as OpenMetrics text.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    summary = summarise(run)
    days = sorted(_days_left(run, summary.finished or summary.started))
    parts = (_run(run, summary), _domains(summary), _providers(summary, providers), _hosts(summary, days), ["# EOF\n"])
    return "".join(text for part in parts for text in part)


# --- what is counted ------------------------------------------------------------------------------------------


def _run(run: Run, summary: Summary) -> Iterator[str]:
    header = run.header
    labels = {
        "version": header.version,
        "level": str(header.settings.get("level", "")),
        "state": header.state,
        "resolver": header.resolver,
    }
    yield _gauge("mxsweep_run_info", "What made the run.", [({**labels}, 1)])
    started = summary.started.timestamp()
    yield _gauge("mxsweep_run_started_timestamp_seconds", "When the run began.", [({}, started)], "seconds")
    if summary.finished is not None:
        ended = summary.finished.timestamp()
        yield _gauge("mxsweep_run_finished_timestamp_seconds", "When the run ended.", [({}, ended)], "seconds")
        yield _gauge("mxsweep_run_duration_seconds", "How long the run took.", [({}, ended - started)], "seconds")


def _domains(summary: Summary) -> Iterator[str]:
    yield _gauge("mxsweep_domains", "Domains scanned.", [({}, summary.funnel.domains)])
    for name, table, words in (
        ("outcome", summary.outcome, DomainOutcome),
        ("sender", summary.sender, Sender),
        ("dane", summary.dane, DomainDane),
        ("starttls", summary.starttls, DomainStartTLS),
    ):
        help_ = f"Domains by verdict {name}."
        yield _gauge(f"mxsweep_domains_by_{name}", help_, _by_word("verdict", table, words))
    rows = _by_word("reason", summary.reasons, Reason)
    yield _gauge("mxsweep_domains_by_reason", "Domains that a reason concerns; a domain may have several.", rows)
    yield _gauge("mxsweep_rejects", "Input lines not scanned.", [({}, sum(summary.rejects.values()))])


def _providers(summary: Summary, most: int) -> Iterator[str]:
    rows = list(_provider_rows(summary.providers, most))
    help_ = "Domains by provider (registrable domain of an MX host); a domain counts once for each of its providers."
    yield _gauge("mxsweep_provider_domains", help_, [({"provider": name}, row[0]) for name, row in rows])
    states = [
        ({"provider": name, "verdict": verdict}, count)
        for name, row in rows
        for verdict, count in zip((DomainDane.PROTECTED, DomainDane.BROKEN), row[1:3], strict=True)
    ]
    yield _gauge("mxsweep_provider_domains_by_dane", "Domains by provider and DANE verdict.", states)
    hosts = [({"provider": name}, row[3]) for name, row in rows]
    yield _gauge("mxsweep_provider_failing_hosts", "MX hosts by provider that fail.", hosts)


def _provider_rows(providers: Sequence[Provider], most: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    rows = [(row.domains, row.protected, row.broken, row.failing) for row in providers]
    yield from zip((row.name for row in providers[:most]), rows[:most], strict=True)
    if rows[most:]:
        domains, protected, broken, failing = map(sum, zip(*rows[most:], strict=True))
        yield OTHER, (domains, protected, broken, failing)


def _hosts(summary: Summary, days: Sequence[float]) -> Iterator[str]:
    yield _gauge("mxsweep_hosts", "MX hosts examined.", [({}, summary.hosts)])
    rows = _by_word("verdict", summary.host_dane, Dane)
    yield _gauge("mxsweep_hosts_by_dane", "MX hosts by the worst DANE verdict that any domain sees.", rows)
    yield _gauge("mxsweep_endpoints", "Addresses of MX hosts examined.", [({}, summary.endpoints)])
    versions = [({"version": version}, count) for version, count in summary.tls_versions.items()]
    yield _gauge("mxsweep_endpoints_by_tls", "Addresses by TLS version.", versions)
    help_ = "Days left to the server certificate of an MX host that ends first, 0 when it has expired."
    yield _histogram("mxsweep_certificate_left_days", help_, days, "days")


def _days_left(run: Run, now: datetime) -> Iterator[float]:
    """The days left at each MX host that showed a certificate."""
    ends = {bytes.fromhex(cert.sha256): cert.not_after for cert in run.certs() if cert.not_after is not None}
    for host in host_states(run):
        left = [end for leaf in host.leaves if (end := ends.get(bytes.fromhex(leaf))) is not None]
        if left:
            yield max(0.0, (min(left) - now).total_seconds() / _DAY)


# --- the text -------------------------------------------------------------------------------------------------


def _by_word(label: str, table: Mapping[str, int], words: type[StrEnum]) -> list[tuple[_Labels, float]]:
    """Every word that there is, and those of a later version that this one does not know."""
    return [({label: word}, table.get(word, 0)) for word in dict.fromkeys([*map(str, words), *table])]


def _gauge(name: str, help_: str, rows: Iterable[tuple[_Labels, float]], unit: str = "") -> str:
    return _head(name, "gauge", help_, unit) + "".join(_line((name, labels, value)) for labels, value in rows)


def _histogram(name: str, help_: str, values: Sequence[float], unit: str) -> str:
    places = [bisect_left(DAYS, value) for value in values]
    counts = list(accumulate(places.count(place) for place in range(len(DAYS))))
    samples: list[_Sample] = [
        (f"{name}_bucket", {"le": f"{bound:.1f}"}, count) for bound, count in zip(DAYS, counts, strict=True)
    ]
    samples += [
        (f"{name}_bucket", {"le": "+Inf"}, len(values)),
        (f"{name}_count", {}, len(values)),
        (f"{name}_sum", {}, sum(values)),
    ]
    return _head(name, "histogram", help_, unit) + "".join(map(_line, samples))


def _head(name: str, kind: str, help_: str, unit: str) -> str:
    said = f"# UNIT {name} {unit}\n" if unit else ""
    return f"# TYPE {name} {kind}\n{said}# HELP {name} {help_}\n"


def _line(sample: _Sample) -> str:
    name, labels, value = sample
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}\n" if inside else f"{name} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
