"""Every command: its help, its examples, and the code that it names by text."""

import gc
import inspect
import re
import shlex
import sys
from pathlib import Path

import pytest
import rich_click as click

from results.count.summary import SOON
from scanner import cli
from scanner.cli import code_of, commands
from scanner.cli.options import DAYS
from scanner.finger.usage import HELP

ROOT = Path(__file__).parents[3]
COMMANDS = sorted(commands.group.commands)
OPTIONS = [
    (name, option)
    for name in COMMANDS
    for option in commands.group.commands[name].params
    if isinstance(option, click.Option)
]
NEIGHBOUR = re.compile(
    r"\b(the same|ditto|as above|as before|likewise|each of these)\b|^(And|Also|Too)\b", re.IGNORECASE
)
"""Words of a text that needs the text before it."""


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[f"{name} {option.opts[0]}" for name, option in OPTIONS])
def test_the_help_of_an_option_stands_by_itself(name: str, option: click.Option) -> None:
    text = option.help or ""
    assert re.fullmatch(r"[A-Z][^\n]*\.", text), "a capital, a sentence, a full stop"
    assert not NEIGHBOUR.search(text)
    assert option.metavar or option.is_flag or isinstance(option.type, click.Choice), "its value has a name"
    assert option.multiple == text.endswith(" Repeatable.")


@pytest.mark.parametrize("text", ["The same to a /24 or /48.", "And to a provider's.", "Keep the same as OpenMetrics."])
def test_texts_that_need_a_neighbour_are_found(text: str) -> None:
    assert NEIGHBOUR.search(text)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_a_sentence(name: str) -> None:
    assert re.match(r"[A-Z][^\n]*\.", commands.group.commands[name].help or "")


def lines_of(epilog: str) -> list[str]:
    """The examples at the end of a help text."""
    head, *lines = [line.strip() for line in epilog.strip().splitlines() if line.strip()]
    assert head == "Examples:"
    return lines


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "finger"])
def test_help_ends_with_two_examples_that_parse(name: str) -> None:
    first, second = lines_of(commands.group.commands[name].epilog or "")
    for line in (first, second):
        program, command, *arguments = shlex.split(line)
        assert program == "mxsweep"
        if command != "finger":
            assert commands.group.commands[command].make_context(command, arguments).params
    assert second.startswith(f"mxsweep {name} ")


def test_help_of_the_program_and_of_finger_end_with_two_examples() -> None:
    assert len(lines_of(commands.group.epilog or "")) == 2
    first, second = lines_of(HELP[HELP.index("Examples:") :])
    assert first.startswith("mxsweep finger ")
    assert second.startswith("mxsweep finger ")


def test_days_have_one_default() -> None:
    defaults = {name: option.default for name, option in OPTIONS if option.name == "days"}
    assert defaults == {"report": DAYS, "diff": DAYS}
    assert DAYS == SOON


TARGETS = re.findall(
    r'code_of\("([^"]+)"\)', "".join(p.read_text() for p in sorted((ROOT / "scanner/cli").glob("*.py")))
)


@pytest.mark.parametrize("target", sorted(set(TARGETS)))
def test_code_that_is_named_by_text_exists(target: str) -> None:
    assert callable(code_of(target))


@pytest.mark.parametrize("name", ["export", "query"])
def test_code_takes_the_options_that_the_command_has(name: str) -> None:
    """These commands pass on what click gives them by name."""
    function = code_of(f"scanner.cli.export:{name}")
    assert set(inspect.signature(function).parameters) == {param.name for param in commands.group.commands[name].params}


@pytest.mark.parametrize("is_on", [True, False])
def test_the_garbage_collector_is_off_during_an_import_only(*, is_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[bool]()

    def load(name: str) -> object:
        seen.append(gc.isenabled())
        return sys.modules[name]

    monkeypatch.setattr(cli, "import_module", load)
    (gc.enable if is_on else gc.disable)()
    try:
        assert code_of("gc:collect") is gc.collect
        assert seen == [False]
        assert gc.isenabled() is is_on
    finally:
        gc.enable()
