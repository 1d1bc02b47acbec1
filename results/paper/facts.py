"""The properties of an MX host that the paper tables count."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from sys import intern

from results.store.reader import Run
from scanner.core.failure_reason import is_local
from scanner.core.verdict import accepted_tcp, established, handshake_of, sessions
from scanner.facts import Failure, TLSARecord
from scanner.model import EndpointReport, HostReport
from scanner.vocabulary import FailureKind, Outcome, Phase, Security, StartTLS

NOT_CONTACTED = "not contacted"
NO_ADDRESS = "no address"

_BY_KIND = {
    FailureKind.REFUSED: "refused",
    FailureKind.TIMEOUT: "timeout",
}
_REPLIES = {Phase.GREETING: "greeting", Phase.EHLO: "EHLO", Phase.STARTTLS: "STARTTLS"}
_CODES = ("4xx", "50x", "55x", "5xx")

STARTTLS_CLASSES = (
    "TLS established",
    "TLS timeout",
    "TLS failed",
    *(f"STARTTLS {code}" for code in _CODES),
    "not offered",
    *(f"EHLO {code}" for code in _CODES),
    *(f"greeting {code}" for code in _CODES),
    "garbled reply",
    "connection lost",
    "timeout after greeting",
    "no greeting (tarpit)",
    "TCP timeout",
    "TCP refused",
    "TCP unreachable",
    "failure of ours",
    NOT_CONTACTED,
    NO_ADDRESS,
)
"""Outcomes of STARTTLS at an address, ordered by progress of the session, the most advanced first.

The labels ``4xx``, ``50x``, ``55x`` and ``5xx`` (all other codes) are classes of SMTP reply codes of a rejection.
"""

DISAGREEMENTS = ("reachable", "TLS", "certificate", "DANE match")


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The properties of an MX host that the tables of a publication count.

    ``records`` contains the parameters (``3 1 1``) of each TLSA record, and ``unusable`` the reasons why records are
    unusable. ``disagree`` lists the properties that differ between addresses, and ``families`` the properties that
    differ between IPv4 and IPv6. ``addresses`` is the number of addresses; ``both`` is True if the host has IPv4 and
    IPv6 addresses.
    """

    secure: bool
    usable: bool
    reached: bool
    starttls: str
    records: tuple[str, ...]
    unusable: frozenset[str]
    addresses: int
    both: bool
    disagree: frozenset[str]
    families: frozenset[str]


def host_facts(run: Run) -> dict[str, HostFacts]:
    """Return the properties of every MX host of a run by report key; hosts with equal properties share one object."""
    alike: dict[HostFacts, HostFacts] = {}
    found = ((report.key, _facts(report)) for report in run.hosts())
    return {intern(key): alike.setdefault(facts, facts) for key, facts in found}


def starttls_class(endpoint: EndpointReport) -> str:
    """Return the outcome of STARTTLS at an address, one of ``STARTTLS_CLASSES``."""
    parts = sessions(endpoint)
    failure = parts.own.failure
    if parts.shown.handshake is not None:
        return "TLS established"
    if parts.own.starttls is StartTLS.NOT_OFFERED and (failure is None or failure.phase is not Phase.EHLO):
        return "not offered"
    return "failure of ours" if failure is None or is_local(failure) else _of_failure(failure)


def furthest(classes: Iterable[str], default: str) -> str:
    """Return the most advanced of several outcomes of ``STARTTLS_CLASSES``, or ``default`` if no outcome is given."""
    return min(classes, key=STARTTLS_CLASSES.index, default=default)


def _of_failure(failure: Failure) -> str:
    if failure.phase is Phase.CONNECT:
        return f"TCP {_BY_KIND.get(failure.kind, 'unreachable')}"
    if failure.kind is FailureKind.REJECTED and failure.phase in _REPLIES:
        return f"{_REPLIES[failure.phase]} {_code(failure.code or 0)}"
    if failure.phase is Phase.HANDSHAKE:
        return "TLS timeout" if failure.kind is FailureKind.TIMEOUT else "TLS failed"
    if failure.kind is FailureKind.TIMEOUT:
        return "no greeting (tarpit)" if failure.phase is Phase.GREETING else "timeout after greeting"
    lost = failure.kind in (FailureKind.CLOSED, FailureKind.RESET)
    return "connection lost" if lost else "garbled reply"


def _code(code: int) -> str:
    tens = code // 10
    return {50: "50x", 55: "55x"}.get(tens, f"{4 if tens // 10 == 4 else 5}xx")  # noqa: PLR2004 - SMTP reply codes


def _facts(report: HostReport) -> HostFacts:
    answers = [answer for answer in (report.a, report.aaaa) if answer is not None and answer.outcome is Outcome.DATA]
    nowhere = NOT_CONTACTED if report.skipped else NO_ADDRESS
    values = _values(report)
    families = [[n for n, each in enumerate(report.endpoints) if (":" in each.address) is v6] for v6 in (False, True)]
    return HostFacts(
        secure=bool(answers) and all(answer.security is Security.SECURE for answer in answers),
        usable=report.tlsa.dane is None,
        reached=any(map(accepted_tcp, report.endpoints)),
        starttls=furthest(map(starttls_class, report.endpoints), nowhere),
        records=tuple(map(_parameters, report.tlsa.records)),
        unusable=frozenset(str(record.unusable) for record in report.tlsa.records if record.unusable is not None),
        addresses=len(report.endpoints),
        both=all(families),
        disagree=frozenset(what for what, each in values.items() if len(_known(each)) > 1),
        families=frozenset(what for what, each in values.items() if _differ(each, families)),
    )


def _parameters(record: TLSARecord) -> str:
    return f"{record.usage} {record.selector} {record.matching_type}"


def _leaf(endpoint: EndpointReport) -> str | None:
    shaken = handshake_of(endpoint)
    return shaken.chain[0] if shaken is not None and shaken.chain else None


def _values(report: HostReport) -> dict[str, list[object]]:
    """Return, for each property that is compared between addresses, its value at each address; None means unknown."""
    looks: dict[str, Callable[[EndpointReport], object]] = {
        "reachable": accepted_tcp,
        "TLS": lambda each: established(sessions(each).shown),
        "certificate": _leaf,
        "DANE match": lambda each: each.dane and each.dane.matched,
    }
    return {what: [look(endpoint) for endpoint in report.endpoints] for what, look in looks.items()}


def _known(values: Iterable[object]) -> set[object]:
    return {value for value in values if value is not None}


def _differ(values: list[object], families: list[list[int]]) -> bool:
    one, other = (_known(values[place] for place in family) for family in families)
    return bool(one) and bool(other) and one != other
