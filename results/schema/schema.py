"""JSON Schema (draft 2020-12) of the lines of a run, derived from the records and their descriptions.

The schema allows unknown members in every record, so that a reader can validate lines that a later version of mxsweep
wrote. mxsweep writes all members, but the schema does not require members with a default value.
"""

from typing import Any

import msgspec

from results.schema.fields import RECORDS, meaning
from results.schema.vocabulary import VOCABULARIES, Vocabulary
from results.store.reader import LINE_FILES
from scanner.model import SCHEMA, RunHeader, Status

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: dict[str, type] = {"run": RunHeader, **LINE_FILES, "status": Status}
"""The record class of each file, by file name without suffix; ``status`` is the status file."""

_TITLES = {"run": "run.json", "status": "a line of a status file"}


def schema(name: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema of the lines of a file.

    Args:
        name: a key of ``SCHEMAS``; None for a schema of the lines of all files.

    Returns:
        The schema, ready for ``json.dumps``. In the schema, each record, member and vocabulary has a description.

    Raises:
        KeyError: there is no file with the given name.
    """
    kinds = tuple(SCHEMAS.values()) if name is None else (SCHEMAS[name],)
    roots, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    body = roots[0] if len(roots) == 1 else {"anyOf": list(roots)}
    return _head(name) | body | {"$defs": {kind: _described(kind, made) for kind, made in definitions.items()}}


def _head(name: str | None) -> dict[str, Any]:
    title = "any file of a run" if name is None else _TITLES.get(name) or f"a line of {name}.jsonl"
    return {"$schema": _DRAFT, "$id": f"urn:mxsweep:schema:{SCHEMA}:{name or 'all'}", "title": f"mxsweep: {title}"}


def _described(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """Replace the class docstring in a definition by the description from ``fields`` or ``vocabulary``."""
    if name in _BY_NAME:
        return definition | {"description": _with_words(_BY_NAME[name])}
    properties = {
        member: kind | {"description": meaning(name, member)} for member, kind in definition["properties"].items()
    }
    return definition | {"description": RECORDS[name], "properties": properties}


def _with_words(vocabulary: Vocabulary) -> str:
    meanings = (f"`{word}`: {meaning}." for word, meaning in vocabulary.meanings.items())
    return " ".join((vocabulary.description, *meanings))


_BY_NAME = {kind.__name__: vocabulary for kind, vocabulary in VOCABULARIES.items()}
