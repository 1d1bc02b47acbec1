"""A single domain list (file or standard input): opening, recognition of its layout, reading of its records."""

import io
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from os import fstat
from typing import cast

from targets.detection import LayoutError, detect
from targets.kinds import SAMPLE, WHOLE_LIST, Accept, ListKind, accepted, dominant
from targets.lines import Line, LineReader, Plain
from targets.streams import STDIN, ListError, open_file
from targets.tables import HeaderError, ListRow, RowError, TableLayout, is_record, records, uncommented
from targets.wrappings import Unwrapped, unwrapped
from targets.zonefile import ZoneParser

_TITLE = "a first line without a dot above names with dots: taken for a header; end a domain with a dot to scan it"


@dataclass(frozen=True, slots=True)
class Form:
    """The format of a list as far as the user specifies the format.

    ``column`` is the name or number of the column with the domains. ``zone`` is True for zone files.
    """

    column: str | None = None
    zone: bool = False


class Source:
    """One domain list; the constructor recognises the layout of the list.

    The constructor closes a regular file again, because the number of lists may exceed the limit of open files.
    Standard input and pipes stay open, and the constructor stores the lines that it has read from them.

    ``notes`` contains notes about the list for the user. ``cut`` is the reason why the list was read incompletely,
    empty after a complete read.

    Raises:
        ListError: the list is missing or unreadable, is not a list of domains, or lacks the given column.
    """

    def __init__(
        self, name: str, form: Form, accept: frozenset[Accept] = frozenset(), stdin: io.BufferedIOBase | None = None
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self.cut = ""
        self._form = form
        self._accept = accept
        self._stream, self._text = self._open(stdin)
        self._lines = LineReader(self._text.stream)
        lines = self._lines.lines()
        self._ahead = list(islice(lines if form.zone else filter(_is_significant, lines), SAMPLE))
        self._layout = self._recognised()
        if isinstance(self._stream, io.BufferedReader) and name != STDIN and _is_regular(self._stream):
            self._close()

    def rows(self) -> Iterator[tuple[Line, ListRow | str]]:
        """Yield each record with its domain, rank and fields, or with the reason why the record is rejected.

        Raises:
            ListError: the file can no longer be opened.
        """
        self._open_again()
        if self._form.zone:
            yield from self._owners()
        else:
            for line in self._records(self._lines.lines()):
                yield from self._row(cast("Line", line))
        self._close()

    def blocks(self) -> Iterator[tuple[Line, ListRow | str] | Plain]:
        """Yield the records like ``rows``, with consecutive plain names grouped in one ``Plain``.

        Raises:
            ListError: the file can no longer be opened.
        """
        if self._form.zone or not self._layout.takes_plain:
            yield from self.rows()
            return
        self._open_again()
        for lines in self._records(self._lines.blocks()):
            if isinstance(lines, Line):
                yield from self._row(lines)
            elif self._is_plain(lines):
                yield lines
            else:
                yield from chain.from_iterable(map(self._row, lines.lines()))
        self._close()

    def _is_plain(self, lines: Plain) -> bool:
        layout = self._layout
        if lines.number <= max(layout.begins, layout.title):
            return False
        return len(layout.header) != 1 or layout.heading.encode() not in lines.names

    def _row(self, line: Line) -> Iterator[tuple[Line, ListRow | str]]:
        if line.cut:
            self.cut = line.flaw
        if not line.flaw and (line.number <= self._layout.begins or self._is_comment(line.text)):
            return
        if line.flaw or line.number == self._layout.title:
            yield line, line.flaw or _TITLE
            return
        try:
            yield line, self._layout.row(line.text)
        except RowError as error:
            yield line, str(error)

    def _is_comment(self, text: str) -> bool:
        """Return whether a line begins with a semicolon that begins a comment and is not a delimiter."""
        return text.startswith(";") and self._layout.delimiter != ";"

    def _owners(self) -> Iterator[tuple[Line, ListRow | str]]:
        for line, name, reason in ZoneParser().owners(chain(self._ahead, self._lines.lines())):
            if line.cut:
                self.cut = self.cut or reason
            yield line, ListRow(name, None, {}) if name else reason

    def _records(self, lines: Iterator[Line | Plain]) -> Iterator[Line | Plain]:
        significant = (each for each in lines if isinstance(each, Plain) or _is_significant(each))
        return records(chain(self._ahead, significant), self._fits)

    def _fits(self, text: str) -> bool:
        try:
            return "\n" not in self._layout.row(text).domain
        except HeaderError:
            return True
        except RowError:
            return False

    # --- opening ------------------------------------------------------------------------------------------------

    def _open(self, stdin: io.BufferedIOBase | None) -> tuple[io.BufferedIOBase, Unwrapped]:
        if self.name == STDIN:
            stream = stdin if stdin is not None else cast("io.BufferedIOBase", sys.stdin.buffer)
        else:
            stream = open_file(self.name)
        try:
            return stream, unwrapped(stream)
        except ListError as error:
            raise ListError(f"{self.name}: {error}") from error

    def _open_again(self) -> None:
        if self._stream.closed and self.name != STDIN:
            self._stream, self._text = self._open(None)
            self._lines = LineReader(self._text.stream)

    def _close(self) -> None:
        """Store the notes, discard the lines that the constructor has read, and close any file but standard input."""
        self.notes = [f"{self.name}: {note}" for note in self._text.notes]
        self._ahead = []
        if self.name != STDIN:
            self._stream.close()

    # --- recognition --------------------------------------------------------------------------------------------

    def _recognised(self) -> TableLayout:
        """Return the layout of the list.

        Raises:
            ListError: the layout cannot be recognised, or the list has another format.
        """
        if self._form.zone:
            return TableLayout()
        sample = [cast("Line", line) for line in records(iter(self._ahead), is_record)]
        texts = [line.text for line in sample if not line.flaw]
        if self._form.column is None:
            self._refuse(dominant(uncommented(text) for text in texts))
        try:
            layout = detect(sample, self._form.column)
        except LayoutError as error:
            where = f"line {error.line}: " if error.line else ""
            notes = "".join(f" ({note})" for note in self._text.notes)
            raise ListError(f"{self.name}: {where}{error}{notes}") from error
        self._refuse(dominant(_domains(sample, layout)))
        return layout

    def _refuse(self, kind: ListKind | None) -> None:
        if kind is not None and not accepted(kind, self._accept):
            raise ListError(f"{self.name}: not a list of domains but {kind}; {WHOLE_LIST[kind]}")


def _domains(sample: list[Line], layout: TableLayout) -> Iterator[str]:
    for line in sample:
        if line.number > layout.begins and not line.flaw:
            try:
                yield layout.row(line.text).domain
            except RowError:
                yield ""


def _is_significant(line: Line) -> bool:
    text = line.text.strip()
    return bool(line.flaw or (text and not text.startswith(("#", "; ", "// ")) and text not in (";", "//")))


def _is_regular(stream: io.BufferedReader) -> bool:
    return stat.S_ISREG(fstat(stream.fileno()).st_mode)
