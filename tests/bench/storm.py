"""A provider that answers 421 for some seconds: its hosts are determined in a retry pass, other hosts are not slowed.

The bulk lab is crowded: a fifth of its hosts belong to one provider, which answers 421 when the scan begins.
The same scan without the refusals gives the time of the other hosts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from results.store.reader import Run
from scanner.core.providers import provider_of
from tests.bench.bulk_lab import bulk_lab, scans_in, write_list
from tests.bench.model import Row
from tests.lines import dicts

DOMAINS = 5000
STORMY = "p0.bulk"
SLOWED = 1.15  # how much longer the others may take: what turns of the same scan differ by


def rows() -> list[Row]:
    """Scan a crowded lab without refusals and with them."""
    with bulk_lab(DOMAINS, crowded=True) as (lab, place):
        every = scans_in(lab, write_list(place / "domains.txt", DOMAINS), "--retries", "2", "--retry-after", "5")
        every.complete(every.anew(place / "calm"))
        lab.storm()
        every.complete(every.anew(place / "storm"))
        return _compared(Run.open(place / "storm"), Run.open(place / "calm"))


def _compared(stormy: Run, calm: Run) -> list[Row]:
    theirs = [record for record in dicts(stormy.path, "hosts") if provider_of(record["host"]) == STORMY]
    earlier = [Counter(_why(probe) for probe in _probes(record, "earlier")) for record in theirs]
    ended = sum(all(probe["handshake"] for probe in _probes(record, "probes")) for record in theirs)
    verdicts = [record["verdict"]["outcome"] for record in dicts(stormy.path, "domains")]
    every = [probe for record in dicts(stormy.path, "hosts") for probe in _probes(record, "earlier", "probes")]
    refused = sum(probe["starttls"] == "not_offered" for probe in every)
    slowed = _others_took(stormy) / _others_took(calm)
    return [
        Row("hosts of that provider, first attempts", _text(sum(earlier, Counter())), "one each", all(earlier)),
        Row("and the last ones, with TLS", f"{ended}", f"{len(theirs)}", ended == len(theirs)),
        Row("domains that are ok in the end", f"{verdicts.count('ok'):,}", f"{DOMAINS:,}", set(verdicts) == {"ok"}),
        Row("attempts that say that STARTTLS is not offered", f"{refused}", "0", refused == 0),
        Row("time of the others, with the storm to without", f"{slowed:.2f}", f"at most {SLOWED}", slowed <= SLOWED),
    ]


def _probes(host: Mapping[str, Any], *parts: str) -> Iterator[Mapping[str, Any]]:
    return (probe for endpoint in host["endpoints"] for part in parts for probe in endpoint[part])


def _why(probe: Mapping[str, Any]) -> str:
    """Return the reply code or the kind of a probe's failure."""
    return str(probe["failure"]["code"] or probe["failure"]["kind"])


def _text(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counted.most_common())


def _others_took(run: Run) -> float:
    """Return the seconds from the start of the run to the last record of another provider's host."""
    seen = [record["observed_at"] for record in dicts(run.path, "hosts") if provider_of(record["host"]) != STORMY]
    return (datetime.fromisoformat(max(seen)) - run.header.started).total_seconds()
