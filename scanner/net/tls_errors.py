"""OpenSSL's errors with their numbers, in the format of OpenSSL's error lines; pyOpenSSL provides only the texts.

The numbers of the library and the reason of an error are found by comparing the texts of the error with OpenSSL's text
for each number. pyOpenSSL provides neither source file and line nor the data of an error, so the returned lines omit
these fields.
"""

import functools
from collections.abc import Sequence

from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi  # type: ignore[attr-defined,unused-ignore]  # the texts of error numbers
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # the texts of error numbers

_LIBRARIES = range(1, 128)
_REASONS = (*range(1, 2048), *range(0x80000, 0x80200), *range(0xC0000, 0xC0200))
"""Possible reason numbers of OpenSSL, specific to a library (TLS alerts begin at 1000) or common to all libraries."""

_LIBRARY_SHIFT = 23
"""Position in bits of the library number in an error code, since OpenSSL 3 (ERR_LIB_OFFSET)."""


def of(error: BaseException) -> tuple[str, ...]:
    """Return the OpenSSL errors of an exception, or of its cause, as ``CODE:LIBRARY::REASON``, oldest first.

    An error code consists of the numbers of the library and of the reason. An unknown library or reason has the
    number 0.
    """
    found = error if isinstance(error, SSL.Error) else error.__cause__
    if not isinstance(found, SSL.Error):
        return ()
    queue = found.args[0] if found.args and isinstance(found.args[0], list) else []
    return tuple(_formatted(entry) for entry in queue)


def _formatted(entry: Sequence[str]) -> str:
    library, _, reason = entry
    number = _library_number(library)
    code = number << _LIBRARY_SHIFT | _reason_numbers(number).get(reason, 0)
    return f"{code:08X}:{library}::{reason}"


@functools.cache
def _library_number(name: str) -> int:
    return next((n for n in _LIBRARIES if _text(_lib.ERR_lib_error_string(n << _LIBRARY_SHIFT)) == name), 0)


@functools.cache
def _reason_numbers(library: int) -> dict[str, int]:
    texts = {n: _text(_lib.ERR_reason_error_string(library << _LIBRARY_SHIFT | n)) for n in reversed(_REASONS)}
    return {text: number for number, text in texts.items() if text}


def _text(words: object) -> str:
    return "" if words == _ffi.NULL else _ffi.string(words).decode("ascii", "replace")
