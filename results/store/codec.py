"""Records to JSON lines and back.

A line is one record of ``scanner.model`` as compact JSON (RFC 8259) with a line feed: members in the order
of the fields, the key first, null for a member without value. Enums are written as their words, octets in base64,
times as RFC 3339 with ``Z``, as all times in records are UTC. Reading ignores members that it does not
know, but refuses words that an enum does not know.

Which file holds which record is in ``reader``.
"""

import re
from base64 import b64encode
from collections.abc import Hashable
from dataclasses import asdict
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
import orjson

_T = TypeVar("_T")

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_SURROGATES = re.compile("[\ud800-\udfff]")


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for octets that are not the record; RecursionError where members are nested too deeply."""


class CodecError(ValueError):
    """The error of a line that is no record of the expected kind."""


def encode(record: object) -> bytes:
    """Return a record as one line.

    Args:
        record: any dataclass of ``scanner.model``; times must be in UTC.

    Returns:
        The JSON, whose only line feed is the last octet.

    Raises:
        TypeError: a value has no JSON form: an internal error.
    """
    return _dump(record, orjson.OPT_APPEND_NEWLINE)


def plain(record: object) -> Any:
    """Return a record, such as the settings of a run, as the objects that ``json.loads`` returns for its JSON."""
    return orjson.loads(_dump(record, 0))


def pretty(record: object) -> bytes:
    """Return a record as indented JSON, for files that people open."""
    return _dump(record, orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2)


def decode(kind: type[_T], line: bytes) -> _T:
    """Return the record of a line.

    Args:
        kind: the dataclass that the line was written from.
        line: the line, with or without its line feed.

    Returns:
        A record equal to the one that was written.

    Raises:
        CodecError: no JSON, or not of this kind.
    """
    try:
        record: _T = _decoder(cast("Hashable", kind)).decode(line)
    except UNREADABLE as error:
        raise CodecError(str(error)) from error
    return record


def _dump(record: object, options: int) -> bytes:
    try:
        return orjson.dumps(record, _foreign, _OPTIONS | options)
    except orjson.JSONEncodeError as error:
        if "surrogates" not in str(error):
            raise
        return orjson.dumps(_without_surrogates(record), _foreign, _OPTIONS | options)


def _foreign(value: object) -> str:
    """Return the JSON form of a value that orjson does not know."""
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    raise TypeError(f"no JSON form for {value!r}")


def _without_surrogates(value: Any) -> Any:
    """Return a value with its lone surrogates (undecodable octets in text) replaced: UTF-8 has no form for them."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(member) for member in value]
    return _without_surrogates(asdict(value)) if hasattr(value, "__dataclass_fields__") else value


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
