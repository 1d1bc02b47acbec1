"""Parser of the records of a list: cells, domain column and rank.

* The line ``domain;owner`` is a header with a well-known column name, or with the name given by ``--column``.
* The line ``1,example.com`` has a rank and a domain (Tranco and others); further columns are named col3, col4, …
* The line ``example.com,tag`` has a domain, alone or with further columns, which are named col2, col3, …
* The line ``Alice,example.com`` has a domain in a column other than the first, if only this column contains domains.

Quoted cells may contain line breaks (RFC 4180 section 2).
"""

import csv
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from targets.lines import LINE_LIMIT, Line, Plain

DELIMITERS = (",", ";", "\t", "|")

RECORD_LINES = 1000
"""Maximum number of lines that are searched for the closing quote of a cell with line breaks."""

_RANK = re.compile(r"[0-9]{1,18}|[0-9]{1,3}(?:[.,'\u2019\u00a0\u202f ][0-9]{3}){1,5}")
_TRAILING_COMMENT = re.compile(r"\s#.*", re.DOTALL)
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_UNCLOSED = "unexpected end of data"


class ListRow(NamedTuple):
    """A record of a list, split into domain, rank and further fields."""

    domain: str
    rank: int | None
    fields: dict[str, str]


class RowError(ValueError):
    """Error: a record is rejected; the message is the reason."""


class HeaderError(RowError):
    """Error: a record equals the header of the list."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The layout of the records of a list.

    ``column`` is the index of the column with the domains, from 0. ``header`` contains the column names, and is empty
    if the list has no header. The records of the list begin after line ``begins``. ``title`` is the line number of a
    probable header without a well-known name, 0 without such a line. ``heading`` is the name of the domain column in
    lower case. If ``delimiter`` is a space, any white space is a delimiter; if ``delimiter`` is ``{``, the records are
    JSON objects.
    """

    delimiter: str = ","
    column: int = 0
    header: tuple[str, ...] = ()
    begins: int = 0
    ranked: bool = False
    title: int = 0
    names: tuple[str, ...] = field(default=(), init=False)
    heading: str = field(default="", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "heading", "".join(self.header[self.column : self.column + 1]).casefold())
        object.__setattr__(self, "names", _unique(self.header))

    @property
    def takes_plain(self) -> bool:
        """True if a line that consists of one plain name (see ``Plain``) is a record whose domain is the name."""
        return self.column == 0 and not self.ranked and self.delimiter != "{"

    def row(self, text: str) -> ListRow:
        """Parse a record.

        Raises:
            RowError: the record does not match the layout.
        """
        if self.delimiter == "{":
            return _member(text, self.header[0])
        cells = cells_of(text if self.header else uncommented(text), self.delimiter)
        if self.ranked:
            return _ranked(cells)
        if self.column >= len(cells):
            raise RowError(f"no column {self._shown()} in this line: it has {_columns(len(cells), len(self.header))}")
        if self._is_heading(cells):
            raise HeaderError("the header, repeated")
        fields = {self._name(at): cell for at, cell in enumerate(cells) if at != self.column}
        return ListRow(cells[self.column], None, fields)

    def _is_heading(self, cells: list[str]) -> bool:
        if not self.heading or cells[self.column].casefold() != self.heading:
            return False
        return [cell.casefold() for cell in cells] == [name.casefold() for name in self.header]

    def _shown(self) -> str:
        return repr(self.header[self.column]) if self.column < len(self.header) else str(self.column + 1)

    def _name(self, at: int) -> str:
        return self.names[at] if at < len(self.names) else f"col{at + 1}"


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    """Return a unique name for each column; a column with an empty or repeated name is called colN."""
    return tuple(name if name and name not in header[:at] else f"col{at + 1}" for at, name in enumerate(header))


def _columns(count: int, expected: int) -> str:
    return f"{count} of {expected} columns" if expected else f"{count} column{'s' if count > 1 else ''}"


def uncommented(text: str) -> str:
    """Return a line without a trailing comment; a line with quotes is returned unchanged."""
    return text if '"' in text else _TRAILING_COMMENT.sub("", text)


def separator(text: str) -> str | None:
    """Return the delimiter of Excel's ``sep=;`` line, or None for any other line."""
    found = _SEP.fullmatch(text.strip())
    return found[1] if found and found[1] in DELIMITERS else None


