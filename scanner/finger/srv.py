"""Parsing, order and warnings of SRV records (RFC 2782).

SRV records of equal priority are ordered by weighted random selection as in RFC 2782. Unlike in Postfix, an SRV record
of weight 0 has a small chance to be selected before records with a higher weight.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.core.answers import postfix_text
from scanner.core.names import is_address, is_hostname
from scanner.facts import Answer
from scanner.finger.maincf import hostname_warning

NO_SERVICE = ("", ".")
"""Targets of SRV records that mean that the service is not available (RFC 2782)."""


@dataclass(frozen=True, slots=True)
class SRVRecord:
    """An SRV record with its priority, weight, port and target (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


def parse(answer: Answer) -> tuple[SRVRecord, ...]:
    """Return the SRV records of an answer, including the records with invalid targets."""
    found = []
    for text in answer.records:
        priority, weight, port, target = text.split(" ", 3)
        found.append(SRVRecord(int(priority), int(weight), int(port), target))
    return tuple(found)


def refusal(answer: Answer, records: Sequence[SRVRecord]) -> str:
    """Return the error text of an SRV answer without a usable target; empty if the answer contains a usable target."""
    if any(record.target in NO_SERVICE for record in records):
        return f"Domain {answer.name} does not support SRV requests"
    if records and not any(_acceptable(record.target) for record in records):
        return malformed(answer)
    return postfix_text(answer)


def ordered(records: Sequence[SRVRecord], rng: random.Random) -> list[SRVRecord]:
    """Return the SRV records with a usable target, in the order of connection attempts."""
    found: list[SRVRecord] = []
    fit = [record for record in records if _acceptable(record.target)]
    for priority in sorted({record.priority for record in fit}):
        found += _drawn([record for record in fit if record.priority == priority], rng)
    return found


def _drawn(records: list[SRVRecord], rng: random.Random) -> list[SRVRecord]:
    """Return SRV records of equal priority in weighted random order (RFC 2782)."""
    left = list(records)
    rng.shuffle(left)
    left.sort(key=lambda record: record.weight > 0)
    drawn = []
    while left:
        number = rng.randint(0, sum(record.weight for record in left))
        at, running = 0, left[0].weight
        while running < number:
            at += 1
            running += left[at].weight
        drawn.append(left.pop(at))
    return drawn


def _acceptable(target: str) -> bool:
    return is_address(target) or is_hostname(target)


def odd_targets(answer: Answer) -> list[str]:
    """Return Postfix's warnings about MX or SRV records whose targets are numeric or are not host names."""
    where = f"in resource data of {answer.rtype} record for {answer.name}"
    lines = []
    for text in answer.records:
        target = text.rsplit(" ", 1)[-1]
        if is_address(target):
            lines.append(f"warning: numeric domain name {where}: {target}")
        elif target not in NO_SERVICE and not is_hostname(target):
            lines.append(hostname_warning(target))
            lines.append(f"warning: malformed domain name {where}: {target}")
    return lines


def malformed(answer: Answer) -> str:
    """Return Postfix's text about a malformed DNS reply."""
    return f"Name service error for name={answer.name} type={answer.rtype}: Malformed or unexpected name server reply"
