"""OpenSSL's errors with their numbers, in the shape of its own lines; the binding keeps the words alone.

The library and reason of an error are found by asking OpenSSL for the words of each number. File, line and data of an
error are lost with the binding and are not given.
"""

import functools
from collections.abc import Sequence

from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi  # type: ignore[attr-defined,unused-ignore]  # the words of error numbers
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # the same

_LIBRARIES = range(1, 128)
_REASONS = range(1, 2048)  # alerts are 1000 and more
_LIBRARY_SHIFT = 23
"""Where the library's number stands in an error's code, since OpenSSL 3."""


def of(error: BaseException) -> tuple[str, ...]:
    """Return the library's errors behind an exception as ``CODE:LIBRARY::REASON``, oldest first.

    The number of a reason, or all of the code, is 0 where it is not known.
    """
    found = error if isinstance(error, SSL.Error) else error.__cause__
    if not isinstance(found, SSL.Error):
        return ()
    queue = found.args[0] if found.args and isinstance(found.args[0], list) else []
    return tuple(_shaped(entry) for entry in queue)


def _shaped(entry: Sequence[str]) -> str:
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
