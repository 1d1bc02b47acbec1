"""``mxsweep check``: the check of one domain as a monitoring plugin (Nagios, Icinga).

As in the Monitoring Plugins Development Guidelines, the output is one line, and the exit code is a state: 0 OK, 1
WARNING, 2 CRITICAL, 3 UNKNOWN. After every error, including usage errors, the state is UNKNOWN.
"""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import trio

from results.count.hosts import days_left
from results.render import words
from scanner.cli.console import plugin_text, say
from scanner.cli.errors import PLUGIN_UNKNOWN, CliError
from scanner.cli.request import bind_address, condition
from scanner.cli.resolver_choice import ResolverChoice, choice_of
from scanner.cli.tools import trust_store, wired
from scanner.cli.wiring import ehlo_name, fit_resolver
from scanner.core.verdict import handshake_of
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport
from scanner.net.error_groups import first_error
from scanner.run.examine import DomainResult, Examiner
from scanner.run.ports import now
from scanner.run.stats import Stats
from scanner.settings import DNSSettings, Retries, Settings
from scanner.vocabulary import Dane, DomainDane, Family
from targets.lists import Reader, Target
from targets.scope import Scope


class PluginStatus(IntEnum):
    """The exit codes of a monitoring plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = PLUGIN_UNKNOWN


_GRAVITY = (PluginStatus.OK, PluginStatus.WARNING, PluginStatus.UNKNOWN, PluginStatus.CRITICAL)
"""The states of a monitoring plugin, from the least severe to the most severe.

The most severe state of all findings is the state of the check.
"""

_BY_DANE = {
    DomainDane.PROTECTED: PluginStatus.OK,
    DomainDane.PARTIAL: PluginStatus.WARNING,
    DomainDane.INSECURE: PluginStatus.WARNING,
    DomainDane.NONE: PluginStatus.WARNING,
    DomainDane.BROKEN: PluginStatus.CRITICAL,
    DomainDane.NO_MAIL: PluginStatus.CRITICAL,
    DomainDane.UNKNOWN: PluginStatus.UNKNOWN,
    DomainDane.LOOKUP_FAILED: PluginStatus.UNKNOWN,
}
_BROKEN = (Dane.MISMATCH, Dane.NO_TLS)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The user's conditions for the states WARNING and CRITICAL of a check.

    The conditions concern the days to the expiry of a certificate, verdicts, and whether DANE is required.
    """

    warn_days: int | None = None
    crit_days: int | None = None
    warn: tuple[tuple[str, str], ...] = ()
    crit: tuple[tuple[str, str], ...] = ()
    require_dane: bool = False

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> "Thresholds":
        """Return the conditions that the options of ``mxsweep check`` set.

        Raises:
            CliError: a value of ``--warn`` or ``--crit`` is not a condition ``FIELD=VALUE``.
        """
        return cls(
            flags["warn_days"],
            flags["crit_days"],
            tuple(condition(text, "--warn") for text in flags["warn"]),
            tuple(condition(text, "--crit") for text in flags["crit"]),
            flags["require"] == "dane",
        )


@dataclass(frozen=True, slots=True)
class _CheckRequest:
    target: Target
    settings: Settings
    choice: ResolverChoice
    seconds: float


def run(flags: Mapping[str, Any]) -> int:
    """Check a domain, print one line, and return the exit code.

    Raises:
        CliError: an option is invalid, no resolver validates DNSSEC, or the check took too long; the caller prints the
            error with the state UNKNOWN.
    """
    limits = Thresholds.of(flags)
    request = _request(flags)
    try:
        result = trio.run(_examine, request)
    except (Exception, BaseExceptionGroup) as error:
        cause = first_error(error)
        if isinstance(cause, CliError) or not isinstance(cause, Exception):
            raise cause from None
        raise CliError(f"{type(cause).__name__}: {cause}") from error
    if result is None:
        raise CliError(f"{request.target.raw}: no result after {request.seconds:g} s (--timeout)")
    status, line = judged(result.record, earliest_end(result.reports, result.certs or {}), limits, now())
    sys.stdout.write(line + "\n")
    return status


def _request(flags: Mapping[str, Any]) -> _CheckRequest:
    choice = choice_of(dict(flags))
    settings = Settings(
        port=flags["port"],
        ehlo=ehlo_name(flags["ehlo"]),
        bind=bind_address(flags["bind"]),
        family=Family(flags["family"]),
        allow_private=flags["allow_private"],
        ca_file=flags["ca_file"],
        ca_path=flags["ca_path"],
        dns=DNSSettings(servers=choice.servers, trust=flags["trust_resolver"]),
        retries=Retries(times=0),
    )
    try:
        target = Target(Reader(settings.port).destination(flags["domain"]), flags["domain"], "check", 1)
    except ValueError as error:
        raise CliError(f"{flags['domain']}: {error}") from None
    return _CheckRequest(target, settings, choice, flags["timeout"])


