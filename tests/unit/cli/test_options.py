"""Kinds of option values, and blocks of options."""

import pytest
import rich_click as click
from click.testing import CliRunner

from scanner.cli.commands import group
from scanner.cli.options import PAUSE, TIMEOUT, Seconds, block, option


@pytest.mark.parametrize(("kind", "text", "value"), [(TIMEOUT, "0.5", 0.5), (TIMEOUT, "30", 30.0), (PAUSE, "0", 0.0)])
def test_seconds(kind: Seconds, text: str, value: float) -> None:
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text"), [(TIMEOUT, "0"), (PAUSE, "-1"), (PAUSE, "nan"), (TIMEOUT, "inf"), (PAUSE, "s")]
)
def test_no_seconds(kind: Seconds, text: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)


def test_a_block_is_a_panel_of_the_help_in_its_order() -> None:
    @click.command()
    @block("First panel", option("--b", help="B."), option("--a", help="A."))
    @block("Second panel", option("--c", help="C."))
    def command(**_: str) -> None:
        """Do nothing."""

    shown = CliRunner().invoke(command, ["--help"]).output
    places = [shown.index(text) for text in ("First panel", "--b", "--a", "Second panel", "--c")]
    assert places == sorted(places)


def test_files_lists_and_runs_are_completed_by_the_shell() -> None:
    def kind(command: str, name: str) -> str:
        (param,) = (each for each in group.commands[command].params if name in {each.name, *each.opts})
        context = click.Context(group.commands[command])
        return ",".join(item.type for item in param.type.shell_complete(context, param, "x"))

    assert kind("scan", "lists") == kind("scan", "--exclude") == kind("scan", "--config") == "file"
    assert kind("report", "path") == kind("query", "runs") == kind("diff", "--against") == "dir"
    assert kind("scan", "--ehlo") == kind("check", "domain") == ""
