"""Writer of the generated pages of docs/ (fields.md, reasons.md and verdicts.md): ``python -m results.schema.docs``.

``python -m results.schema.docs [DIRECTORY]`` writes the pages to DIRECTORY, by default ``docs``. The generated pages
are part of the repository. A test fails when a page differs from the output of this module.
"""

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from results.explain.remedies import remedy_of
from results.explain.tlsa_cause import CAUSES
from results.schema.fields import RECORDS, meaning
from results.schema.vocabulary import VOCABULARIES
from results.store.reader import LINE_FILES
from scanner.model import SCHEMA, RunHeader, Status
from scanner.reasons import Reason

FILES: dict[str, type] = {
    "run.json": RunHeader,
    **{f"{name}.jsonl": kind for name, kind in LINE_FILES.items()},
    "FILE of --status-file": Status,
}
DIRECTORY = Path("docs")

_GENERATED = "<!-- Written by `python -m results.schema.docs`; edit the code instead. -->"


def documents() -> dict[str, str]:
    """Return the text of each generated page by file name."""
    pages = {"fields.md": _fields(), "reasons.md": _reasons(), "verdicts.md": _verdicts()}
    return {name: "\n".join(lines) + "\n" for name, lines in pages.items()}


def records() -> list[type[Any]]:
    """Return the classes of all records in a run's files; the class of an outer record precedes the inner classes."""
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
    """Return the classes that occur in a type annotation."""
    inner = get_args(hint)
    if not inner and isinstance(hint, type):
        yield hint
    for part in inner:
        yield from _named(part)


def _fields() -> Iterator[str]:
    yield from ("# Files and fields of a run", "", _GENERATED, "")
    yield f"Schema version {SCHEMA}. A later version of mxsweep may add members, but removes and renames none. `mxsweep"
    yield "schema` prints the JSON Schema. Every member is always written; its value is null where there is none. Times"
    yield "are in UTC (RFC 3339), octets are base64 or hex. [verdicts.md](verdicts.md) explains each value."
    yield from ("", "| file | record of a line |", "|---|---|")
    for name, kind in FILES.items():
        yield f"| `{name}` | [{kind.__name__}](#{kind.__name__.lower()}) |"
    for kind in records():
        yield from _record(kind)


def _record(kind: type[Any]) -> Iterator[str]:
    hints = get_type_hints(kind)
    yield from ("", f"## {kind.__name__}", "", RECORDS[kind.__name__])
    yield from ("", "| member | type | meaning |", "|---|---|---|")
    for field in fields(kind):
        hint = hints[field.name]
        yield f"| `{field.name}` | {_kind(hint)} | {meaning(kind.__name__, field.name)}{_words(hint)} |"


def _kind(hint: Any) -> str:
    """Return the name of the JSON type for a type annotation, as in the tables of fields.md."""
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
    return _SCALARS.get(getattr(hint, "__name__", ""), "value" if _is_words(hint) else "any")


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
    """Return the vocabulary values that a type annotation allows; empty for reason codes, which reasons.md lists."""
    kinds = [kind for kind in _named(hint) if issubclass(kind, StrEnum) and kind.__name__ != "Reason"]
    return "".join(f": {', '.join(f'`{word}`' for word in kind)}" for kind in kinds)


def _reasons() -> Iterator[str]:
    yield from ("# Reason codes", "", _GENERATED, "")
    yield "A verdict has a list of reason codes. The column TLSRPT contains the result type with which a sender reports"
    yield "the failure to the domain (RFC 8460 section 4.3)."
    yield from ("", "| reason code | meaning | remedy | TLSRPT |", "|---|---|---|---|")
    for code in Reason:
        yield f"| `{code}` | {code.words} | {remedy_of(code)} | {code.tlsrpt or ''} |"
    yield from ("", "## Causes of TLSA mismatches", "")
    yield "`mxsweep report` and `mxsweep explain` print the cause of a mismatch for each TLSA record."
    yield from ("", "| cause of a TLSA mismatch | meaning |", "|---|---|")
    for cause, text in CAUSES.items():
        yield f"| `{cause}` | {text} |"


_THREE_QUESTIONS = """\
A verdict is determined for the requested security level (`--level`, by default `dane`). `outcome` states whether mail
is delivered; `starttls` and `dane` state how the mail is protected. A domain without TLSA records and without STARTTLS
has the outcome `ok` at level `dane`, because mail is delivered; `sender` of the domain is `cleartext`, and `starttls`
and `dane` of the domain are `none`, because anyone with access to the network path can read the mail.

An inconclusive observation leads to `unknown` or `inconclusive`, never to a negative verdict. The cause of a time-out
or a 4xx reply may be the scanner's address or a temporary condition.

A server may have a certificate for each key algorithm; the TLS offer of the client selects a certificate. `algorithms`
of an address contains the verdict of each certificate; the certificate for the default TLS offer is first. `dane` of an
address is `mismatch` if any certificate of the server does not match the TLSA records: a sender whose TLS offer selects
the certificate that does not match defers its mail, although `sender` states delivery.

Each line of domains.jsonl contains the verdict of the domain in `verdict`, the verdicts of its MX hosts in `hosts[]`
and the verdicts of the hosts' addresses in `hosts[].endpoints[]`. [fields.md](fields.md) describes all members, and
[reasons.md](reasons.md) describes all reason codes.
"""


def _verdicts() -> Iterator[str]:
    yield from ("# Verdicts and other vocabulary values", "", _GENERATED, "", _THREE_QUESTIONS.rstrip("\n"))
    for vocabulary in VOCABULARIES.values():
        if vocabulary.meanings:
            yield from ("", f"## {vocabulary.members}", "", vocabulary.description)
            yield from ("", "| member and value | meaning |", "|---|---|")
            member = vocabulary.members.split()[0]
            yield from (f"| `{member}={word}` | {text} |" for word, text in vocabulary.meanings.items())


def main(directory: Path = DIRECTORY) -> None:
    """Write the generated pages of docs/ to a directory."""
    directory.mkdir(exist_ok=True)
    for name, text in documents().items():
        (directory / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
