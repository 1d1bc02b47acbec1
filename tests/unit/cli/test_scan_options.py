"""The options of a scan: their panels in the help, their values, and values that are refused."""

from typing import Any

import pytest
import rich_click as click
from click.testing import CliRunner

from scanner.cli.scan_options import scan_options

PANELS = (
    "Input",
    "Lists",
    "Output",
    "Security level",
    "DNS resolver",
    "DNS queries",
    "Connections",
    "Caps and rates",
    "Time limits and retries",
    "Many processes and machines",
)


@click.command()
@scan_options
def command(**_: Any) -> None:
    """Do nothing."""


def value(name: str, *argv: str) -> Any:
    return command.make_context("scan", list(argv)).params[name]


def test_the_help_shows_every_panel_in_order() -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    places = [shown.index(f" {panel} ") for panel in PANELS]
    assert places == sorted(places)


def test_every_option_has_a_panel_and_a_help_text() -> None:
    options = [param for param in command.params if isinstance(param, click.RichOption)]
    assert len(options) == len(command.params)
    assert {str(option.panel) for option in options} == set(PANELS)
    assert [option.name for option in options if not (option.help or "").endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "argv", "expected"),
    [
        ("domains", ("--domain", "a.example", "--domain", "b.example"), ("a.example", "b.example")),
        ("list_format", ("--format", "zone"), "zone"),
        ("max_rejects", ("--max-rejects", "2.5%"), 2.5),
        ("seed", ("--seed", "0"), 0),
        ("seed", (), None),
        ("output", ("-o", "-"), "-"),
        ("level", (), "dane"),
        ("spacing", ("--spacing", "0"), 0.0),
        ("retries", ("--retries", "0"), 0),
        ("retries", (), None),
        ("addresses", (), 40),
        ("hosts", (), 100),
        ("domain_addresses", (), 200),
        ("per_domain", (), 16),
        ("sni_sample", (), 0),
    ],
)
def test_values(name: str, argv: tuple[str, ...], expected: Any) -> None:
    assert value(name, *argv) == expected


@pytest.mark.parametrize(
    "argv",
    [
        ("--addresses", "0"),
        ("--head", "0"),
        ("--sample", "0"),
        ("--seed", "-1"),
        ("--max-rejects", "101%"),
        ("--format", "csv"),
        ("--level", "fingerprint"),
        ("--mode", "submission"),
        ("--sni", "host"),
        ("--sni-sample", "-1"),
        ("--port", "0"),
        ("--dns-rate", "0"),
        ("--per-address", "0"),
        ("--per-network", "0"),
        ("--per-provider", "0"),
        ("--rate", "0"),
        ("--spacing", "-1"),
        ("--status-every", "0"),
        ("--greeting-timeout", "0"),
        ("--command-timeout", "inf"),
        ("--retries", "-1"),
        ("--retry-after", "nan"),
    ],
)
def test_values_that_are_refused(argv: tuple[str, str]) -> None:
    with pytest.raises(click.BadParameter) as caught:
        command.make_context("scan", list(argv))
    assert caught.value.param is not None
    assert argv[0] in caught.value.param.opts
