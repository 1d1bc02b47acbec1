"""Recognition of a list's layout (delimiter, header, domain column) from its first lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from targets.hostnames import HostNameError, is_address, to_ascii
from targets.kinds import ListKind, dominant, kind_of
from targets.lines import SHOWN_LIMIT, Line
from targets.tables import DELIMITERS, RowError, TableLayout, cells_of, is_rank, separator, uncommented

HEADERS = (
    "domain", "domains", "domain name", "domain_name", "domainname", "mail domain", "mail_domain", "maildomain",
    "email domain", "email_domain", "rootdomain", "fqdn", "host", "hostname", "host name", "host_name", "nexthop",
    "destination", "target", "dom\u00e4ne", "domaene", "domaine", "dominio", "root_domain", "root domain", "origin",
    "site", "website", "web site", "webseite", "url", "email", "e-mail", "email address", "email_address",
    "e-mail address", "mail", "name",
)  # fmt: skip
"""Well-known names of the column with the domains, the most reliable name first."""

MOST = 0.9
"""Minimum share of the rows of a list that contain a domain in the chosen column.

A delimiter is chosen if at least this share of the rows has the same number of cells.
"""

TITLES = 10
"""Maximum number of title lines between the beginning of a table and its header."""

COLUMNS_SHOWN = 12
"""Maximum number of column names that an error message lists."""

_MARK = re.compile(r"[./\[]|:\S")
"""Pattern of text that occurs in destinations, but not in a header: a dot, slash or bracket, or a colon before text."""


class LayoutError(ValueError):
    """Error: the layout of a list is not clear; ``line`` is the number of the unclear line, 0 for the whole list."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class _Sample:
    """The first records of a list, split by one delimiter."""

    delimiter: str
    rows: list[list[str]]

    def share(self, column: int, *, first: int = 0) -> float:
        """Return the share of the rows, from row ``first`` on, that contain a domain in the given column."""
        rows = self.rows[first:]
        return sum(column < len(row) and _is_domain(row[column]) for row in rows) / len(rows) if rows else 0.0

    def share_below(self, row: int) -> float:
        """Return the greatest share, over all columns, of rows below the given row with a domain in the column."""
        return max((self.share(column, first=row + 1) for column in range(self.width)), default=0.0)

    @property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)

    @property
    def tabular(self) -> float:
        """The share of the rows that have N cells, where N is the most frequent number of cells above 1."""
        counts = Counter(len(row) for row in self.rows if len(row) > 1)
        return max(counts.values(), default=0) / len(self.rows)

    @property
    def holding(self) -> float:
        """The share of the rows that contain a domain in any of their columns."""
        return sum(any(map(_is_domain, row)) for row in self.rows) / len(self.rows)


def detect(lines: Sequence[Line], column: str | None = None) -> TableLayout:
    """Return the layout of a list from its first lines.

    Args:
        lines: the first lines of a list that are neither blank nor comments.
        column: name or number (from 1) of the domain column; None to detect the column.

    Raises:
        LayoutError: the given column does not exist, or the domain column cannot be detected.
    """
    good = [line for line in lines if not line.flaw]
    given = separator(good[0].text) if good else None
    begins = good.pop(0).number if given else 0
    if column is not None and not column.isdecimal():
        return _by_name(lines[1:] if given else lines, column, given)
    others = [line for line in good if not line.text.startswith(";")]
    if not any(";" in line.text for line in others):
        good = others  # the other lines are comments
    if not good:
        return TableLayout()
    sample = _sample([uncommented(line.text) for line in good], given, words=column is not None)
    titles = _titles(sample)
    sample, good = _Sample(sample.delimiter, sample.rows[titles:]), good[titles:]
    header = _header(sample, good[0])
    begins = header[1] if header else begins
    names = header[0] if header else ()
    if column is not None:
        named = column in sample.rows[0] and not header
        layout = _by_name(good, column, given) if named else _by_number(sample, int(column), names, begins)
    else:
        layout = _by_content(sample, names, begins)
    doubtful = not layout.header and not layout.ranked and _is_title(sample, layout.column)
    return replace(layout, title=good[0].number) if doubtful else layout


