"""Extraction of the key and of strings from a JSON line without parsing, for a resumed scan of millions of lines."""

import re
from functools import cache

import orjson

from results.store.codec import CodecError

_KEY = re.compile(rb'\s*\{\s*"\w+"\s*:\s*"((?:[^"\\]|\\.)*)"')
_USUAL_KEY = re.compile(rb'\{"(?:key|sha256)":"([ !#-\[\]-~]*)"')  # a key without escapes


def key_of(line: bytes) -> str:
    """Return the key of a line, which is the first member, without parsing the other members.

    Raises:
        CodecError: the line does not begin with a member that is a string.
    """
    usual = _USUAL_KEY.match(line)
    if usual is not None:
        return usual[1].decode()
    found = _KEY.match(line)
    if found is None:
        raise CodecError("the line does not begin with a key")
    return _text(found[1])


def strings_of(line: bytes, name: str) -> list[str]:
    """Return the string values of all members ``name`` in a line that mxsweep wrote, without parsing the line.

    Raises:
        CodecError: a value is not a valid JSON string.
    """
    return [_text(octets) for octets in _member(name).findall(line)]


@cache
def _member(name: str) -> re.Pattern[bytes]:
    return re.compile(rb'"%b":"((?:[^"\\]|\\.)*)"' % re.escape(name).encode())


def _text(octets: bytes) -> str:
    """Return the text of the octets between the quotes of a JSON string."""
    try:
        return str(orjson.loads(b'"%b"' % octets)) if b"\\" in octets else octets.decode()
    except ValueError as error:
        raise CodecError(f"no JSON string: {error}") from error
