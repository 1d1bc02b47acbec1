"""Lists of domains: files, standard input; a stream of targets and of rejected lines.

The first lines of a list show its kind and its layout (``targets.kinds``, ``targets.detection``); it may be packed
(``targets.wrappings``) or in UTF-16 (``targets.encodings``). A ``#`` at the start of a line begins a comment, as do
``;`` and ``//`` before a space; after white space only ``#`` does, not in a table with a header and not in a line with
quotes.

Where a list has a domain, any destination may stand (``[host]``, ``host:port``, an address). Names are made lower case,
one trailing dot is dropped. A destination counts once: its first line is kept.

No content of a line raises an exception: a bad line is a ``Reject``. The constructor raises ``ListError`` for a list
that cannot be used at all, before anything is scanned.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import NamedTuple

from targets.destination import SMTP_PORT, Destination, DestinationError, Kind, parse_destination
from targets.kinds import Accept, hint, host_of
from targets.lines import SHOWN_LIMIT, Line, Plain
from targets.sources import STDIN, Form, Source
from targets.streams import ListError
from targets.tables import Row

__all__ = ["STDIN", "Accept", "Form", "ListError", "Lists", "PlainNames", "Reader", "Reject", "Target"]

MAX_DNS_NAME = 253
"""Octets of a name that fits a DNS message (RFC 1035 section 3.1: 255 with length octets)."""

_ROOT_DOT = re.compile(r"(?<=[^.])\.(?=\]?(?::[^:\]]*)?$)")


@dataclass(frozen=True, slots=True)
class Target:
    """A destination to scan; ``raw`` is its text as listed, ``source`` and ``line`` are its place."""

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
    """Consecutive lines of a list, from ``line`` on, that hold a plain domain each and nothing else."""

    source: str
    line: int
    names: list[bytes]


@dataclass(frozen=True, slots=True)
class Reader:
    """The parser of the text that stands for a destination in a list or on the command line.

    ``accept`` has the kinds of text of which the host is taken.
    """

    default_port: int | None = None
    lmtp: bool = False
    accept: frozenset[Accept] = frozenset()

    @property
    def plain_is_key(self) -> bool:
        """True if a plain domain is its own key: neither port nor brackets are added."""
        return not self.lmtp and self.default_port in (None, SMTP_PORT)

    def destination(self, text: str) -> Destination:
        """Parse a destination.

        Raises:
            ValueError: the text is no destination; the message is the reason in plain words.
        """
        if self.lmtp and text.startswith("unix:"):
            return self._parsed(text)
        host = host_of(text, self.accept)
        words = hint(host)
        if words:
            raise ValueError(words)
        return self._parsed(_ROOT_DOT.sub("", host.lower() if host.isascii() else host, count=1))

    def _parsed(self, text: str) -> Destination:
        """Parse the text; UTS #46 makes a name beyond ASCII lower case."""
        try:
            found = parse_destination(text, lmtp=self.lmtp, default_port=self.default_port)
        except DestinationError as error:
            raise ValueError(error.reason) from error
        if found.kind is not Kind.UNIX and len(found.host) > MAX_DNS_NAME:
            raise ValueError(f"no valid host name: longer than {MAX_DNS_NAME} octets")
        return found

    def plain(self, name: str) -> Destination:
        """Return the destination of a plain domain, where ``plain_is_key``."""
        return Destination(name, name, name, Kind.DOMAIN, "", SMTP_PORT)


class Lists:
    """The targets of several lists, in order, each destination once.

    It can be iterated once, because standard input and pipes can. ``duplicates`` counts the lines whose destination an
    earlier line has. Memory grows only with the number of distinct destinations.

    Args:
        paths: files to read; ``-`` is standard input.
        reader: the parser of destinations.
        form: the form of the lists, as far as it is known.
        stdin: read in place of standard input.

    Raises:
        ListError: a file is missing or unreadable, is no list, or has no such column.
    """

    def __init__(
        self,
        paths: Sequence[str | PathLike[str]],
        reader: Reader | None = None,
        form: Form | None = None,
        *,
        stdin: io.BufferedIOBase | None = None,
    ) -> None:
        names = [fspath(path) for path in paths]
        if names.count(STDIN) > 1:
            raise ListError(f"{STDIN}: standard input can be read once only")
        self.duplicates = 0
        self._reader = reader or Reader()
        self._sources = [Source(name, form or Form(), self._reader.accept, stdin) for name in names]

    @property
    def notes(self) -> list[str]:
        """Remarks on the lists that were read, for the user."""
        return [note for source in self._sources for note in source.notes]

    @property
    def cut(self) -> list[str]:
        """The lists that could not be read to their ends, each with the reason."""
        return [f"{source.name}: {source.cut}" for source in self._sources if source.cut]

    def __iter__(self) -> Iterator[Target | Reject]:
        seen: set[str] = set()
        for source in self._sources:
            for line, row in source.rows():
                entry = self._entry(source.name, line, row)
                if isinstance(entry, Reject):
                    yield entry
                elif entry.destination.key in seen:
                    self.duplicates += 1
                else:
                    seen.add(entry.destination.key)
                    yield entry

    def blocks(self) -> Iterator[Target | Reject | PlainNames]:
        """Yield the same lines with duplicates, and plain domains many at a time: for lists of millions."""
        for source in self._sources:
            for item in source.blocks():
                if not isinstance(item, Plain):
                    yield self._entry(source.name, *item)
                elif self._reader.plain_is_key:
                    yield PlainNames(source.name, item.number, item.names)
                else:
                    for line in item.lines():
                        yield self._entry(source.name, line, Row(line.text, None, {}))

    def _entry(self, source: str, line: Line, row: Row | str) -> Target | Reject:
        if isinstance(row, str):
            return Reject(source, line.number, line.text[:SHOWN_LIMIT], row)
        try:
            destination = self._reader.destination(row.domain)
        except ValueError as error:
            return Reject(source, line.number, line.text[:SHOWN_LIMIT], str(error))
        return Target(destination, row.domain, source, line.number, row.rank, row.fields)
