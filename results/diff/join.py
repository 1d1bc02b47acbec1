"""The join of the lines of several runs by key, and the grouping of lines, in bounded memory.

The lines of a run are in the order in which the scan wrote them, and this order differs between runs. Each line is
reduced to a state (the values to compare), which is written to a temporary file (bucket). The hash of the line's key
selects the number of the bucket. When all states are written, the buckets with the same number, one of each run, are
read together. The memory contains one bucket of each run at a time. A bucket contains about ``BUCKET`` octets of lines;
the decoded records of these lines need several times as much memory.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

import msgspec

from results.store.files import naming

BUCKET = 16 * 1024 * 1024  # octets of the line file per bucket; a state is smaller than its line
MAX_BUCKETS = 512  # maximum number of open files, half of the usual limit; larger buckets above 8 GiB of lines


class Keyed(Protocol):
    """The interface of a record that has a key, by which the records of several runs are joined."""

    @property
    def key(self) -> str:
        """The key of the record."""


_State = TypeVar("_State", bound=Keyed)


def bucket_count(sizes: Iterable[int]) -> int:
    """Return the number of buckets (temporary files) for line files of the given sizes in octets."""
    return max(1, min(MAX_BUCKETS, max(sizes, default=0) // BUCKET + 1))


def joined(
    kind: type[_State], runs: Sequence[Iterable[_State]], count: int
) -> Iterator[tuple[str, tuple[_State | None, ...]]]:
    """Join the states of several runs by key.

    Args:
        kind: the Python class of the states.
        runs: the states of each run, with distinct keys.
        count: the number of buckets (temporary files), see ``bucket_count``.

    Yields:
        Each key with its state in each run (None for a run without the key), sorted by key within a bucket.

    Raises:
        StoreError: temporary files cannot be written.
    """
    with TemporaryDirectory(prefix="mxsweep-") as name:
        directory = Path(name)
        for number, states in enumerate(runs):
            _spread(directory, number, states, count)
        for bucket in range(count):
            yield from _bucket(kind, [_file(directory, number, bucket) for number in range(len(runs))])


def grouped(lines: Iterable[bytes], group: Callable[[bytes], bytes], count: int) -> Iterator[bytes]:
    """Yield lines in an order in which the lines with the same value of ``group`` are near each other.

    Args:
        lines: the lines, each with a line feed at its end.
        group: function that returns the value by which a line is grouped, such as the key of a host report.
        count: the number of buckets (temporary files); with one bucket, the order of the lines does not change.

    Raises:
        StoreError: temporary files cannot be written.
    """
    if count == 1:
        yield from lines
        return
    with TemporaryDirectory(prefix="mxsweep-") as name:
        directory = Path(name)
        with naming(directory), ExitStack() as stack:
            files = [stack.enter_context(_file(directory, 0, bucket).open("wb")) for bucket in range(count)]
            for line in lines:
                files[zlib.crc32(group(line)) % count].write(line)
        for bucket in range(count):
            path = _file(directory, 0, bucket)
            with naming(path), path.open("rb") as file:
                yield from file
            path.unlink()


def _file(directory: Path, run: int, bucket: int) -> Path:
    return directory / f"{run}-{bucket}"


def _spread(directory: Path, run: int, states: Iterable[Keyed], count: int) -> None:
    encode = msgspec.json.encode
    with naming(directory), ExitStack() as stack:
        files = [stack.enter_context(_file(directory, run, bucket).open("wb")) for bucket in range(count)]
        for state in states:
            files[zlib.crc32(state.key.encode(errors="surrogatepass")) % count].write(encode(state) + b"\n")


def _bucket(kind: type[_State], files: Sequence[Path]) -> Iterator[tuple[str, tuple[_State | None, ...]]]:
    found: dict[str, list[_State | None]] = {}
    decode = msgspec.json.Decoder(kind).decode
    for number, path in enumerate(files):
        with naming(path), path.open("rb") as file:
            for line in file:
                state = decode(line)
                found.setdefault(state.key, [None] * len(files))[number] = state
        path.unlink()
    for key in sorted(found):
        yield key, tuple(found[key])
