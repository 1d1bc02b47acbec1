"""The output of finger: prefix, streams and order."""

import pytest

from scanner.finger.output import Output


def test_lines_carry_the_name_and_blocks_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("posttls-finger")
    output.line("one")
    output.block("chain\n")
    output.lines("two", "warning: three")
    output.close()
    wanted = "posttls-finger: one\nposttls-finger: two\nposttls-finger: warning: three\nchain\n"
    assert capsys.readouterr() == (wanted, "")
    assert output.printed == ["one", "chain\n", "two", "warning: three"]


def test_warnings_alone_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("mxsweep", troubles_only=True)
    output.lines("one", "warning: two", "fatal: three")
    output.block("chain\n")
    output.close()
    assert capsys.readouterr() == ("", "mxsweep: warning: two\nmxsweep: fatal: three\n")


def test_octets_that_are_not_ascii_are_masked_without_smtputf8(capsys: pytest.CaptureFixture[str]) -> None:
    """Expected: Debian's 3.7.11 with ``smtputf8_enable=no``."""
    output = Output("mxsweep")
    output.ascii_only = True
    output.line("Zo\u00eb \u90ae\u4ef6")
    assert capsys.readouterr().out == "mxsweep: Zo?? ??????\n"
