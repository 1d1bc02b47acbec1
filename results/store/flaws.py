"""The search for values of a run that no scan writes, to distinguish a damaged run from a bug of a reader.

The decoder of the records of a run checks the type of each value, but not its meaning. A reader may be unable to
compute with a value of the right type: a time without a zone, a huge number, or text in place of a hexadecimal digest.
"""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from results.store import codec
from results.store.files import StoreError
from results.store.last_lines import whole_lines
from results.store.reader import HEADER_FILE, LINE_FILES, Run, lines_path

_HEXADECIMAL = {"sha256", "chain", "data"}
"""Names of members that contain hexadecimal text."""

_FIRST_YEAR, _LAST_YEAR = 1800, 9999  # certificates may have any validity that X.509 can express
_LAST_RUN = 9000  # a year after which the end of a run has no date a few days later
_BITS = 63


def flaw_of(run: Run) -> str | None:
    """Return the file, line and description of the first value that no scan writes; None if all values are possible."""
    header = run.header
    times = [time for time in (header.started, header.finished) if time is not None]
    if any(time.year > _LAST_RUN for time in times):
        return f"{run.path / HEADER_FILE}: a time is out of range"
    found = next(_flaws(header), None)
    if found is not None:
        return f"{run.path / HEADER_FILE}: {found}"
    for name, kind in LINE_FILES.items():
        path = lines_path(run.path, name)
        try:
            for number, (_, line) in enumerate(whole_lines(path), 1):
                found = _flaw_of_line(kind, line)
                if found is not None:
                    return f"{path}: line {number}: {found}"
        except StoreError as error:
            return str(error)
    return None


def _flaw_of_line(kind: type, line: bytes) -> str | None:
    try:
        return next(_flaws(codec.decode(kind, line)), None)
    except codec.CodecError:
        return None  # readers skip and count lines that cannot be decoded


def _flaws(value: Any, name: str = "") -> Iterator[str]:
    """Yield a description of each value within a record that no scan writes."""
    if is_dataclass(value):
        for field in fields(value):
            yield from _flaws(getattr(value, field.name), field.name)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _flaws(member, str(key))
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _flaws(member, name)
    elif _is_unusable(value, name):
        yield f"{name} is out of range"


def _is_unusable(value: Any, name: str) -> bool:
    match value:
        case datetime():
            return value.tzinfo is None or not _FIRST_YEAR <= value.year <= _LAST_YEAR
        case int():
            return abs(value) >= 1 << _BITS
        case float():
            return not math.isfinite(value) or abs(value) >= 1 << _BITS
        case str() if name in _HEXADECIMAL:
            return not _is_hexadecimal(value)
    return False


def _is_hexadecimal(text: str) -> bool:
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True
