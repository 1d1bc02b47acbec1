"""Reader of domain lists (files or standard input) as a stream of targets and rejected lines.

The format and layout of a list are recognised from the first lines (modules ``targets.kinds``, ``targets.detection``).
A list may be compressed (``targets.wrappings``) or in UTF-16 (``targets.encodings``). In a list, a ``#`` at the start
of a line begins a comment, and so does ``;`` or ``//`` before a space. After white space, ``#`` begins a comment except
in a table with a header or in a line with quotes.

Instead of a domain, a list may contain any destination (``[host]``, ``host:port``, an address). Names in a list are
converted to lower case, and one trailing dot is removed. Of several lines with the same destination, the first line is
kept.

No content of a line raises an exception: a line that is not a destination becomes a ``Reject``. The constructor of
``Lists`` raises ``ListError`` before the scan begins if a list cannot be used at all.
"""

import io
from collections.abc import Iterator, Sequence
from os import PathLike, fspath

from targets.kinds import Accept
from targets.lines import SHOWN_LIMIT, Line, Plain
from targets.reader import PlainNames, Reader, Reject, Target
from targets.sources import Form, Source
from targets.streams import STDIN, ListError
from targets.tables import ListRow

__all__ = ["STDIN", "Accept", "Form", "ListError", "Lists", "PlainNames", "Reader", "Reject", "Target"]


class Lists:
    """The targets of several lists in the order of the lists, without duplicates.

    The targets can be iterated only once, because standard input and pipes can be read only once. ``duplicates`` is the
    number of lines that repeat the destination of an earlier line. The memory used grows only with the number of
    distinct destinations.

    Args:
        paths: files to read; ``-`` is standard input.
        reader: the parser of destinations.
        form: the format of the lists, as far as the user specifies it.
        stdin: the stream that is read in place of standard input.

    Raises:
        ListError: a file is missing or unreadable, is not a list of domains, or lacks the given column.
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
            raise ListError(f"{STDIN}: standard input can be read only once")
        self.duplicates = 0
        self._reader = reader or Reader()
        self._sources = [Source(name, form or Form(), self._reader.accept, stdin) for name in names]

    @property
    def notes(self) -> list[str]:
        """Notes for the user about the lists read so far."""
        return [note for source in self._sources for note in source.notes]

    @property
    def cut(self) -> list[str]:
        """The names of the lists that were read incompletely, each with the reason."""
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
        """Yield all targets and rejected lines, duplicates included.

        Consecutive plain names (see ``Plain``) are one item.
        """
        for source in self._sources:
            for item in source.blocks():
                if not isinstance(item, Plain):
                    yield self._entry(source.name, *item)
                elif self._reader.plain_is_key:
                    yield PlainNames(source.name, item.number, item.names)
                else:
                    for line in item.lines():
                        yield self._entry(source.name, line, ListRow(line.text, None, {}))

    def _entry(self, source: str, line: Line, row: ListRow | str) -> Target | Reject:
        if isinstance(row, str):
            return Reject(source, line.number, line.text[:SHOWN_LIMIT], row)
        try:
            destination = self._reader.destination(row.domain)
        except ValueError as error:
            return Reject(source, line.number, line.text[:SHOWN_LIMIT], str(error))
        return Target(destination, row.domain, source, line.number, row.rank, row.fields)
