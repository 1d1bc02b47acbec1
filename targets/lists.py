"""Lists of domains: files, standard input, gzip; a stream of targets and of rejected lines.

The first line of a file that is neither blank nor a comment tells its layout:

    with --column NAME     a header: CSV with commas, semicolons or tabs; the other columns travel as fields
    1,example.com          rank and domain (Tranco and its kin); further columns are col3, col4, …
    example.com            a domain, alone or with further columns col2, col3, …

A ``#`` at the start of a line, or after white space, begins a comment; in a CSV with a header only at the
start, and nowhere in a line with quotes. One record a line: a line break within quotes is an error of that
line. A first line with several columns and no domain in any is rejected as a header, and the next line tells
the layout.

Where a list has a domain, any destination may stand (``[host]``, ``host:port``, an address). Names are made
lower case, one trailing dot is dropped. A destination counts once; the first line that has it wins.

What a file holds never raises: a bad line is a ``Reject``. What makes a file useless (it is missing,
unreadable, or lacks the column) is told by the constructor, before anything is scanned.
"""

import csv
import io
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from os import PathLike, fspath, fstat
from typing import NamedTuple, cast

from targets.destination import SMTP_PORT, Destination, DestinationError, Kind, parse_destination
from targets.hostnames import parse_address
from targets.lines import SHOWN_LIMIT, Line, ListError, Plain, open_file, read_blocks, read_lines

__all__ = ["ListError", "Lists", "PlainNames", "Reader", "Reject", "Target"]

STDIN = "-"

MAX_DNS_NAME = 253
"""Octets of a name that fits a DNS message (RFC 1035 section 3.1: 255 with length octets)."""

_RANK = re.compile(r"[0-9]{1,18}")
_TRAILING_COMMENT = re.compile(r"\s#.*", re.DOTALL)
_ROOT_DOT = re.compile(r"(?<=[^.])\.(?=\]?(?::[^:\]]*)?$)")
_HEADER_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Target:
    """A destination to scan; ``raw`` is its text as listed, ``source`` and ``line`` say where it stood."""

    destination: Destination
    raw: str
    source: str
    line: int
    rank: int | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not scanned; ``raw`` is cut at 300 characters, ``reason`` is in plain words."""

    file: str
    line: int
    raw: str
    reason: str


class PlainNames(NamedTuple):
    """Lines of a list, in a row from ``line`` on, that hold a plain domain each and nothing else."""

    source: str
    line: int
    names: list[bytes]


class _Row(NamedTuple):
    """The cells of a line by their meaning."""

    domain: str
    rank: int | None
    fields: dict[str, str]


class _RowError(ValueError):
    """A line that does not fit its file's layout; the message is the reason of the Reject."""


_Layout = Callable[[str], _Row]


class Lists:
    """The targets of several lists, in order, each destination once.

    Iterate it once: standard input and pipes are gone then. ``duplicates`` counts the lines passed over
    because an earlier one named the same destination. Memory grows with the number of distinct destinations
    only.

    Args:
        paths: files to read; ``-`` is standard input.
        column: name of the column that holds the domain; every file then begins with a header.
        default_port: port of destinations that name none.
        lmtp: read destinations as for LMTP.
        stdin: read in place of standard input.

    Raises:
        ListError: a file is missing or unreadable, or has no such column.
    """

    def __init__(
        self,
        paths: Sequence[str | PathLike[str]],
        *,
        column: str | None = None,
        default_port: int | None = None,
        lmtp: bool = False,
        stdin: io.BufferedIOBase | None = None,
    ) -> None:
        names = [fspath(path) for path in paths]
        if names.count(STDIN) > 1:
            raise ListError(f"{STDIN}: standard input can be read once only")
        self.duplicates = 0
        self._reader = Reader(default_port, lmtp)
        self._sources = [_Source(name, column, stdin) for name in names]

    def __iter__(self) -> Iterator[Target | Reject]:
        seen: set[str] = set()
        for source in self._sources:
            for entry in self._entries(source):
                if isinstance(entry, Reject):
                    yield entry
                elif entry.destination.key in seen:
                    self.duplicates += 1
                else:
                    seen.add(entry.destination.key)
                    yield entry

    def blocks(self) -> Iterator[Target | Reject | PlainNames]:
        """The same lines, duplicates too, but plain domains many at a time: for lists of millions."""
        for source in self._sources:
            if source.headed or not self._reader.plain_is_key:
                yield from self._entries(source)
            else:
                yield from self._blocks(source)

    def _blocks(self, source: "_Source") -> Iterator[Target | Reject | PlainNames]:
        for lines in source.blocks():
            if isinstance(lines, Line):
                yield self._entry(source, lines)
            elif source.is_plain():
                yield PlainNames(source.name, lines.number, lines.names)
            else:
                for number, name in enumerate(lines.names, lines.number):
                    yield self._entry(source, Line(number, name.decode("ascii"), ""))

    def _entries(self, source: "_Source") -> Iterator[Target | Reject]:
        for line in source.lines():
            yield self._entry(source, line)

    def _entry(self, source: "_Source", line: Line) -> Target | Reject:
        try:
            row = source.row(line)
            destination = self._reader.destination(row.domain)
        except _RowError as error:
            return Reject(source.name, line.number, line.text[:SHOWN_LIMIT], str(error))
        return Target(destination, row.domain, source.name, line.number, row.rank, row.fields)


