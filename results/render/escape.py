r"""Escaping of text from servers, zones and lists, with one function for each output format.

Text from servers, zones and lists can contain escape sequences, line ends, characters that reverse or hide the text
after them, and combining marks without limit. The function ``safe`` replaces every invisible character and combining
mark by an escape such as ``\x1b`` or ``\u202e``. Every format for human readers uses the function ``safe``; the
functions for Markdown, HTML and LaTeX also escape the markup of the format. The escapes in JSON output preserve every
character of a text. In CSV output, U+FFFD replaces each character that ``safe`` would escape, and no cell begins a
spreadsheet formula. This module does not escape the markup of the library Rich, because text from servers, zones and
lists is only passed to Rich as ``rich.text.Text``.
"""

import html
import re
import unicodedata
from typing import TypeVar

MAX_QUOTE = 300  # maximum number of characters of text from peers, zones and lists in output; run directories keep all

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_FORMATS = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
"""Characters that affect the neighbouring text, for example by reversing it (categories Cf, Zl and Zp of Unicode)."""

_HIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f{_FORMATS}]")
_HIDDEN_IN_JSON = re.compile(f"[\x7f-\x9f{_FORMATS}]")  # JSON encoders escape all other control characters

CellT = TypeVar("CellT")


def safe(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape every invisible character and combining mark of a text, and cut a long text.

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
    """Return a value as the content of a CSV cell.

    In a text, U+FFFD replaces each control character and each character that affects the neighbouring text. An
    apostrophe precedes a text that a spreadsheet would run as a formula. Values that are not text are returned
    unchanged.
    """
    if not isinstance(cell, str):
        return cell
    shown = cell if cell.isascii() and cell.isprintable() else _HIDDEN.sub("\ufffd", cell)
    return f"'{shown}" if cell.startswith(_FORMULA) else shown


def json_text(document: bytes) -> bytes:
    """Escape the control and invisible characters of a JSON document; the value of the document stays the same."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return _HIDDEN_IN_JSON.sub(_escaped, document.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _shown(character: str) -> str:
    if character.isprintable() and not unicodedata.category(character).startswith("M"):
        return character
    code = ord(character)
    if code < 0x100:  # noqa: PLR2004 - two digits suffice
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - four digits suffice
