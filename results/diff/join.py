"""The join of several runs by key, without holding a run in memory.

The lines of a run are in the order in which they were finished, which differs between runs. A small state of each line
is therefore written to one of several temporary files (buckets), chosen by the hash of its key. Then the buckets of the
same number are read together. Memory is bounded by one bucket of each run: about ``BUCKET`` octets of lines, and a few
times that as records.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from results.store import codec
from results.store.files import naming

BUCKET = 16 * 1024 * 1024  # octets of the line file for each bucket; a state is smaller than its line
MAX_BUCKETS = 512  # open files, half of the usual limit; above 8 GiB of lines the buckets grow


class Keyed(Protocol):
    """A record with the key by which runs are joined."""

    @property
    def key(self) -> str:
        """The key."""


_State = TypeVar("_State", bound=Keyed)


def bucket_count(sizes: Iterable[int]) -> int:
    """Return the number of buckets for files of these sizes in octets."""
    return max(1, min(MAX_BUCKETS, max(sizes, default=0) // BUCKET + 1))


def joined(
    kind: type[_State], runs: Sequence[Iterable[_State]], count: int
) -> Iterator[tuple[str, tuple[_State | None, ...]]]:
    """Join states by key.

    Args:
        kind: the dataclass of the states.
        runs: the states of each run, each key once.
        count: how many buckets, see ``bucket_count``.

    Yields:
        Each key with its state in each run, None where a run does not have the key; sorted by key within a bucket.

    Raises:
        StoreError: the directory for temporary files cannot be written.
    """
    with TemporaryDirectory(prefix="mxsweep-") as name:
        directory = Path(name)
        for number, states in enumerate(runs):
            _spread(directory, number, states, count)
        for bucket in range(count):
            yield from _bucket(kind, [_file(directory, number, bucket) for number in range(len(runs))])


def _file(directory: Path, run: int, bucket: int) -> Path:
    return directory / f"{run}-{bucket}"


def _spread(directory: Path, run: int, states: Iterable[Keyed], count: int) -> None:
    with naming(directory), ExitStack() as stack:
        files = [stack.enter_context(_file(directory, run, bucket).open("wb")) for bucket in range(count)]
        for state in states:
            files[zlib.crc32(state.key.encode(errors="surrogatepass")) % count].write(codec.encode(state))


def _bucket(kind: type[_State], files: Sequence[Path]) -> Iterator[tuple[str, tuple[_State | None, ...]]]:
    found: dict[str, list[_State | None]] = {}
    for number, path in enumerate(files):
        with naming(path), path.open("rb") as file:
            for line in file:
                state = codec.decode(kind, line)
                found.setdefault(state.key, [None] * len(files))[number] = state
        path.unlink()
    for key in sorted(found):
        yield key, tuple(found[key])
