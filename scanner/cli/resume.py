"""``--resume`` and ``--retry-inconclusive``: the continuation of a run with its original options."""

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from pathlib import Path
from typing import Any

from results.store import codec
from results.store.files import StoreError, others_can_write
from results.store.reader import HEADER_FILE, Run
from scanner.cli.config import check_kept
from scanner.cli.errors import CliError, as_cli_error
from scanner.cli.request import frozen
from scanner.cli.work import flag_files, kept_flags
from scanner.model import InputSource, RunHeader
from scanner.settings import Settings
from scanner.vocabulary import RunState

_INPUT = (
    "lists", "domains", "first", "column", "list_format", "accept", "max_rejects", "head", "sample", "seed", "label",
    "output", "dry_run",
)  # fmt: skip
_SHOWN = ("quiet", "log_file", "status_file", "status_every", "metrics_file")
_ENDS = ("fail_on", "max_time", "give_up_after", "latest", "exclusive")
_FREE = (*_SHOWN, *_ENDS, "dask", "dask_security", "config", "resume", "retry_inconclusive")
_FILES = ("ca_file", "ca_path", "exclude", "trust_anchor", "root_hints")
"""Options that name files to read."""

_WORDS = {"lists": "LIST", "domains": "--domain", "list_format": "--format"}


def to_keep(flags: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the options to store for the continuation of a run, including the defaults used for --ehlo and --sts."""
    kept = {name: value for name, value in flags.items() if name not in (*_INPUT, *_FREE)}
    return kept | {"ehlo": settings.ehlo, "sts": settings.sts}


def resumed(flags: dict[str, Any], given: AbstractSet[str]) -> dict[str, Any]:
    """Return the options for the continuation of a run: stored options, and new values of options that may change.

    Args:
        flags: all options of the command by name.
        given: names of the options that the user gave.

    Raises:
        CliError: the directory contains no run to continue, or an option contradicts the options of the run.
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
            raise CliError(f"{_flag(name)}: {flag} continues with the input of the run")
    kept = kept_flags(path)
    if kept["input"] != codec.plain(header.input):
        raise CliError(f"{path}: run.json and spool/ belong to different runs: they name different lists")
    _check_files(path, kept["flags"], given)
    for name in given - set(_FREE):
        old = kept["flags"].get(name)
        if codec.plain({"": flags[name]}) != codec.plain({"": old}):
            raise CliError(f"{_flag(name)}: this run continues {_shown(old)}")
    check_kept(str(flag_files(path)[-1]), kept["flags"], flags)
    return flags | frozen(kept["flags"]) | {"output": str(path)}


def _check_files(path: Path, kept: dict[str, Any], given: AbstractSet[str]) -> None:
    """Check that no other user can have changed the stored options that name files.

    Another user who can write to the run could otherwise make this user's scan read any file as an exclusion list, a
    trust anchor or trusted certificates.

    Raises:
        CliError: an option that names a file was not given again, and another user owns the run or can write to it.
    """
    unconfirmed = [name for name in _FILES if kept.get(name) and name not in given]
    places = (path, path / HEADER_FILE, *flag_files(path))
    try:
        foreign = next((place for place in places if others_can_write(place)), None) if unconfirmed else None
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    if foreign is not None:
        flags = " ".join(f"{_flag(name)} {_text(kept[name])}" for name in unconfirmed)
        raise CliError(f"{foreign}: other users can write to it; to confirm the files that it names, add {flags}")


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def check_settings(path: Path, settings: Settings) -> None:
    """Check that the settings of a continued scan are equal to the settings in the header of the run.

    A setting that the header lacks, because an older version of mxsweep wrote the header, is not compared.

    Raises:
        CliError: a setting differs from the header of the run.
    """
    old, new = header_of(path).settings, codec.plain(asdict(settings))
    for name in sorted(old):
        if _differ(old[name], new.get(name)):
            raise CliError(f"{path}: the run has {name} = {old.get(name)}, but the options make it {new.get(name)}")


def _differ(old: object, new: object) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return any(_differ(value, new.get(name)) for name, value in old.items())
    return old != new


def changed_lists(header: RunHeader) -> list[str]:
    """Return the input lists whose content has changed since the run read the lists."""
    read = [source for source in header.input if source.sha256]
    return [then.source for then in read if input_source(then.source).sha256 not in (None, then.sha256)]


def input_source(name: str) -> InputSource:
    """Return the description of an input list for run.json, with a digest of the file.

    The description of standard input or of a pipe has no digest, because such a list cannot be read twice.
    """
    path = Path(name)
    if not path.is_file():
        return InputSource(name)
    with path.open("rb") as file:
        return InputSource(name, hashlib.file_digest(file, "sha256").hexdigest())


def header_of(path: Path) -> RunHeader:
    """Return the header of a run.

    Raises:
        CliError: the directory contains no run, or the header of the run cannot be read.
    """
    with as_cli_error(StoreError):
        return Run.open(path).header


def _flag(name: str) -> str:
    return _WORDS.get(name) or "--" + name.replace("_", "-")


def _shown(value: object) -> str:
    return "without it" if value in (None, [], False) else f"with {value}"
