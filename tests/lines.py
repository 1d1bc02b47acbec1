"""The lines of a run as JSON objects."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from results.store.last_lines import last_lines
from results.store.reader import lines_path


def dicts(run: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines that count of a line file (a key of ``LINE_FILES``), whatever members they have."""
    return map(json.loads, last_lines(lines_path(run, name)))