@dataclass(frozen=True, slots=True)
class Reader:
    """How the text of a list that stands for a destination is read."""

    default_port: int | None = None
    lmtp: bool = False

    @property
    def plain_is_key(self) -> bool:
        """True if a plain domain is its own key: nothing has to be added to it."""
        return not self.lmtp and self.default_port in (None, SMTP_PORT)

    def destination(self, text: str) -> Destination:
        """Read it.

        Raises:
            ValueError: it is no destination.
        """
        hint = _hint(text)
        if hint:
            raise _RowError(hint)
        try:
            found = parse_destination(self._normal(text), lmtp=self.lmtp, default_port=self.default_port)
        except DestinationError as error:
            raise _RowError(error.reason) from error
        if len(found.host) > MAX_DNS_NAME:
            raise _RowError(f"no valid host name: longer than {MAX_DNS_NAME} octets")
        return found

    def plain(self, name: str) -> Destination:
        """The same for a plain domain, where ``plain_is_key``."""
        return Destination(name, name, name, Kind.DOMAIN, "", SMTP_PORT)

    def _normal(self, text: str) -> str:
        """Lower case and no root dot. Beyond ASCII, UTS #46 does the first; a path is nobody's to change."""
        if self.lmtp and text.startswith("unix:"):
            return text
        return _ROOT_DOT.sub("", text.lower() if text.isascii() else text, count=1)


class _Source:
    """One list: opened and, where there is a header, read up to it by the constructor.

    A regular file is closed again until its turn comes (there may be more of them than descriptors); standard
    input and pipes stay open.
    """

    def __init__(self, name: str, column: str | None, stdin: io.BufferedIOBase | None) -> None:
        self.name = name
        self._column = column
        self._layout: _Layout | None = None
        self._stream: io.BufferedIOBase | None = self._opened(stdin)
        self._lines = read_lines(self._stream)
        if column is not None:
            self._layout = self._header(column)
        if isinstance(self._stream, io.BufferedReader) and name != STDIN and _is_regular(self._stream):
            self._stream.close()
            self._stream = None

    @property
    def headed(self) -> bool:
        """True if the list begins with a header that was asked for."""
        return self._column is not None

    def lines(self) -> Iterator[Line]:
        """The lines that hold or should hold a target.

        Raises:
            ListError: the file was there when it was checked and now is not.
        """
        stream = self._opened_again()
        yield from self._significant()
        if self.name != STDIN:
            stream.close()

    def blocks(self) -> Iterator[Line | Plain]:
        """The same for a list without header, plain names many at a time."""
        stream = self._opened_again()
        for lines in read_blocks(stream):
            if isinstance(lines, Plain) or _is_significant(lines):
                yield lines
        if self.name != STDIN:
            stream.close()

    def is_plain(self) -> bool:
        """True if domains stand first in the lines; a list that begins with a plain name is such a list."""
        if self._layout is None:
            self._layout = _plain
        return self._layout is _plain

    def _opened_again(self) -> io.BufferedIOBase:
        if self._stream is None:
            self._stream = self._opened(None)
            self._lines = read_lines(self._stream)
            if self._column is not None:
                self._layout = self._header(self._column)
        return self._stream

    def row(self, line: Line) -> _Row:
        """Read a line by the file's layout, which the first good line tells.

        Raises:
            _RowError: the line does not fit.
        """
        if line.flaw:
            raise _RowError(line.flaw)
        text = line.text if self._column is not None or '"' in line.text else _TRAILING_COMMENT.sub("", line.text)
        if self._layout is None:
            self._layout = _layout(_cells(text))
        return self._layout(text)

    def _opened(self, stdin: io.BufferedIOBase | None) -> io.BufferedIOBase:
        if self.name != STDIN:
            return open_file(self.name)
        return stdin if stdin is not None else cast("io.BufferedIOBase", sys.stdin.buffer)

    def _significant(self) -> Iterator[Line]:
        return filter(_is_significant, self._lines)

    def _header(self, column: str) -> _Layout:
        line = next(self._significant(), Line(1, "", "the file is empty"))
        if line.flaw:
            raise ListError(f"{self.name}: line {line.number}: a header with column {column!r} expected: {line.flaw}")
        for delimiter in _HEADER_DELIMITERS:
            try:
                names = _cells(line.text, delimiter)
            except _RowError:
                continue
            index = _column_index(names, column)
            if index is not None:
                return _named(names, index, delimiter)
        shown = line.text.strip()[:SHOWN_LIMIT]
        raise ListError(f"{self.name}: line {line.number}: no column {column!r} in the header {shown!r}")


