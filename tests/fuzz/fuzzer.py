"""The common part of all fuzzers: a fuzzer, the bound of its work, a run over many seeds, and kept inputs.

A fuzzer is a pure function from a seed to an input, and a check of the input. The check raises an exception for a fault
of the product. It runs under a bound of the number of function calls, so that the bound does not depend on the machine.
"""

import random
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from results.store.codec import decode, encode

FOUND = Path(__file__).parent / "found"
"""The directory of kept inputs: ``NAME-SEED.bin``. The tests check each of these inputs again."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Fuzzer:
    """A fuzzer: its name, the input of a seed, the check of an input, and the number of inputs in the tests.

    A check may make at most ``calls`` function calls, and ``calls_per_octet`` for each octet of the input.
    """

    name: str
    make: Callable[[random.Random], bytes]
    check: Callable[[bytes], None]
    inputs: int
    calls: int = 100_000
    calls_per_octet: int = 100

    def input_of(self, seed: int) -> bytes:
        """Return the input of a seed."""
        return self.make(random.Random(seed))

    def fault(self, data: bytes) -> str:
        """Return the fault that an input shows, empty for none."""
        try:
            with bounded(self.calls + self.calls_per_octet * len(data)):
                self.check(data)
        except (Exception, TooManyCallsError) as error:  # noqa: BLE001 - any exception is what a fuzzer looks for
            return f"{type(error).__name__}: {error}"[:2000]
        return ""


class TooManyCallsError(BaseException):
    """The error of a check that makes too many function calls; no handler of the product catches it."""


@contextmanager
def bounded(calls: int) -> Iterator[None]:
    """Raise ``TooManyCallsError`` after a number of calls of functions written in Python or C."""
    left, before = calls, sys.getprofile()

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal left
        if event in ("call", "c_call"):
            left -= 1
            if left < 0:
                raise TooManyCallsError(f"more than {calls} calls")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


@dataclass
class FuzzResult:
    """The result of a run: the number of inputs, the slowest input, and the seeds of the faults."""

    inputs: int = 0
    slowest: tuple[float, int] = (0.0, -1)
    faults: list[tuple[int, str]] = field(default_factory=list)


def run(fuzzer: Fuzzer, seeds: Iterable[int], report: Callable[[str], None], keep: Path | None = FOUND) -> FuzzResult:
    """Check the inputs of many seeds.

    Args:
        fuzzer: the fuzzer.
        seeds: the seeds.
        report: a function that prints a fault.
        keep: the directory for inputs that show a fault; None keeps no input.
    """
    outcome = FuzzResult()
    for seed in seeds:
        data, started = fuzzer.input_of(seed), time.process_time()
        fault = fuzzer.fault(data)
        outcome.inputs += 1
        outcome.slowest = max(outcome.slowest, (time.process_time() - started, seed))
        if fault:
            outcome.faults.append((seed, fault))
            report(f"{fuzzer.name}: seed {seed}: {fault}")
            if keep is not None:
                keep.mkdir(exist_ok=True)
                (keep / f"{fuzzer.name}-{seed}.bin").write_bytes(data)
    return outcome


# --- checks ---------------------------------------------------------------------------------------------------


def stored(record: _T) -> _T:
    """Return a record after checking that its line is read as an equal record.

    Raises:
        AssertionError: the record is not stored as it is; any error of the encoder is a fault as well.
    """
    line = encode(record)
    assert line.count(b"\n") == 1, "a record is not one line"
    assert encode(decode(type(record), line)) == line, "a record changes when it is stored"
    return record


# --- inputs ---------------------------------------------------------------------------------------------------


def packed(parts: Iterable[bytes]) -> bytes:
    """Return several octet strings as one, each after its length in four octets."""
    return b"".join(struct.pack("!I", len(part)) + part for part in parts)


def unpacked(data: bytes) -> list[bytes]:
    """Return the octet strings of ``packed``."""
    parts, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("!I", data, at)
        parts.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return parts


def mutated(data: bytes, chance: random.Random, alphabet: bytes = bytes(range(256)), most: int = 4) -> bytes:
    """Return octets with up to ``most`` changes: octets replaced, dropped, repeated or inserted."""
    octets = bytearray(data)
    for _ in range(chance.randrange(most + 1)):
        at, size = chance.randrange(len(octets) + 1), chance.choice((1, 1, 2, 4, 20, 200))
        piece = bytes(octets[at : at + size])
        new = bytes(chance.choices(alphabet, k=chance.choice((1, 1, 2, 5, 50))))
        octets[at : at + chance.choice((0, len(new)))] = chance.choice((new, new, piece * 2, piece * 50))
        if chance.random() < 0.3:
            del octets[at : at + size]
    return bytes(octets)
