"""``--config FILE.toml``: option values from a TOML file; options of the command line override them.

The name of every long option is a key of the file, with dashes or underscores. Keys may be in a TOML table with the
name of a command (``[scan]``, ``[doctor]``): a command ignores the tables of other commands. An unknown key or a value
of the wrong type is an error, and its message names the file and the key.
"""

import tomllib
from pathlib import Path
from typing import Any

import rich_click as click
from click.globals import get_current_context


def load(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Use the values of the configuration file as defaults of the command's options (click's callback of ``--config``).

    Raises:
        click.UsageError: the file cannot be read, or contains an unknown key or a value that the option does not
            accept.
    """
    if value is None or ctx.resilient_parsing:
        return value
    options = [p for p in ctx.command.params if isinstance(p, click.Option) and p is not param]
    known = {option_key(option): option for option in options}
    table = _table(Path(value), ctx.command.name or "", _commands(ctx))
    ctx.default_map = {**(ctx.default_map or {}), **_checked(ctx, value, known, table)}
    return value


def check_kept(file: str, flags: dict[str, Any], present: dict[str, Any]) -> None:
    """Check that the options of the present command accept the option values which a run contains.

    Args:
        file: the path of the file with the option values, for error messages.
        flags: the option values that the run contains, by name.
        present: the option values of the present command; a value None in ``flags`` is accepted only if the value in
            ``present`` is also None.

    Raises:
        click.UsageError: a name in ``flags`` is not an option of the command, or the option does not accept the value.
    """
    ctx = get_current_context()
    known = {param.name: param for param in ctx.command.params if isinstance(param, click.Option)}
    for name, value in flags.items():
        option = known.get(name)
        if option is None:
            raise click.UsageError(f"{file}: unknown option {name!r}")
        if value is not None or present.get(name) is not None:
            _value(ctx, f"{file}: {name}", option, value)


def option_key(option: click.Option) -> str:
    """Return the key of an option in a configuration file: the long name of the option, with underscores."""
    return max(option.opts, key=len).lstrip("-").replace("-", "_")


def _commands(ctx: click.Context) -> set[str]:
    group = ctx.parent.command if ctx.parent else None
    return set(group.commands) if isinstance(group, click.Group) else set()


def _table(path: Path, command: str, commands: set[str]) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"{path}: cannot read the configuration: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: not TOML: {error}") from None
    own = document.pop(command, {})
    if not isinstance(own, dict):
        raise click.UsageError(f"{path}: {command} must be a table")
    shared = {key: value for key, value in document.items() if not (key in commands and isinstance(value, dict))}
    return {**shared, **own}


def _checked(ctx: click.Context, file: str, known: dict[str, click.Option], table: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        option = known.get(key.replace("-", "_"))
        if option is None:
            raise click.UsageError(f"{file}: unknown key {key!r}")
        values[option.name or key] = _value(ctx, f"{file}: {key}", option, value)
    return values


def _value(ctx: click.Context, where: str, option: click.Option, value: Any) -> Any:
    """Return a value of a configuration file in the form that the option accepts.

    A single value is accepted in place of a list.
    """
    if isinstance(value, list) and not option.multiple:
        raise click.UsageError(f"{where} takes one value, not a list")
    for each in value if isinstance(value, list) else [value]:
        _check_kind(where, option, each)
    wanted = [value] if option.multiple and not isinstance(value, list) else value
    try:
        option.type_cast_value(ctx, wanted)
    except click.BadParameter as error:
        raise click.UsageError(f"{where}: {error.message}") from None
    return wanted


def _check_kind(where: str, option: click.Option, value: Any) -> None:
    """Raise a usage error for a value of the wrong TOML type, such as a number in quotes."""
    words, kinds = _kind(option)
    if not isinstance(value, kinds) or (isinstance(value, bool) and not option.is_flag):
        raise click.UsageError(f"{where} must be {words}, not {value!r}")


def _kind(option: click.Option) -> tuple[str, tuple[type, ...]]:
    if option.is_flag:
        return "true or false", (bool,)
    if isinstance(option.type, click.IntRange):
        return "a whole number", (int,)
    if isinstance(option.type, click.FloatRange):
        return "a number", (int, float)
    return "a string", (str,)