# --- with --column ----------------------------------------------------------------------------------------------


def _by_name(lines: Sequence[Line], column: str, given: str | None) -> TableLayout:
    line = next(iter(lines), Line(1, "", "the file is empty"))
    for below in lines[1 : TITLES + 1]:  # after titles
        found = None if line.flaw or _named(line, column, given) else _named(below, column, given)
        if found is not None and len(found.header) > 1:
            return found
    if not line.flaw and line.text.lstrip().startswith("{"):
        return TableLayout("{", header=(column,))
    if line.flaw:
        raise LayoutError(f"a header with column {column!r} expected: {line.flaw}", line.number)
    found = _named(line, column, given)
    if found is None:
        raise LayoutError(f"no column {column!r} in the header {line.text.strip()[:SHOWN_LIMIT]!r}", line.number)
    return found


def _named(line: Line, column: str, given: str | None) -> TableLayout | None:
    """Return the layout with ``line`` as the header, or None if ``line`` does not contain the name of the column."""
    for delimiter in given or (*DELIMITERS, " "):
        names = _cells(line.text, delimiter)
        index = _index(names, column)
        if index is not None:
            return TableLayout(delimiter, index, tuple(names), line.number)
    return None


def _index(names: list[str], column: str) -> int | None:
    """Return the index of the first column with this name; without an exact match, upper and lower case are ignored."""
    if column in names:
        return names.index(column)
    folded = [name.casefold() for name in names]
    return folded.index(column.casefold()) if column.casefold() in folded else None


def _by_number(sample: _Sample, number: int, names: tuple[str, ...], begins: int) -> TableLayout:
    if not 1 <= number <= sample.width:
        raise LayoutError(f"no column {number}: {_described(sample)}")
    return TableLayout(sample.delimiter, number - 1, names, begins)


# --- without --column -----------------------------------------------------------------------------------------


def _by_content(sample: _Sample, names: tuple[str, ...], begins: int) -> TableLayout:
    first = 1 if names else 0
    shares = [sample.share(column, first=first) for column in range(sample.width)]
    known = _known(names, shares, rows=len(sample.rows) > 1)
    if known is not None:
        return TableLayout(sample.delimiter, known, names, begins)
    if not names and _is_ranked(sample):
        return TableLayout(sample.delimiter, ranked=True, begins=begins)
    if sample.width <= 1:
        return TableLayout(sample.delimiter, begins=begins, header=names)
    best = [column for column, share in enumerate(shares) if share >= MOST]
    if len(sample.rows) == 1 and len(best) == sample.width:
        raise LayoutError("its only line contains several domains; list one domain per line, or use --column")
    if shares[0] and not (_are_addresses(sample) and best):
        return TableLayout(sample.delimiter, 0, names, begins)
    if len(best) == 1:
        return TableLayout(sample.delimiter, best[0], names, begins)
    raise LayoutError(f"no column is known to hold the domains; {_described(sample)}; name it with --column")


def _header(sample: _Sample, line: Line) -> tuple[tuple[str, ...], int] | None:
    """Return the column names and the line number of the header, or None if the first line is not a header.

    A header line contains no domain, but a well-known column name, or several names above lines with domains.
    """
    first = sample.rows[0]
    if any(_is_domain(cell) or is_rank(cell) for cell in first):
        return None
    known = any(cell.casefold() in HEADERS for cell in first)
    return (tuple(first), line.number) if known or (len(first) > 1 and sample.share_below(0)) else None


def _titles(sample: _Sample) -> int:
    """Return the number of title lines above the header of a list; 0 if no header is found.

    The header is the row with the most filled cells above the first domain. If several rows have equally many filled
    cells, the header is the first of these rows with a well-known column name, or else the first of these rows.
    """
    ahead = list(takewhile(lambda row: not any(map(_is_domain, row)), sample.rows[: TITLES + 1]))
    sizes = [(sum(map(bool, row)), any(cell.casefold() in HEADERS for cell in row)) for row in ahead]
    at = sizes.index(max(sizes, default=(0, False))) if sizes else 0
    return at if sizes and sizes[at][0] > 1 and sample.share_below(at) else 0


