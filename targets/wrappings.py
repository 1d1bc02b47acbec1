"""Wrappings of lists, recognised by their first octets whatever the name of the file: gzip, bzip2, xz, zstd, ZIP, xlsx.

A wrapping may hold another one. All are unpacked as a stream in little memory:

    gzip     RFC 1952; members may follow each other; other octets after a member are ignored with a note
    xz       64 MiB of dictionary (``xz -9``)
    zstd     RFC 8878; a window of 128 MiB
    ZIP      one file in it, stored or deflated
    xlsx     the first sheet, see ``targets.spreadsheets``

The ratio of unpacked to packed octets is bounded. Other binary files are refused by name.
"""

import bz2
import io
import lzma
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, Protocol

from targets.archives import ZIP_MAGIC, chunks_of_zip
from targets.encodings import as_utf8, encoding_of
from targets.signatures import binary_name
from targets.streams import CHUNK, DamagedError, ListError, buffered, check_ratio, chunks_of

HEAD = 4096
"""Octets by which a wrapping, an encoding or a kind of file is recognised."""

DEPTH = 4
"""Wrappings within each other that are opened."""

XZ_MEMORY = 128 * 2**20
"""Octets that the decoder of xz may use; ``xz -9`` needs 65 MiB."""

ZSTD_WINDOW_LOG = 27
"""A window of 128 MiB, the most that the zstd command reads without a flag too."""


class Unwrapped(NamedTuple):
    """A list as UTF-8 text. ``notes`` is filled while it is read: remarks on its wrapping for the user."""

    stream: io.BufferedReader
    notes: list[str]


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


class _Gunzip:
    """zlib's decoder of one gzip member, with the interface that the other decoders have."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._full = False  # the last output was as long as it could be, so there may be more

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not (self._full or self._zlib.unconsumed_tail or self._zlib.eof)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(out) == max_length
        return out


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=XZ_MEMORY)


def _zstd() -> _Decompressor:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - few lists need it
        else:
            from backports import zstd  # noqa: PLC0415 - few lists need it
    except ImportError:
        raise ListError("a zstd file: pip install backports.zstd, or unpack it with zstd -d") from None
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})


class _Packing(NamedTuple):
    name: str
    magic: bytes
    decoder: Callable[[], _Decompressor]


_PACKINGS = (
    _Packing("gzip", b"\x1f\x8b", _Gunzip),
    _Packing("bzip2", b"BZh", bz2.BZ2Decompressor),
    _Packing("xz", b"\xfd7zXZ\0", _xz),
    _Packing("zstd", b"\x28\xb5\x2f\xfd", _zstd),
)


def unwrapped(stream: io.BufferedIOBase) -> Unwrapped:
    """Unwrap a list.

    Args:
        stream: the file; it stays open.

    Returns:
        The text. An error in the packed data raises OSError where the text is read.

    Raises:
        ListError: the file is no text, or its wrapping cannot be read; the message begins with what the file is.
    """
    notes: list[str] = []
    for _ in range(DEPTH):
        head = _head(stream)
        packing = next((each for each in _PACKINGS if head.startswith(each.magic)), None)
        if packing is not None:
            packing.decoder()  # so that a missing library is found at once
            stream = buffered(_unpacked(packing, chunks_of(stream, head), notes))
        elif head.startswith(ZIP_MAGIC):
            stream = buffered(chunks_of_zip(_seekable(stream, head)))
        else:
            return Unwrapped(_text(head, stream), notes)
    raise ListError(f"more than {DEPTH} wrappings within each other; unpack the list first")


def _head(stream: io.BufferedIOBase) -> bytes:
    """Read the first octets. An error ends them; it is raised once more where the text is read."""
    head = b""
    with suppress(OSError):
        while len(head) < HEAD and (more := stream.read1(HEAD - len(head))):
            head += more
    return head


def _text(head: bytes, stream: io.BufferedIOBase) -> io.BufferedReader:
    name = None if encoding_of(head) else binary_name(head)
    if name:
        raise ListError(f"{name}, which is no list; a text file with one domain a line was expected")
    return as_utf8(head, stream)


def _seekable(stream: io.BufferedIOBase, head: bytes) -> io.BufferedIOBase:
    """Return a stream of the same octets in which one can seek; a pipe is copied to a temporary file."""
    if stream.seekable():
        stream.seek(-len(head), io.SEEK_CUR)
        return stream
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the list, and goes with it
    with suppress(DamagedError):  # an archive that is cut short is found to be so
        for chunk in chunks_of(stream, head):
            copy.write(chunk)
    copy.seek(0)
    return copy


def _unpacked(packing: _Packing, packed: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """Yield what packed chunks unpack to, member after member.

    Raises:
        DamagedError: the data is damaged or cut short, or unpacks to too much.
    """
    decoder: _Decompressor | None = None
    taken = given = 0
    data = b""
    for chunk in packed:
        taken += len(chunk)
        data += chunk
        while data or decoder is not None:
            if decoder is None:
                data = data.lstrip(b"\0")  # padding
                if not data.startswith(packing.magic[: len(data)]):
                    notes.append(f"octets after the end of the {packing.name} data are ignored")
                    return
                if len(data) < len(packing.magic):
                    break
                decoder = packing.decoder()
            out, data = _decoded(packing, decoder, data), b""
            given += len(out)
            check_ratio(given, taken)
            yield out
            if decoder.eof:
                data = decoder.unused_data
                decoder = None
            elif decoder.needs_input:
                break
    if decoder is not None:
        raise DamagedError(f"the {packing.name} data is cut short")


def _decoded(packing: _Packing, decoder: _Decompressor, data: bytes) -> bytes:
    """Decode octets.

    Raises:
        DamagedError: they are damaged.
    """
    try:
        return decoder.decompress(data, CHUNK)
    except Exception as error:  # each library has errors of its own, zstd's is known only once it is imported
        raise DamagedError(f"the {packing.name} data is damaged: {error}") from error
