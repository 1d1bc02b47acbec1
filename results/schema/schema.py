"""JSON Schema (draft 2020-12) of the lines of a run, made from the records themselves.

A member that a later version adds is allowed everywhere, so that a reader may validate with an older schema.
Members that have a default are always written, but are not required of other writers.
"""

from typing import Any

import msgspec

from results.store.reader import LINE_FILES
from scanner.model import SCHEMA, RunHeader, Status

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: dict[str, type] = {"run": RunHeader, **LINE_FILES, "status": Status}
"""What has a schema: the name of a file in a run directory, without its ending, or the status, and the record."""


def schema(name: str | None = None) -> dict[str, Any]:
    """Describe the lines of a file, or of any file.

    Args:
        name: a key of ``SCHEMAS``, or None for a document that holds for each of them.

    Returns:
        The schema, ready for ``json.dumps``.

    Raises:
        KeyError: there is no such file.
    """
    kinds = tuple(SCHEMAS.values()) if name is None else (SCHEMAS[name],)
    roots, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return _head(name) | _body(roots) | {"$defs": definitions}


def _head(name: str | None) -> dict[str, Any]:
    words = "any file of a run" if name is None else _file_name(name)
    return {
        "$schema": _DRAFT,
        "$id": f"urn:mxsweep:schema:{SCHEMA}:{name or 'all'}",
        "title": f"mxsweep: {words}",
    }


def _file_name(name: str) -> str:
    return _OTHERS.get(name) or f"a line of {name}.jsonl"


_OTHERS = {"run": "run.json", "status": "a line of a status file"}


def _body(roots: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return roots[0] if len(roots) == 1 else {"anyOf": list(roots)}