def _is_title(sample: _Sample, column: int) -> bool:
    """Return whether the first cell of the domain column, and no other cell of the column, may be a header."""
    cells = [row[column] for row in sample.rows if column < len(row)]
    return len(cells) > 1 and not _MARK.search(cells[0]) and all(map(_MARK.search, cells[1:]))


def _known(names: tuple[str, ...], shares: list[float], *, rows: bool) -> int | None:
    """Return the index of a column named as in ``HEADERS``, or None.

    At least half of the cells of the column must be domains, unless the list has only one column or no ``rows``.
    """
    folded = [name.casefold() for name in names]
    found = [folded.index(name) for name in HEADERS if name in folded]
    return next((column for column in found if shares[column] >= 1 / 2 or not rows or len(names) == 1), None)


def _is_ranked(sample: _Sample) -> bool:
    """Return whether the rows begin with a rank before the domain; in ``1,234,example.com``, the rank is 1234."""
    ranked = [len(row) > 1 and is_rank(row[0]) and any(map(_is_domain, row[1:4])) for row in sample.rows]
    if sum(ranked) > sum(_is_domain(row[0]) for row in sample.rows if row):
        return sample.share(1) >= sum(ranked) / len(ranked) or sample.delimiter == ","
    return ranked[0] and sum(ranked) > 0


def _are_addresses(sample: _Sample) -> bool:
    return 2 * sum(is_address(row[0]) for row in sample.rows if row) > len(sample.rows)


def _described(sample: _Sample) -> str:
    cells = max(sample.rows[:2], key=len)
    shown = ", ".join(f"{number} {cell[:40]!r}" for number, cell in enumerate(cells[:COLUMNS_SHOWN], 1))
    return f"the columns are {shown}{', …' if len(cells) > COLUMNS_SHOWN else ''}"


# --- delimiter --------------------------------------------------------------------------------------------------


def _sample(texts: list[str], given: str | None, *, words: bool) -> _Sample:
    """Split the lines by the delimiter that yields the most rows with domains and equal numbers of cells.

    White space is the delimiter if nearly all lines have the same number of fields. If the user has specified a column
    (``words``), white space is also the delimiter of a hosts file, of a policy map, and of a list that no other
    delimiter divides into columns. If the list has only one column and no line ``sep=``, the delimiter is a comma.
    """
    if words and not given and dominant(texts) in (ListKind.HOSTS, ListKind.POLICY):
        return _Sample(" ", [text.split() for text in texts])
    samples = [_Sample(each, [_cells(text, each) for text in texts]) for each in (given or DELIMITERS)]
    best = max(samples, key=lambda each: (each.tabular >= 1 / 2, each.holding, each.tabular))
    if given or best.tabular >= MOST:
        return best
    spaced = _Sample(" ", [text.split() for text in texts])
    if spaced.tabular >= MOST and max(spaced.holding, _below_header(spaced)) >= MOST:
        return spaced
    if best.tabular >= 1 / 2:
        return best
    return spaced if words and spaced.tabular else samples[0]


def _below_header(sample: _Sample) -> float:
    """Return the share of rows with a domain below a header; 0 without a header in the first row."""
    known = len(sample.rows) > 1 and any(cell.casefold() in HEADERS for cell in sample.rows[0])
    return _Sample(sample.delimiter, sample.rows[1:]).holding if known else 0.0


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return cells_of(text, delimiter)
    except RowError:
        return [text.strip()]


def _is_domain(cell: str) -> bool:
    """Return whether a cell contains a destination with a dot or brackets, a URL, or an e-mail address."""
    bare = cell.strip().rstrip(".").lower()
    if kind_of(cell) in (ListKind.URL, ListKind.EMAIL) or bare.startswith("["):
        return True
    name = bare.removeprefix("*.").partition(":")[0]
    if "." not in name and ":" not in bare:
        return False
    if is_address(bare) or is_address(name):
        return True
    try:
        return not to_ascii(name).rpartition(".")[2].isdigit() and "." in name
    except HostNameError:
        return False
