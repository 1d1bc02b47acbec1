"""The table of sizes in docs/scale-out.md: ``python -m tests.bench.sizing`` computes it from the constants below.

The numbers of hosts and endpoints are assumptions. The processor times were measured (docs/benchmarks.md) by scans with
one and with ten domains for each MX host. The other times follow from the rates.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HOSTS_A_DOMAIN = 0.25
"""MX hosts for each domain: an assumption; large providers have many domains on few hosts."""

ENDPOINTS_A_HOST = 1.4
"""Addresses for each MX host: an assumption."""

SIGNED = 0.2
"""Share of the MX hosts whose addresses are signed, so that their TLSA records are looked up: an assumption."""

QUERIES_A_DOMAIN = 1
"""DNS queries for the MX records of a domain."""

QUERIES_A_HOST = 2 + SIGNED
"""DNS queries for A, AAAA and TLSA records of an MX host."""

MS_A_DOMAIN = 0.19 + 0.15
"""Processor time of a domain in milliseconds: lookup, and judgement in the join."""

MS_AN_ENDPOINT = 1.38
"""Processor time of an endpoint in milliseconds, DNS included, if a handshake takes 0.28 ms."""

BUSY = 3.0
"""Factor of the processor time on a busy machine; with a second certificate or large certificates, it is similar."""

PER_PROVIDER, SECONDS_A_PROBE = 8, 2.0
"""Connections at once to a provider by default, and the duration of a probe: an assumption."""

SIZES = ((1e6, ""), (23e6, "all mail domains with DNSSEC"), (300e6, ""))
"""Numbers of domains, and their meaning."""

LARGE_PROVIDERS = (1e5, 1e6)
"""Numbers of endpoints of a provider."""

PAGE = Path(__file__).parents[2] / "docs" / "scale-out.md"
BEGIN, END = "<!-- tests/bench/sizing.py -->", "<!-- end -->"


class Machines(NamedTuple):
    """Machines with their connections and DNS queries per second."""

    machines: int
    rate: float
    dns_rate: float


FLEETS = (Machines(1, 100, 500), Machines(4, 500, 2000), Machines(16, 500, 2000))
"""One machine with the default rates, and several machines with higher rates."""


def endpoints(domains: float) -> float:
    """Return the number of endpoints of a number of domains."""
    return domains * HOSTS_A_DOMAIN * ENDPOINTS_A_HOST


def processor_seconds(domains: float) -> float:
    """Return the processor time of a scan without other work on the machine."""
    return (domains * MS_A_DOMAIN + endpoints(domains) * MS_AN_ENDPOINT) / 1000


def seconds(domains: float, machines: Machines) -> float:
    """Return the time that the rates of connections and of DNS queries permit."""
    queries = domains * (QUERIES_A_DOMAIN + HOSTS_A_DOMAIN * QUERIES_A_HOST)
    return max(endpoints(domains) / machines.rate, queries / machines.dns_rate) / machines.machines


def provider_seconds(count: float) -> float:
    """Return the time for a provider, which is the same for any number of machines."""
    return count / PER_PROVIDER * SECONDS_A_PROBE


def lines() -> list[str]:
    """Return the lines of the table and of the paragraph below it."""
    fleets = [f"{each.machines} x {each.rate:g} connections/s, {each.dns_rate:g} queries/s" for each in FLEETS]
    rows = [
        (
            f"{_million(domains)}{f' ({meaning})' if meaning else ''}",
            _million(endpoints(domains)),
            f"{_time(processor_seconds(domains))} to {_time(processor_seconds(domains) * BUSY)}",
            *(_time(seconds(domains, machines)) for machines in FLEETS),
        )
        for domains, meaning in SIZES
    ]
    head = ("domains", "addresses", "processor time", *fleets)
    bounds = " and ".join(f"{count:,.0f} addresses take {_time(provider_seconds(count))}" for count in LARGE_PROVIDERS)
    assumed = f"{HOSTS_A_DOMAIN} MX hosts for each domain, {ENDPOINTS_A_HOST} addresses for each MX host, and"
    return [
        *map(_row, (head, ["---"] * len(head), *rows)),
        "",
        f"Assumptions: {assumed} {100 * SIGNED:g} % of the",
        f"MX hosts with TLSA lookups. With {PER_PROVIDER} connections to a provider at a time and",
        f"{SECONDS_A_PROBE:g} s for each connection, {bounds}, on any number of machines.",
    ]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _million(count: float) -> str:
    return f"{count / 1e6:.2g} million" if count < 100e6 else f"{count / 1e6:.0f} million"


def _time(length: float) -> str:
    if length >= 48 * 3600:
        return f"{length / 86400:.0f} days"
    if length < 3600:
        return f"{math.ceil(length / 60)} min"
    hours = length / 3600
    return f"{hours:.1f} h" if hours < 10 else f"{math.floor(hours + 0.5)} h"


def page() -> str:
    """Return the text of the page with the table of the present constants."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return "\n".join((before + BEGIN, *lines(), END)) + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page())
