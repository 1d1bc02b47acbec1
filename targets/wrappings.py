"""Unpacking of lists in gzip, bzip2, xz, zstd, ZIP and xlsx, recognised by the first octets of a file, not by its name.

Wrappings of a list (compression and archives) may be nested. Each wrapping is unpacked as a stream with bounded memory.

* gzip (RFC 1952): several members of a file are joined; other octets after a member are ignored, with a note for the
  user.
* xz: the dictionary may have up to 64 MiB (``xz -9``).
* zstd (RFC 8878): the window may have up to 128 MiB; skippable frames (of pzstd) contain no text.
* ZIP: the archive contains one file, stored or deflated.
* xlsx: the first sheet is read, see ``targets.spreadsheets``.

If packed data are damaged, the octets before the damaged part are unpacked. In packed data of more than ``REPLAY``
octets, up to ``CHUNK`` unpacked octets before the damaged part are lost.

The ratio of unpacked to packed octets of a list is bounded. A binary file that is neither compressed nor an archive is
an error; the error names the format of the file.
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
"""Number of first octets from which a wrapping, an encoding or a binary format is recognised."""

DEPTH = 4
"""Maximum number of nested wrappings."""

XZ_MEMORY = 128 * 2**20
"""Maximum memory in octets of the xz decoder; ``xz -9`` needs 65 MiB."""

ZSTD_WINDOW_LOG = 27
"""Binary logarithm of the maximum zstd window in octets: 128 MiB, as in the zstd command without options."""

EXPECTED = "a text file with one domain per line was expected"

REPLAY = 256 * 1024
"""Maximum size in octets of packed data that is stored, so that all data before a damaged part can be unpacked.

Unpacking the stored data again takes about 0.2 s.
"""


class Unwrapped(NamedTuple):
    """A list as a UTF-8 stream; while the stream is read, notes about the wrapping are added to ``notes``."""

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
    """Decoder of one gzip member, with the interface of ``bz2.BZ2Decompressor``."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._full = False  # the last output reached its maximum length, so more output may follow

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
    magic: tuple[bytes, ...]
    decoder: Callable[[], _Decompressor]


_SKIPPABLE = tuple(bytes((first, 0x2A, 0x4D, 0x18)) for first in range(0x50, 0x60))
"""Magic numbers of skippable frames in zstd data (RFC 8878 section 3.1.2)."""

_PACKINGS = (
    _Packing("gzip", (b"\x1f\x8b",), _Gunzip),
    _Packing("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    _Packing("xz", (b"\xfd7zXZ\0",), _xz),
    _Packing("zstd", (b"\x28\xb5\x2f\xfd", *_SKIPPABLE), _zstd),
)


def unwrapped(stream: io.BufferedIOBase) -> Unwrapped:
    """Unpack a list.

    Args:
        stream: the file, which this function does not close.

    Returns:
        The text of the list. An error in the packed data raises OSError when the text is read.

    Raises:
        ListError: the file is not text, or its wrapping cannot be read; the message begins with the file's format.
    """
    notes: list[str] = []
    for _ in range(DEPTH + 1):
        head = _head(stream)
        packing = next((each for each in _PACKINGS if head.startswith(each.magic)), None)
        if packing is not None:
            packing.decoder()  # detects a missing library before reading
            stream = buffered(_unpacked(packing, chunks_of(stream, head), notes))
        elif head.startswith(ZIP_MAGIC):
            stream = buffered(chunks_of_zip(_seekable(stream, head), notes))
        else:
            return Unwrapped(_text(head, stream), notes)
    raise ListError(f"more than {DEPTH} wrappings within each other; unpack the list first")


def _head(stream: io.BufferedIOBase) -> bytes:
    """Return the first octets of a stream, up to an error; a later read of the text raises the error again."""
    head = b""
    with suppress(OSError):
        while len(head) < HEAD and (more := stream.read1(HEAD - len(head))):
            head += more
    return head


def _text(head: bytes, stream: io.BufferedIOBase) -> io.BufferedReader:
    name = None if encoding_of(head) else binary_name(head)
    if name:
        raise ListError(name if ";" in name else f"{name}, which is not a list; {EXPECTED}")
    return as_utf8(head, stream)


def _seekable(stream: io.BufferedIOBase, head: bytes) -> io.BufferedIOBase:
    """Return a seekable stream of ``head`` and the rest of ``stream``; a pipe is copied to a temporary file."""
    if stream.seekable():
        stream.seek(-len(head), io.SEEK_CUR)
        return stream
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed together with the list
    with suppress(DamagedError):  # the archive reader reports a truncated archive
        for chunk in chunks_of(stream, head):
            copy.write(chunk)
    copy.seek(0)
    return copy


def _unpacked(packing: _Packing, packed: Iterator[bytes], notes: list[str]) -> Iterator[bytes]:
    """Yield the unpacked octets of compressed chunks, one compressed member after the other.

    Raises:
        DamagedError: the packed data are damaged or truncated, or the ratio of unpacked to packed octets is too high.
    """
    member: _Member | None = None
    taken = given = 0
    data = b""
    for chunk in packed:
        taken += len(chunk)
        data += chunk
        while data or member is not None:
            if member is None:
                data = data.lstrip(b"\0")  # padding
                if not any(data.startswith(magic[: len(data)]) for magic in packing.magic):
                    notes.append(f"octets after the end of the {packing.name} data are ignored")
                    return
                if len(data) < len(packing.magic[0]):
                    break
                member = _Member(packing)
            for out in member.unpacked(data):
                given += len(out)
                check_ratio(given, taken)
                yield out
            data = b""
            if member.decoder.eof:
                data = member.decoder.unused_data
                member = None
            elif member.decoder.needs_input:
                break
    if member is not None:
        raise DamagedError(f"the {packing.name} data is truncated")


class _Member:
    """A compressed member: its decoder, its packed octets, and the number of unpacked octets so far."""

    def __init__(self, packing: _Packing) -> None:
        self.decoder = packing.decoder()
        self._packing = packing
        self._packed = bytearray()
        self._given = 0

    def unpacked(self, data: bytes) -> Iterator[bytes]:
        """Decode the packed octets ``data`` in one step, and yield the unpacked octets.

        If the packed data are damaged, first yield the output before the damaged part.

        Raises:
            DamagedError: the packed octets are damaged, or need too much memory.
        """
        if len(self._packed) <= REPLAY:
            self._packed += data
        try:
            out = self.decoder.decompress(data, CHUNK)
        except Exception as error:  # each library has its own errors; the zstd error class needs an import
            if len(self._packed) <= REPLAY:
                yield from self._up_to_damage()
            raise DamagedError(f"the {self._packing.name} data {_words(error)}") from error
        self._given += len(out)
        yield out

    def _up_to_damage(self) -> Iterator[bytes]:
        """Decode the packed octets again, octet by octet, and yield the output that was not yielded before."""
        decoder = self._packing.decoder()
        skipped = self._given
        with suppress(Exception):  # the failure, again
            for octet in self._packed:
                out = decoder.decompress(bytes((octet,)), CHUNK)
                while out:
                    yield out[skipped:]
                    skipped = max(0, skipped - len(out))
                    out = b"" if decoder.needs_input else decoder.decompress(b"", CHUNK)


def _words(error: Exception) -> str:
    words = str(error).rpartition(": ")[2]
    return "needs too much memory; unpack the list first" if "memory" in words.lower() else f"is damaged: {words}"
