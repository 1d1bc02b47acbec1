"""The layout of reports on terminals of several widths and encodings."""

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.console import Console
from rich.text import Text

from results.count.base import Count
from results.render.terminal import counts, heading, quote, said

ROWS = ((Text("protected"), "every MX host matches", Count(999, 1)), (Text("none"), "no TLSA records", Count(1, 0)))


def printed(width: int, encoding: str = "utf-8") -> str:
    octets = BytesIO()
    console = Console(file=TextIOWrapper(octets, encoding), width=width, color_system=None)
    counts(console, ROWS, Count(1000, 2))
    console.file.flush()
    return octets.getvalue().decode(encoding)


def test_counts_have_shares_of_both_bases() -> None:
    lines = [line.split() for line in printed(80).splitlines()]
    assert lines[1][:6] == ["999", "99.9", "%", "1", "50.0", "%"]
    assert lines[2][:6] == ["1", "0.1", "%", "0", "0.0", "%"]


@pytest.mark.parametrize(("encoding", "mark", "trace"), [("utf-8", "█" * 20, "▏"), ("ascii", "#" * 20, ".")])
def test_a_wide_terminal_has_bars_and_a_small_share_is_seen(encoding: str, mark: str, trace: str) -> None:
    lines = printed(100, encoding).splitlines()
    assert mark in lines[1]
    assert trace in lines[2]
    assert mark not in printed(99, encoding)


def test_foreign_text_is_escaped_cut_and_encodable() -> None:
    ascii_only = Console(file=TextIOWrapper(BytesIO(), "ascii"), color_system=None)
    assert quote(ascii_only, "\x1b[2Jé" + "x" * 400, limit=8).plain == r"\x1b[2J\xe9xx" + "x..."
    assert said(ascii_only, "[bold]no[/bold]").plain == '"[bold]no[/bold]"'


def test_a_heading_follows_an_empty_line() -> None:
    out = StringIO()
    heading(Console(file=out, color_system=None), "DANE", "of hosts")
    assert out.getvalue() == "\nDANE  of hosts\n"
