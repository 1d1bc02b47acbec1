r"""Escapes for text from peers, zones and lists, one function for each output format.

Such text can contain escape sequences, line ends, characters that reverse or hide the following text, and long
sequences of combining marks. ``safe`` replaces these characters with codes such as ``\x1b`` or ``\u202e``. Every format
for human readers uses ``safe``; Markdown, HTML and LaTeX then escape their own markup. CSV, which is for programs,
keeps the characters, but an apostrophe before a formula prevents a spreadsheet from running the formula. Rich's markup
needs no escape here, as foreign text is only passed to ``rich.text.Text``.
"""

import html
import re
import unicodedata
from typing import TypeVar

MAX_QUOTE = 300  # maximum length of foreign text in characters; the run's files contain the whole text

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
    """Escape every invisible character and combining mark, and cut long text.

    Args:
        text: any text.
        limit: maximum number of characters of the original text.

    Returns:
        One line of printable characters and blanks.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    kept = text[: limit + 1].rstrip("\r\n").replace("\n", " ")
    shown = "".join(map(_shown, kept[:limit]))
    return shown + "\N{HORIZONTAL ELLIPSIS}" if len(kept) > limit else shown


def markdown(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape Markdown (GitHub's dialect) and HTML markup in text for a line or a table cell."""
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
