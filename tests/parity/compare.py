"""The comparison of two outcomes, and the allowed differences that it needed.

Lines are compared after ``normaliser``. Where only mxsweep got further options (``PairCase.extra``), every line of
Debian's program must appear in order. Hex dumps are compared record by record: direction, type and length.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.parity.cases import PairCase
from tests.parity.normaliser import normalise

Outcome = dict[str, Any]

PREFIX = "posttls-finger: "
_CHAIN = "\n---\nCertificate chain\n"
_LINE = re.compile(rf"{PREFIX}.*\n")
_BLOCK = re.compile(r"(write to|read from) .*\((\d+) bytes => (-?\d+)")
_ROW = re.compile(r"[0-9a-f]{4,} ([0-9a-f]{2}[0-9a-f |]{0,46})(  |$)")
_HEADER = 5


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """The difference of two outcomes, empty if there is none, and the rows of the normaliser that were needed."""

    difference: str
    rows: tuple[str, ...] = ()


def lines_of(outcome: Outcome) -> list[str]:
    """Return exit status, stdout without the program's name, and stderr as lines."""
    text = _chain_last(outcome["out"])
    out = [line.removeprefix(PREFIX) for line in text.removesuffix("\n").split("\n") if text]
    err = [f"stderr: {line}" for line in outcome["err"].splitlines()]
    return [f"exit status {outcome['status']}", *out, *err]


def _chain_last(text: str) -> str:
    """Return an output with the lines before the chain (``-C``).

    posttls-finger writes the chain to a buffer of its own, which is written out when it is full, even within a line.
    """
    before, begin, chain = text.partition(_CHAIN)
    return before + "".join(_LINE.findall(chain)) + begin + _LINE.sub("", chain)


def compare(case: PairCase, debian: Outcome, ours: Outcome) -> PairVerdict:
    """Compare a pair."""
    if case.name.startswith("dump-"):
        return PairVerdict(_difference(list(records(debian)), list(records(ours))))
    left, right, rows = normalise(lines_of(debian), lines_of(ours))
    if case.extra:
        return PairVerdict(_difference(left, _in_order(left, right)), rows)
    return PairVerdict(_difference(left, right), rows)


def _difference(left: list[str], right: list[str]) -> str:
    return "\n".join(difflib.unified_diff(left, right, "debian", "mxsweep", lineterm="", n=1))


def _in_order(wanted: list[str], lines: list[str]) -> list[str]:
    """Return those of ``wanted`` that are among the lines, in order."""
    rest = iter(lines)
    return [line for line in wanted if line in rest]


def records(outcome: Outcome) -> Iterator[str]:
    """Return ``DIRECTION TYPE LENGTH`` of each TLS record of a dump; a ClientHello is shown without its length."""
    unread = {"write to": b"", "read from": b""}
    hello = "write to"  # the first record of ours
    for direction, data in _blocks(outcome):
        unread[direction] += data
        while len(unread[direction]) >= _HEADER:
            octets = unread[direction]
            end = _HEADER + int.from_bytes(octets[3:_HEADER])
            if len(octets) < end:
                break
            unread[direction] = octets[end:]
            yield f"{direction} {octets[0]:#x} {'ClientHello' if direction == hello else end}"
            hello = "" if direction == hello else hello


def _blocks(outcome: Outcome) -> Iterator[tuple[str, bytes]]:
    """Return direction and octets of each write and read; octets that a dump leaves out at the end are zeros."""
    direction, size, data = "", 0, b""
    for line in [*lines_of(outcome), "write to nothing (0 bytes => 0"]:
        if block := _BLOCK.match(line):
            if size > 0:
                yield direction, data.ljust(size, b"\0")
            direction, size, data = block[1], int(block[3]), b""
        elif row := _ROW.match(line):
            data += bytes.fromhex(row[1].replace("|", " "))