def is_rank(text: str) -> bool:
    """Return whether a cell is a rank: digits, with or without separators (such as commas) between groups of three."""
    return _RANK.fullmatch(text) is not None


def cells_of(text: str, delimiter: str) -> list[str]:
    """Split a record into its cells (RFC 4180; white space around cells is removed).

    Raises:
        RowError: the quotes of the record violate RFC 4180.
    """
    if delimiter == " ":
        return text.split()
    if delimiter not in text and '"' not in text:
        return [text.strip()]
    try:
        (cells,) = csv.reader([text.strip(" \r\n")], delimiter=delimiter, skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise RowError(f"not a CSV record: {error}") from error
    return [cell.strip() for cell in cells]


def _ranked(cells: list[str]) -> ListRow:
    """Parse rank and domain of a record; in ``1,234,example.com`` the rank 1234 is split into two cells."""
    at = 1
    while at < len(cells) - 1 and re.fullmatch("[0-9]{3}", cells[at]):
        at += 1
    rank = "".join(cells[:at])
    if len(cells) == 1 or not is_rank(rank):
        raise RowError("rank,domain expected, as in the file's first line")
    fields = {f"col{number}": cell for number, cell in enumerate(cells[at + 1 :], at + 2)}
    return ListRow(cells[at], int(re.sub("[^0-9]", "", rank)), fields)


def _member(text: str, name: str) -> ListRow:
    """Parse a JSON object: member ``name`` is the domain, and other members with simple values are fields."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RowError("no JSON object") from error
    if not isinstance(found, dict) or not isinstance(found.get(name), str):
        raise RowError(f"no member {name!r} with a text in this line")
    domain = found.pop(name)
    return ListRow(
        domain, None, {key: str(value) for key, value in found.items() if isinstance(value, str | int | float)}
    )


# --- records of several lines -----------------------------------------------------------------------------------


def records(lines: Iterator[Line | Plain], fits: Callable[[str], bool]) -> Iterator[Line | Plain]:
    """Join the lines of each record that has line breaks in quoted cells.

    If a quote is not closed within ``RECORD_LINES``, or the joined text is not a record, only the line with the quote
    is rejected, and the following lines are separate records.

    Args:
        lines: the lines of a list.
        fits: function that returns whether a joined text is a record.
    """
    ahead: deque[Line | Plain] = deque()
    while True:
        item = ahead.popleft() if ahead else next(lines, None)
        if item is None:
            return
        if isinstance(item, Plain) or item.flaw or not _opens(item.text):
            yield item
            continue
        text, taken = _until_closed(item.text, ahead, lines)
        if fits(text):
            yield Line(item.number, text)
        else:
            yield item
            ahead.extendleft(reversed(taken))


def _until_closed(text: str, ahead: deque[Line | Plain], lines: Iterator[Line | Plain]) -> tuple[str, list[Line]]:
    """Read lines until the quote in ``text`` is closed; return the text joined with these lines, and the lines read."""
    taken: list[Line] = []
    size = len(text)
    while len(taken) < RECORD_LINES and size <= LINE_LIMIT:
        item = ahead.popleft() if ahead else next(lines, None)
        if item is None:
            break
        if isinstance(item, Plain):
            ahead.extendleft(reversed(list(item.lines())))
            continue
        taken.append(item)
        size += len(item.text) + 1
        if item.flaw or item.text.count('"') % 2:
            break
    whole = bool(taken) and not any(line.flaw for line in taken)
    return "\n".join([text, *(line.text for line in taken)]) if whole else "", taken


def _opens(text: str) -> bool:
    """Return whether a line ends within a quoted cell."""
    if text.count('"') % 2 == 0:
        return False
    return any(_is_unclosed(text, delimiter) for delimiter in DELIMITERS)


def _is_unclosed(text: str, delimiter: str) -> bool:
    try:
        cells_of(text, delimiter)
    except RowError as error:
        return str(error).endswith(_UNCLOSED)
    return False


def is_record(text: str) -> bool:
    """Return whether a text is one record of several cells by any delimiter."""
    return any(len(_cells_or_none(text, delimiter)) > 1 for delimiter in DELIMITERS)


def _cells_or_none(text: str, delimiter: str) -> list[str]:
    try:
        return cells_of(text, delimiter)
    except RowError:
        return []