def _is_significant(line: Line) -> bool:
    text = line.text.strip()
    return bool(line.flaw or (text and not text.startswith("#")))


def _is_regular(stream: io.BufferedReader) -> bool:
    return stat.S_ISREG(fstat(stream.fileno()).st_mode)


def _cells(text: str, delimiter: str = ",") -> list[str]:
    """The cells of one CSV record (RFC 4180, white space around cells dropped)."""
    if delimiter not in text and '"' not in text:
        return [text.strip()]
    try:
        (cells,) = csv.reader([text.strip(" \r\n")], delimiter=delimiter, skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise _RowError(f"no CSV record: {error}") from error
    return [cell.strip() for cell in cells]


def _layout(first: list[str]) -> _Layout:
    """The layout of a file without named column, from the cells of its first line."""
    if len(first) > 1 and _RANK.fullmatch(first[0]):
        return _ranked
    if len(first) > 1 and not any(mark in cell for cell in first for mark in ".:@"):
        raise _RowError("no domain in the file's first line: if it is a header, name the column with --column")
    return _plain


def _ranked(text: str) -> _Row:
    cells = _cells(text)
    if len(cells) == 1 or not _RANK.fullmatch(cells[0]):
        raise _RowError("rank,domain expected, as in the file's first line")
    return _Row(cells[1], int(cells[0]), _numbered(cells, 2))


def _plain(text: str) -> _Row:
    cells = _cells(text)
    return _Row(cells[0], None, _numbered(cells, 1))


def _numbered(cells: list[str], start: int) -> dict[str, str]:
    return {f"col{number}": cell for number, cell in enumerate(cells[start:], start + 1)}


def _column_index(names: list[str], column: str) -> int | None:
    """Where a column stands: spelled so, else in whatever case; the first of several."""
    if column in names:
        return names.index(column)
    folded = [name.casefold() for name in names]
    return folded.index(column.casefold()) if column.casefold() in folded else None


def _named(header: list[str], index: int, delimiter: str) -> _Layout:
    """Layout of a CSV with a header. Columns without a name, or with one that was there before, are colN."""
    names = [
        name if name and name not in header[:at] else f"col{at + 1}"  # so that no cell is lost
        for at, name in enumerate(header)
    ]

    def row(text: str) -> _Row:
        cells = _cells(text, delimiter)
        if index >= len(cells):
            raise _RowError(f"no column {header[index]!r} in this line: it has {len(cells)} of {len(header)} columns")
        more = [f"col{at + 1}" for at in range(len(names), len(cells))]
        fields = dict(zip(names + more, cells, strict=False))
        return _Row(fields.pop(names[index]), None, fields)

    return row


def _hint(text: str) -> str:
    """Words for what people often list by mistake; empty if it is none of that."""
    hints = (
        (not text, "no domain in this line"),
        ("://" in text, "a URL: list its host name alone"),
        ("@" in text, "an e-mail address: list what follows the @"),
        (text.startswith("*."), "a wildcard: list the domain itself"),
        (len(text.split()) > 1, "no valid host name: white space in it"),
        (isinstance(parse_address(text), IPv6Address), "an IPv6 address has to stand in brackets"),
    )
    return next((words for found, words in hints if found), "")
