"""Support of compressed line files: unpacking to temporary copies, and compression of the files of an old run.

The line files of a run may be compressed (``.jsonl.gz`` or ``.jsonl.zst``). A process that reads the run unpacks each
compressed file once, to a temporary directory that is removed at the end of the process. A scan cannot continue a run
whose line files are compressed.
"""

import gzip
import os
import sys
import tempfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from results.store.files import StoreError, naming, open_regular, sync_directory

SUFFIXES = (".zst", ".gz")
"""File name extensions of compressed line files; if files with both extensions exist, the first extension is read."""

MAX_RATIO = 400
"""Maximum size of an unpacked file in multiples of the compressed size.

An unpacked line file of a run has 5 to 30 times the size of the compressed file.
"""

MIN_BOUND = 64 * 1024 * 1024
"""Unpacked size in octets up to which ``MAX_RATIO`` is not applied: short files of equal lines exceed ``MAX_RATIO``."""

_ZSTD_WINDOW_LOG = 27  # binary logarithm of the maximum window in octets, 128 MiB: the default of the zstd command
_CHUNK = 1024 * 1024


def packed_path(path: Path) -> Path | None:
    """Return the path of the compressed file that replaces a line file; None if no compressed file exists."""
    candidates = (path.with_name(path.name + suffix) for suffix in SUFFIXES)
    return next((each for each in candidates if each.exists()), None)


def readable(path: Path) -> Path:
    """Return the path from which a line file is read: the path of the file, or of a temporary unpacked copy.

    Raises:
        StoreError: a compressed file cannot be unpacked.
    """
    if path.exists():
        return path
    packed = packed_path(path)
    if packed is None:
        return path
    with naming(packed):
        found = packed.stat()
    return _unpacked(packed.absolute(), found.st_size, found.st_mtime_ns)


@cache
def _directory() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="mxsweep-")  # removed when the process ends


@cache
def _unpacked(packed: Path, size: int, _changed: int) -> Path:
    """Return the temporary unpacked copy of a compressed file with the given size and modification time."""
    place = Path(tempfile.mkdtemp(dir=_directory().name)) / packed.stem
    bound = max(MIN_BOUND, MAX_RATIO * size)
    try:
        with open_regular(packed) as raw, _opened(packed, raw) as file, place.open("wb") as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
                if copy.tell() > bound:
                    raise StoreError(f"{packed}: more than {MAX_RATIO} times its size when unpacked")
    except (OSError, EOFError, zlib.error, _zstd_error()) as error:
        raise StoreError(f"{packed}: {getattr(error, 'strerror', None) or error}") from error
    return place


def _opened(packed: Path, raw: BinaryIO) -> Any:
    if packed.suffix == ".gz":
        return gzip.GzipFile(fileobj=raw)
    zstd = _zstd()
    if zstd is None:
        raise StoreError(f"{packed}: pip install backports.zstd, or unpack the file with zstd -d")
    return zstd.ZstdFile(raw, options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})


def _zstd() -> Any:
    """Return the Python module for zstd, or None if the module is not installed."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - few runs need it
        else:
            from backports import zstd  # noqa: PLC0415 - few runs need it
    except ImportError:
        return None
    return zstd


def _zstd_error() -> type[Exception]:
    zstd = _zstd()
    found: type[Exception] = OSError if zstd is None else zstd.ZstdError
    return found


def compress(path: Path) -> Path:
    """Compress a line file and remove the original; return the compressed file.

    The format of the compressed file is zstd, or gzip if zstd is not installed. After a crash, either the original file
    or the compressed file is complete.

    Raises:
        StoreError: a file cannot be read or written.
    """
    zstd = _zstd()
    packed = path.with_name(path.name + SUFFIXES[zstd is None])
    fresh = packed.with_name(packed.name + ".new")
    with naming(path):
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open_regular(path) as file, os.fdopen(os.open(fresh, flags, 0o666), "wb") as raw:
            with gzip.GzipFile(path.name, "wb", fileobj=raw) if zstd is None else zstd.ZstdFile(raw, "wb") as copy:
                while chunk := file.read(_CHUNK):
                    copy.write(chunk)
            raw.flush()
            os.fsync(raw.fileno())
        fresh.replace(packed)
        sync_directory(path.parent)
        path.unlink()
    return packed
