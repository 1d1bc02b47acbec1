"""``python -m results.schema.docs [DIRECTORY]``: write ``fields.md`` and ``reasons.md`` from the code.

The documents are checked in, so that they can be read without running anything; a test fails when they are not what
this module writes.
"""

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from results.explain.remedies import remedy_of
from results.explain.tlsa_cause import CAUSES
from results.schema.fields import meaning
from results.store.reader import LINE_FILES
from scanner.model import SCHEMA, RunHeader, Status
from scanner.reasons import REASONS

FILES: dict[str, type] = {"run.json": RunHeader, **{f"{name}.jsonl": kind for name, kind in LINE_FILES.items()}}
FILES["FILE of --status-file"] = Status
DIRECTORY = Path("docs")

_GENERATED = "<!-- Written by `python -m results.schema.docs`; edit the code instead. -->"


def documents() -> dict[str, str]:
    """Give the documents by file name."""
    return {"fields.md": "\n".join(_fields()) + "\n", "reasons.md": "\n".join(_reasons()) + "\n"}


def records() -> list[type[Any]]:
    """Give every record that stands in a file of a run, outer ones before inner ones."""
    found: dict[type[Any], None] = {}
    waiting = list(FILES.values())
    while waiting:
        kind = waiting.pop(0)
        if kind not in found:
            found[kind] = None
            waiting += [
                inner for hint in get_type_hints(kind).values() for inner in _named(hint) if is_dataclass(inner)
            ]
    return list(found)


def _named(hint: Any) -> Iterator[type]:
    """Give the classes in an annotation."""
    inner = get_args(hint)
    if not inner and isinstance(hint, type):
        yield hint
    for part in inner:
        yield from _named(part)


def _fields() -> Iterator[str]:
    yield from ("# Files and fields of a run", "", _GENERATED, "")
    yield f"Schema version {SCHEMA}. Members are only ever added; `mxsweep schema` prints the JSON Schema. Every member"
    yield "is always written, null where there is nothing. Times are RFC 3339 in UTC, octets base64 or hex."
    yield from ("", "| file | a line is |", "|---|---|")
    for name, kind in FILES.items():
        yield f"| `{name}` | [{kind.__name__}](#{kind.__name__.lower()}) |"
    for kind in records():
        yield from _record(kind)


def _record(kind: type[Any]) -> Iterator[str]:
    hints = get_type_hints(kind)
    yield from (
        "",
        f"## {kind.__name__}",
        "",
        " ".join((kind.__doc__ or "").split("\n\n")[0].split()).replace("``", "`"),
    )
    yield from ("", "| member | kind | meaning |", "|---|---|---|")
    for field in fields(kind):
        hint = hints[field.name]
        yield f"| `{field.name}` | {_kind(hint)} | {meaning(kind.__name__, field.name)}{_words(hint)} |"


def _kind(hint: Any) -> str:
    """Say in a word or two what JSON has for an annotation."""
    parts = get_args(hint)
    if type(None) in parts:
        return " or ".join(_kind(part) for part in parts if part is not type(None)) + " or null"
    origin = getattr(hint, "__origin__", None)
    if origin is tuple:
        return f"list of {_kind(parts[0])}"
    if origin is dict:
        return f"object of {_kind(parts[1])}"
    if is_dataclass(hint) and isinstance(hint, type):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return _SCALARS.get(getattr(hint, "__name__", ""), "word" if _is_words(hint) else "any")


_SCALARS = {
    "str": "text",
    "int": "number",
    "float": "number",
    "bool": "true or false",
    "datetime": "time",
    "bytes": "base64",
}


def _is_words(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def _words(hint: Any) -> str:
    """List the words of an enum, but for the many reasons."""
    kinds = [kind for kind in _named(hint) if issubclass(kind, StrEnum) and kind.__name__ != "Reason"]
    return "".join(f": {', '.join(f'`{word}`' for word in kind)}" for kind in kinds)


def _reasons() -> Iterator[str]:
    yield from ("# Reason codes", "", _GENERATED, "")
    yield "Every verdict has reason codes. TLSRPT is the result-type of RFC 8460 that a sender would report."
    yield from ("", "| code | means | what to do | TLSRPT |", "|---|---|---|---|")
    for code, (words, tlsrpt) in REASONS.items():
        yield f"| `{code}` | {words} | {remedy_of(code)} | {tlsrpt or ''} |"
    yield from ("", "## Why a TLSA record does not match", "")
    yield "`mxsweep report` and `mxsweep explain` say of each record what it is of."
    yield from ("", "| cause | means |", "|---|---|")
    for cause, text in CAUSES.items():
        yield f"| `{cause}` | {text} |"


def main(directory: Path = DIRECTORY) -> None:
    """Write the documents."""
    directory.mkdir(exist_ok=True)
    for name, text in documents().items():
        (directory / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
