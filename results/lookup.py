"""A line file read by key, where lines are wanted in an order that is not theirs.

Memory is some 150 octets for each key, and ``KEPT`` decoded records.
"""

from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from results import codec
from results.files import StoreError, naming

KEPT = 4096  # records at hand: those that most domains share are asked for again and again

_T = TypeVar("_T")


class Lookup(Generic[_T]):
    """Records of one line file by key; of a key that was written twice, the last."""

    def __init__(self, path: Path, kind: type[_T]) -> None:
        """Find where each line is.

        Raises:
            StoreError: the file cannot be read, or has a line without key; ``get`` raises it too.
        """
        self._path = path
        self._kind = kind
        self._start: dict[str, int] = {}
        self._read = lru_cache(maxsize=KEPT)(self._read_line)
        if path.exists():
            self._survey()

    def get(self, key: str) -> _T | None:
        """Give the record of a key, None if there is none."""
        return self._read(key)

    def _survey(self) -> None:
        start = 0
        with naming(self._path), self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._start[self._key(line)] = start
                start += len(line)

    def _key(self, line: bytes) -> str:
        try:
            return codec.key_of(line)
        except codec.CodecError as error:
            raise StoreError(f"{self._path}: {error}") from error

    def _read_line(self, key: str) -> _T | None:
        start = self._start.get(key)
        if start is None:
            return None
        with naming(self._path), self._path.open("rb") as file:
            file.seek(start)
            line = file.readline()
        try:
            return codec.decode(self._kind, line)
        except codec.CodecError as error:
            raise StoreError(f"{self._path}: {error}") from error
