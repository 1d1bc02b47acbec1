"""Encoder of records as JSON lines, and decoder of JSON lines to records.

A line is one record of ``scanner.model`` as compact JSON (RFC 8259) with a line feed: members in the order of the
fields, the key first, null for a member without a value. An enum is written as its value, octets in base64, and a time,
always UTC, in the format of RFC 3339 with ``Z``. The decoder ignores unknown members and rejects unknown enum values.

``reader.LINE_FILES`` lists the record class of each file.
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
"""The exceptions that msgspec raises for octets that are not the expected record.

msgspec raises RecursionError for members that are nested too deeply.
"""


class CodecError(ValueError):
    """An error because a line is not a record of the expected class, or a record cannot be encoded as a line."""


def encode(record: object) -> bytes:
    """Return a record as one line.

    Args:
        record: any dataclass of ``scanner.model``; times must be in UTC.

    Returns:
        The JSON text of the record, whose only line feed is the last octet.

    Raises:
        CodecError: a value has no JSON form, such as an integer of more than 64 bits; the message names the record.
    """
    try:
        return _dump(record, orjson.OPT_APPEND_NEWLINE)
    except Exception as error:  # noqa: BLE001 - whatever a value of a peer causes is an error of its record only
        key = getattr(record, "key", "") or getattr(record, "sha256", "")
        raise CodecError(f"{type(record).__name__} {key}: {error}") from None


def plain(record: object) -> Any:
    """Return a record as the objects of Python that ``json.loads`` returns for the JSON of the record."""
    return orjson.loads(_dump(record, 0))


def pretty(record: object) -> bytes:
    """Return a record as indented JSON, for files that are read by humans."""
    return _dump(record, orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2)


def decode(kind: type[_T], line: bytes) -> _T:
    """Return the record of a line.

    Args:
        kind: the dataclass of the record.
        line: the line, with or without the line feed at the end.

    Returns:
        A record equal to the encoded record.

    Raises:
        CodecError: the line is not JSON, or not a record of the class ``kind``.
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
    """Convert a value of a type that orjson does not support to a value that orjson can encode."""
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    raise TypeError(f"no JSON form for {value!r}")


def _without_surrogates(value: Any) -> Any:
    """Replace the lone surrogates (undecodable octets) in a text, because UTF-8 cannot encode lone surrogates."""
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
