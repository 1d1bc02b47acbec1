"""Mutations of JSON documents: a value replaced or removed anywhere, and octets put anywhere."""

import random
from collections.abc import Iterator
from typing import Any

DEEP = b"[" * 100_000 + b"]" * 100_000
VALUES: tuple[Any, ...] = (
    None, True, -1, 1 << 63, 1 << 64, 10**30, 1e308, "", "\u202e\x1b[31m", "x" * 10_000, [], {}, [[]], {"a": 1},
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00", "10 mx.example", "x mx.example",
    "99999999999999999999 mx", "paranoid", "a1" * 32, "192.0.2.1",
)  # fmt: skip


def change_value(document: Any, chance: random.Random) -> None:
    """Replace or remove one value anywhere in a document."""
    holder, key = chance.choice(list(places(document)))
    if chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice(VALUES)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the holder and the key of each value below a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def change_octets(content: bytes, chance: random.Random) -> bytes:
    """Return octets with other octets somewhere, among them JSON that is nested too deeply."""
    octets = bytearray(content)
    at = chance.randrange(len(octets) + 1)
    octets[at : at + chance.choice((0, 1, 50))] = chance.choice(
        (DEEP, chance.randbytes(20), b"\n", b'"', b"\xff\n{}\n")
    )
    return bytes(octets)
