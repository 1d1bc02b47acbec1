"""``--config FILE.toml``: every long flag is a key, dashes or underscores, and flags win.

A table of its own may group keys under the command's name (``[scan]``); an unknown key or a value of the wrong
kind is an error that names the file and the key.
"""

import tomllib
from pathlib import Path
from typing import Any

import rich_click as click


def load(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Click callback of ``--config``: makes the file's values the command's defaults."""
    if value is None or ctx.resilient_parsing:
        return value
    options = [p for p in ctx.command.params if isinstance(p, click.Option) and p is not param]
    known = {option.name: option for option in options if option.name is not None}
    table = _table(Path(value), ctx.command.name or "")
    ctx.default_map = {**(ctx.default_map or {}), **_checked(ctx, value, known, table)}
    return value


def _table(path: Path, command: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: not TOML: {error}") from None
    own = document.pop(command, {})
    if not isinstance(own, dict):
        raise click.UsageError(f"{path}: {command} must be a table")
    return {**document, **own}


def _checked(ctx: click.Context, file: str, known: dict[str, click.Option], table: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        option = known.get(key.replace("-", "_"))
        if option is None:
            raise click.UsageError(f"{file}: unknown key {key!r}")
        values[key.replace("-", "_")] = _value(ctx, file, key, option, value)
    return values


def _value(ctx: click.Context, file: str, key: str, option: click.Option, value: Any) -> Any:
    if option.is_flag and not isinstance(value, bool):
        raise click.UsageError(f"{file}: {key} must be true or false, not {value!r}")
    if isinstance(value, (dict, bool)) and not option.is_flag:
        raise click.UsageError(f"{file}: {key} takes {_kind(option)}, not {value!r}")
    if isinstance(value, list) and not option.multiple:
        raise click.UsageError(f"{file}: {key} takes one value, not a list")
    wanted = [value] if option.multiple and not isinstance(value, list) else value
    try:
        option.type_cast_value(ctx, wanted)
    except click.BadParameter as error:
        raise click.UsageError(f"{file}: {key}: {error.message}") from None
    return wanted


def _kind(option: click.Option) -> str:
    return option.type.name.replace("_", " ")
