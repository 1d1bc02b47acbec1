r"""What a stranger wrote, made fit for a terminal.

Peers, zones and lists can hold escape sequences, line ends, characters that reverse or hide what follows, and
marks that pile up on their neighbours. All of it is shown as ``\x1b`` or ``\u202e`` instead of being
obeyed. Rich's markup is not handled here: text from a stranger is only ever put into a ``rich.text.Text``.
"""

import unicodedata

MAX_QUOTE = 300  # characters: three lines of a terminal; the whole text is in the run's files


def safe(text: str, limit: int = MAX_QUOTE) -> str:
    """Escape what is no visible character and cut what is long.

    Args:
        text: anything.
        limit: characters kept of the text as it was given.

    Returns:
        One line of printable characters and blanks.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    kept = text[: limit + 1].rstrip("\r\n").replace("\n", " ")
    shown = "".join(map(_shown, kept[:limit]))
    return shown + "\N{HORIZONTAL ELLIPSIS}" if len(kept) > limit else shown


def _shown(character: str) -> str:
    if character.isprintable() and not unicodedata.category(character).startswith("M"):
        return character
    code = ord(character)
    if code < 0x100:  # noqa: PLR2004 - two digits suffice
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - four digits suffice
