"""Recognition of a list's layout by its first lines: delimiter, header, and the column that holds the domain."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from targets.hostnames import HostNameError, is_address, to_ascii
from targets.kinds import ListKind, kind_of
from targets.lines import SHOWN_LIMIT, Line
from targets.tables import DELIMITERS, Layout, RowError, cells_of, is_rank, separator, uncommented

HEADERS = (
    "domain", "domains", "domain name", "domain_name", "domainname", "mail domain", "mail_domain", "maildomain",
    "email domain", "email_domain", "rootdomain", "fqdn", "host", "hostname", "host name", "host_name", "nexthop",
    "destination", "target", "origin", "site", "website", "url", "email", "e-mail", "mail", "name",
)  # fmt: skip
"""Well-known names of the column that holds the domain, the surest first."""

MOST = 0.9
"""Share of the rows in which a column other than the first has to hold a domain."""

COLUMNS_SHOWN = 12
"""Columns that a message names."""


class LayoutError(ValueError):
    """An error of a list whose layout is not recognised; ``line`` is the number of the line, 0 for the whole list."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class _Sample:
    """The first records of a list by a delimiter. ``share`` gives for each column how many rows hold a domain there."""

    delimiter: str
    rows: list[list[str]]

    def share(self, column: int, *, first: int = 0) -> float:
        """Return the share of the rows, from ``first`` on, that hold a domain in a column."""
        rows = self.rows[first:]
        return sum(column < len(row) and _is_domain(row[column]) for row in rows) / len(rows) if rows else 0.0

    @property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)

    @property
    def tabular(self) -> float:
        """The share of the rows that have the same number of cells, more than one."""
        counts = Counter(len(row) for row in self.rows if len(row) > 1)
        return max(counts.values(), default=0) / len(self.rows)

    @property
    def holding(self) -> float:
        """The share of the rows that hold a domain in any column."""
        return sum(any(map(_is_domain, row)) for row in self.rows) / len(self.rows)


def detect(lines: Sequence[Line], column: str | None = None) -> Layout:
    """Recognise a layout.

    Args:
        lines: the first lines of a list that are neither blank nor comments.
        column: name or number (from 1) of the column that holds the domain.

    Raises:
        LayoutError: the list has no such column, or no rule says which column it is.
    """
    good = [line for line in lines if not line.flaw]
    given = separator(good[0].text) if good else None
    begins = good.pop(0).number if given else 0
    if column is not None and not column.isdecimal():
        return _by_name(lines[1:] if given else lines, column, given)
    others = [line for line in good if not line.text.startswith(";")]
    if not any(";" in line.text for line in others):
        good = others  # the rest are comments
    if not good:
        return Layout()
    sample = _sample([uncommented(line.text) for line in good], given, words=column is not None)
    header = _header(sample, good[0])
    begins = header[1] if header else begins
    names = header[0] if header else ()
    if column is not None:
        named = column in sample.rows[0] and not header
        return _by_name(good, column, given) if named else _by_number(sample, int(column), names, begins)
    return _by_content(sample, names, begins)


# --- with --column ----------------------------------------------------------------------------------------------


def _by_name(lines: Sequence[Line], column: str, given: str | None) -> Layout:
    line = next(iter(lines), Line(1, "", "the file is empty"))
    if not line.flaw and line.text.lstrip().startswith("{"):
        return Layout("{", header=(column,))
    if line.flaw:
        raise LayoutError(f"a header with column {column!r} expected: {line.flaw}", line.number)
    for delimiter in given or DELIMITERS:
        names = _cells(line.text, delimiter)
        index = _index(names, column)
        if index is not None:
            return Layout(delimiter, index, tuple(names), line.number)
    raise LayoutError(f"no column {column!r} in the header {line.text.strip()[:SHOWN_LIMIT]!r}", line.number)


def _index(names: list[str], column: str) -> int | None:
    """Return where a column stands: spelled so, otherwise in any case; the first of several."""
    if column in names:
        return names.index(column)
    folded = [name.casefold() for name in names]
    return folded.index(column.casefold()) if column.casefold() in folded else None


def _by_number(sample: _Sample, number: int, names: tuple[str, ...], begins: int) -> Layout:
    if not 1 <= number <= sample.width:
        raise LayoutError(f"no column {number}: {_described(sample)}")
    return Layout(sample.delimiter, number - 1, names, begins)


# --- without ----------------------------------------------------------------------------------------------------


def _by_content(sample: _Sample, names: tuple[str, ...], begins: int) -> Layout:
    first = 1 if names else 0
    shares = [sample.share(column, first=first) for column in range(sample.width)]
    known = _known(names, shares, rows=len(sample.rows) > 1)
    if known is not None:
        return Layout(sample.delimiter, known, names, begins)
    if not names and _is_ranked(sample):
        return Layout(sample.delimiter, ranked=True, begins=begins)
    if sample.width <= 1:
        return Layout(sample.delimiter, begins=begins, header=names)
    best = [column for column, share in enumerate(shares) if share >= MOST]
    if shares[0] and not (_are_addresses(sample) and best):
        return Layout(sample.delimiter, 0, names, begins)
    if len(best) == 1:
        return Layout(sample.delimiter, best[0], names, begins)
    raise LayoutError(f"no column is known to hold the domains; {_described(sample)}; name it with --column")


def _header(sample: _Sample, line: Line) -> tuple[tuple[str, ...], int] | None:
    """Return the names of the columns and the header's line, where the first line is a header.

    A header holds no domain. It has a well-known name, or several names while the lines below hold domains.
    """
    first = sample.rows[0]
    if any(_is_domain(cell) or is_rank(cell) for cell in first):
        return None
    known = any(cell.casefold() in HEADERS for cell in first)
    below = any(sample.share(column, first=1) for column in range(sample.width))
    return (tuple(first), line.number) if known or (len(first) > 1 and below) else None


def _known(names: tuple[str, ...], shares: list[float], *, rows: bool) -> int | None:
    """Return the column with a well-known name; where there are rows, one that holds domains."""
    folded = [name.casefold() for name in names]
    found = [folded.index(name) for name in HEADERS if name in folded]
    return next((column for column in found if shares[column] >= 1 / 2 or not rows or len(names) == 1), None)


def _is_ranked(sample: _Sample) -> bool:
    """Return whether ranks stand before the domains in most rows; ``1,234,example.com`` has a rank in two cells."""
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
    """Split the lines by the delimiter by which most of them hold domains and have the same number of cells.

    White space is one where nearly all lines have the same number of words, or where the user has named a column
    (``words``) and no other delimiter fits. A comma is the choice for one column.
    """
    samples = [_Sample(each, [_cells(text, each) for text in texts]) for each in (given or DELIMITERS)]
    best = max(samples, key=lambda each: (each.tabular >= 1 / 2, each.holding, each.tabular))
    if given or best.tabular >= MOST:
        return best
    spaced = _Sample(" ", [text.split() for text in texts])
    if spaced.tabular >= MOST and spaced.holding >= MOST:
        return spaced
    if best.tabular >= 1 / 2:
        return best
    return spaced if words and spaced.tabular else samples[0]


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return cells_of(text, delimiter)
    except RowError:
        return [text.strip()]


def _is_domain(cell: str) -> bool:
    """Return whether a cell holds a destination with a dot or brackets, a URL or an e-mail address."""
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
