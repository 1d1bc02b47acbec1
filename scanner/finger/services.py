"""SRV records (RFC 2782): read, put into the order of trying, and told where they lead nowhere. Pure.

Of one priority, the order is drawn by weight as the RFC has it: records of weight 0 go to the front of those that are
left, so that they have a small chance while others are there. Postfix draws without that care.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.core.answers import postfix_text
from scanner.core.names import is_address, is_hostname
from scanner.facts import Answer

NO_SERVICE = ("", ".")
"""The target that says: decidedly not available (RFC 2782)."""


@dataclass(frozen=True, slots=True)
class Service:
    """An SRV record."""

    priority: int
    weight: int
    port: int
    target: str


def parse(answer: Answer) -> tuple[Service, ...]:
    """The records of an answer to an SRV question; unfit targets included."""
    found = []
    for text in answer.records:
        priority, weight, port, target = text.split(" ", 3)
        found.append(Service(int(priority), int(weight), int(port), target))
    return tuple(found)


def refusal(answer: Answer, records: Sequence[Service]) -> str:
    """Why an answer leads to no host; empty if it leads to one."""
    if any(record.target in NO_SERVICE for record in records):
        return f"Domain {answer.name} does not support SRV requests"
    if records and not any(_acceptable(record.target) for record in records):
        return malformed(answer)
    return postfix_text(answer)


def ordered(records: Sequence[Service], rng: random.Random) -> list[Service]:
    """The records in the order of trying; those with unfit targets are left out."""
    found: list[Service] = []
    fit = [record for record in records if _acceptable(record.target)]
    for priority in sorted({record.priority for record in fit}):
        found += _drawn([record for record in fit if record.priority == priority], rng)
    return found


def _drawn(records: list[Service], rng: random.Random) -> list[Service]:
    """Draw by weight: the first whose running sum reaches a random number from 0 to the whole sum."""
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
    """Postfix's warnings about hosts that an MX or SRV RRset names wrongly."""
    where = f"in resource data of {answer.rtype} record for {answer.name}"
    lines = []
    for text in answer.records:
        target = text.rsplit(" ", 1)[-1]
        if is_address(target):
            lines.append(f"warning: numeric domain name {where}: {target}")
        elif target not in NO_SERVICE and not is_hostname(target):
            lines.append(f"warning: malformed domain name {where}: {target}")
    return lines


def malformed(answer: Answer) -> str:
    """What Postfix says of a reply that it cannot use."""
    return f"Name service error for name={answer.name} type={answer.rtype}: Malformed or unexpected name server reply"
