"""``--resume`` and ``--retry-inconclusive``: the flags of a run are those that it was begun with."""

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from pathlib import Path
from typing import Any

from results.store import codec
from results.store.files import StoreError
from results.store.reader import Run
from scanner.cli.errors import CliError
from scanner.cli.input import kept_flags
from scanner.model import RunHeader
from scanner.settings import Settings
from scanner.vocabulary import RunState

_INPUT = ("lists", "domains", "first", "column", "output", "dry_run")
_SHOWN = ("quiet", "log_file", "status_file", "status_every", "metrics_file")
_FREE = (*_SHOWN, "fail_on", "config", "resume", "retry_inconclusive")
_WORDS = {"lists": "LIST", "domains": "--domain"}


def to_keep(flags: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The flags that a run is taken up again with; an EHLO name that we found ourselves is given by then."""
    kept = {name: value for name, value in flags.items() if name not in (*_INPUT, *_FREE)}
    return kept | {"ehlo": settings.ehlo}


def resumed(flags: dict[str, Any], given: AbstractSet[str]) -> dict[str, Any]:
    """The flags to go on with: those of the run, and what may differ each time.

    Args:
        flags: as click gives them.
        given: which of them the user gave.

    Raises:
        CliError: there is no run to go on with, or a flag contradicts it.
    """
    if flags["resume"] and flags["retry_inconclusive"]:
        raise CliError("--resume and --retry-inconclusive: one of them was expected")
    flag = "--resume" if flags["resume"] else "--retry-inconclusive"
    path = Path(flags["resume"] or flags["retry_inconclusive"])
    header = header_of(path)
    if flags["retry_inconclusive"] and header.state is not RunState.COMPLETE:
        raise CliError(f"{path}: the run is {header.state}; mxsweep scan --resume {path} completes it first")
    for name in _INPUT:
        if name in given:
            raise CliError(f"{_flag(name)}: {flag} goes on with the input that the run has")
    kept = kept_flags(path)
    if kept["input"] != codec.plain(header.input):
        raise CliError(f"{path}: run.json and spool/ are not of the same run: they name other lists")
    for name in given - set(_FREE):
        old = kept["flags"].get(name)
        if codec.plain({"": flags[name]}) != codec.plain({"": old}):
            raise CliError(f"{_flag(name)}: this run has {_shown(old)}, and goes on with it")
    return flags | _frozen(kept["flags"]) | {"output": str(path)}


def check_settings(path: Path, settings: Settings) -> None:
    """Make sure that the run goes on with the settings that its header tells.

    Raises:
        CliError: something differs.
    """
    old, new = header_of(path).settings, codec.plain(asdict(settings))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            raise CliError(f"{path}: the run has {name} = {old.get(name)}, and now it would be {new.get(name)}")


def changed_lists(header: RunHeader) -> list[str]:
    """The lists that have another content now; the run goes on with what it had read."""
    changed = []
    for source in header.input:
        path = Path(source.source)
        if source.sha256 and path.is_file():
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != source.sha256:
                    changed.append(source.source)
    return changed


def header_of(path: Path) -> RunHeader:
    """The header of a run.

    Raises:
        CliError: there is none.
    """
    try:
        return Run.open(path).header
    except StoreError as error:
        raise CliError(str(error)) from None


def _flag(name: str) -> str:
    return _WORDS.get(name) or "--" + name.replace("_", "-")


def _shown(value: object) -> str:
    return "it not" if value in (None, [], False) else str(value)


def _frozen(flags: dict[str, Any]) -> dict[str, Any]:
    """Lists of JSON as the tuples that click gives."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in flags.items()}
