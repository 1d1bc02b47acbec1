"""Manual pages of mxsweep, made from the help of its commands: ``python packaging/man.py DIRECTORY``.

The script writes mxsweep.1 and a page ``mxsweep-COMMAND.1`` for each command, in roff with the macros of groff_man(7).
"""

import sys
from pathlib import Path

import click

from scanner import __version__
from scanner.cli.commands import group
from scanner.finger.usage import HELP

EXITS = (
    ("0", "Done, with any verdicts."),
    ("1", "Done, with internal errors of mxsweep."),
    ("2", "Bad usage or input; one line on stderr names the cause."),
    ("3", "This machine or its environment is unsuitable."),
    ("4", "A condition of --fail-on was met."),
    ("5", "mxsweep replay printed other lines than the saved session."),
    ("130", "Interrupted; mxsweep scan --resume continues a scan."),
)


def pages() -> dict[str, str]:
    """Return the text of each manual page by file name."""
    found = {"mxsweep.1": _page("mxsweep", _group())}
    for name, command in sorted(group.commands.items()):
        lines = _finger() if name == "finger" else _command(name, command)
        found[f"mxsweep-{name}.1"] = _page(f"mxsweep-{name}", lines)
    return found


def _page(name: str, lines: list[str]) -> str:
    others = ["mxsweep", *(f"mxsweep-{other}" for other in sorted(group.commands))]
    named = ",\n".join(f".BR {_escaped(other)} (1)" for other in others if other != name)
    head = f'.TH {_quoted(name.upper())} 1 "" {_quoted(f"mxsweep {__version__}")} {_quoted("mxsweep manual")}'
    return "\n".join([head, *lines, ".SH SEE ALSO", named.replace(",\n", " ,\n")]) + "\n"


def _group() -> list[str]:
    commands = [
        line
        for name, command in sorted(group.commands.items())
        for line in _item(f"mxsweep-{name}(1)", command.get_short_help_str(500))
    ]
    return [
        *_section("NAME", f"mxsweep - {_first_sentence(group.help or '')}"),
        *_section("SYNOPSIS", "mxsweep [OPTIONS] COMMAND [ARGUMENTS]..."),
        *_section("DESCRIPTION", group.help or ""),
        ".SH COMMANDS",
        *commands,
        *_options(group),
        *_exits(),
        *_examples(group.epilog or ""),
    ]


def _command(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=f"mxsweep {name}")
    usage = " ".join([f"mxsweep {name}", *command.collect_usage_pieces(context)])
    return [
        *_section("NAME", f"mxsweep-{name} - {_first_sentence(command.help or '')}"),
        *_section("SYNOPSIS", usage),
        *_section("DESCRIPTION", command.help or ""),
        *_options(command),
        *_exits(),
        *_examples(command.epilog or ""),
    ]


def _finger() -> list[str]:
    """Return the manual page of ``mxsweep finger``, whose help text already has a layout in columns."""
    summary = group.commands["finger"].get_short_help_str(500)
    return [
        *_section("NAME", f"mxsweep-finger - {_first_sentence(summary)}"),
        ".SH SYNOPSIS",
        *_verbatim(HELP.partition("\n\n")[0].replace("Usage: ", "")),
        ".SH DESCRIPTION",
        *_verbatim(HELP.partition("\n\n")[2]),
    ]


def _options(command: click.Command) -> list[str]:
    context = click.Context(command)
    records = [param.get_help_record(context) for param in command.get_params(context)]
    return [".SH OPTIONS", *(line for record in records if record and record[1] for line in _item(*record))]


def _exits() -> list[str]:
    return [".SH EXIT STATUS", *(line for code, text in EXITS for line in _item(code, text))]


def _examples(epilog: str) -> list[str]:
    commands = [line for line in epilog.splitlines() if line and line != "Examples:"]
    return [".SH EXAMPLES", *_verbatim("\n".join(commands))] if commands else []


def _section(title: str, text: str) -> list[str]:
    paragraphs = [" ".join(part.split()) for part in text.replace("\b", "").split("\n\n")]
    return [f".SH {title}", *"\n.PP\n".join(map(_escaped, paragraphs)).splitlines()]


def _item(term: str, text: str) -> list[str]:
    return [".TP", f".B {_escaped(term)}", _escaped(" ".join(text.split()))]


def _verbatim(text: str) -> list[str]:
    return [".nf", *map(_escaped, text.splitlines()), ".fi"]


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


def _escaped(text: str) -> str:
    """Return text with escapes for the characters that roff interprets, including a dot at the beginning of a line."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{safe}" if safe.startswith(".") else safe


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def main(arguments: list[str]) -> int:
    """Write the manual pages into a directory and return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python packaging/man.py DIRECTORY\n")
        return 2
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
