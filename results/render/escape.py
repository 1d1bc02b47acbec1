r"""Escapes for text from peers, zones and lists, one function for each output format.

Such text can hold escape sequences, line ends, characters that reverse or hide what follows, and combining marks that
pile up on their neighbours. ``safe`` shows all of these as ``\x1b`` or ``\u202e``, and every format that people read
passes through it; Markdown, HTML and LaTeX then escape their own markup. CSV keeps the characters, as programs read
it, but no cell begins a spreadsheet formula. Rich's markup is not handled here: foreign text only ever goes into a
``rich.text.Text``.
"""

import html
import re
import unicodedata
from typing import TypeVar

MAX_QUOTE = 300  # characters: three lines of a terminal; the whole text is in the run's files

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

CellT = TypeVar("CellT")


def safe(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape every character that is not visible, and cut long text.

    Args:
        text: any text.
        limit: characters kept of the original text.

    Returns:
        One line of printable characters and blanks.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    kept = text[: limit + 1].rstrip("\r\n").replace("\n", " ")
    shown = "".join(map(_shown, kept[:limit]))
    return shown + "\N{HORIZONTAL ELLIPSIS}" if len(kept) > limit else shown


def markdown(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape text for a line or table cell of Markdown (GitHub's dialect), the HTML in it included."""
    return _MARKDOWN.sub(r"\\\1", safe(text, limit))


def html_text(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape text for the content or a quoted attribute of an HTML element."""
    return html.escape(safe(text, limit))


def latex(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape text for LaTeX."""
    return "".join(_LATEX.get(character, character) for character in safe(text, limit))


def csv_cell(cell: CellT) -> CellT | str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; return other values unchanged."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _shown(character: str) -> str:
    if character.isprintable() and not unicodedata.category(character).startswith("M"):
        return character
    code = ord(character)
    if code < 0x100:  # noqa: PLR2004 - two digits suffice
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - four digits suffice