async def _examine(request: _CheckRequest) -> DomainResult | None:
    """Examine the domain of the request and return the result, or None if the request exceeds its time limit."""
    settings, stats = request.settings, Stats(total=1)
    trust = trust_store(settings.ca_file, settings.ca_path, say)
    scope = Scope(allow_private=settings.allow_private)
    with trio.move_on_after(request.seconds):
        async with (
            fit_resolver(settings, request.choice, say) as resolved,
            wired(settings, trust, scope, resolved, stats, say) as ports,
        ):
            return await Examiner(ports).examine(request.target)
    return None


def earliest_end(reports: Iterable[HostReport], certs: Mapping[str, CertFacts]) -> datetime | None:
    """Return the earliest expiry time of the server certificates of all addresses.

    If no server sent a certificate, return None.
    """
    endpoints = [endpoint for report in reports for endpoint in report.endpoints]
    handshakes = [handshake_of(endpoint) for endpoint in endpoints]
    handshakes += [other.probe.handshake for endpoint in endpoints for other in endpoint.algorithms]
    leaves = (certs.get(shake.chain[0]) for shake in handshakes if shake is not None and shake.chain)
    return min((leaf.not_after for leaf in leaves if leaf is not None and leaf.not_after is not None), default=None)


def judged(record: DomainRecord, end: datetime | None, limits: Thresholds, at: datetime) -> tuple[PluginStatus, str]:
    """Return the plugin state of a domain and the line that the monitoring plugin prints.

    Args:
        record: the record of the domain.
        end: the earliest expiry time of the server certificates of the domain's hosts.
        limits: the user's conditions for the states WARNING and CRITICAL.
        at: the present time, from which the days to expiry are counted.
    """
    days = None if end is None else math.floor(days_left(end, at))
    findings = [(_by_dane(record, limits), "")]
    findings += [(PluginStatus.CRITICAL, f"{name} is {value}") for name, value in _met(record, limits.crit)]
    findings += [(PluginStatus.WARNING, f"{name} is {value}") for name, value in _met(record, limits.warn)]
    if days is not None:
        findings += _expiry(days, limits)
    status = max((state for state, _ in findings), key=_GRAVITY.index)
    hosts = 0 if record.verdict.dane is DomainDane.NO_MAIL else len(record.hosts)  # without the domain itself as a host
    count = f"{hosts} host" if hosts == 1 else f"{hosts} hosts"
    text = "; ".join((f"{record.key}: {record.verdict.dane}, {count}", *_why(record), *(t for _, t in findings if t)))
    return status, f"DANE {status.name} - {plugin_text(text)} | {_figures(days, hosts, limits)}"


def _by_dane(record: DomainRecord, limits: Thresholds) -> PluginStatus:
    status = _BY_DANE[record.verdict.dane]
    return PluginStatus.CRITICAL if limits.require_dane and status is PluginStatus.WARNING else status


def _met(record: DomainRecord, conditions: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in conditions if getattr(record.verdict, name) == value]


def _expiry(days: int, limits: Thresholds) -> list[tuple[PluginStatus, str]]:
    text = f"a certificate expires in {days} days" if days >= 0 else "a certificate has expired"
    for limit, status in ((limits.crit_days, PluginStatus.CRITICAL), (limits.warn_days, PluginStatus.WARNING)):
        if limit is not None and days < limit:
            return [(status, text)]
    return []


def _why(record: DomainRecord) -> list[str]:
    """Return the causes of a verdict other than ``protected``: one for each broken MX host.

    If no MX host is broken, return the first reason in the verdict of the domain.
    """
    if record.verdict.dane is DomainDane.PROTECTED:
        return []
    broken = [host for host in record.hosts if host.dane in _BROKEN]
    if broken:
        return [f"{host.host}: {words.of_reason(host.reasons[0]) if host.reasons else host.dane}" for host in broken]
    return [words.of_reason(reason) for reason in record.verdict.reasons[:1]]


def _figures(days: int | None, hosts: int, limits: Thresholds) -> str:
    """Return the performance data of the plugin line: days to certificate expiry and number of hosts.

    The range ``N:`` of the days means that values below N cause an alarm.
    """
    if days is None:
        return f"hosts={hosts}"
    ranges = [f"{limit}:" if limit is not None else "" for limit in (limits.warn_days, limits.crit_days)]
    return f"days={';'.join((str(days), *ranges)).rstrip(';')} hosts={hosts}"
