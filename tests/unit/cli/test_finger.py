"""``mxsweep finger``: its exit status, its name in messages, and the sources of its options."""

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import finger
from scanner.cli.finger import main, read
from scanner.finger.options import Fatal, Usage
from scanner.finger.output import Output
from scanner.finger.usage import HELP, USAGE


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program without a main.cf of this machine, and without a network."""
    monkeypatch.setattr(sys, "argv", ["mxsweep"])
    monkeypatch.setenv("MAIL_CONFIG", str(tmp_path))
    (tmp_path / "main.cf").write_text("")

    async def refuse(*_: Any) -> int:
        raise AssertionError("nothing may be contacted")

    monkeypatch.setattr(finger, "_run", refuse)


def ends_with(result: int | BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the run end with a status or an exception."""

    async def run(*_: Any) -> int:
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr(finger, "_run", run)


@pytest.mark.parametrize(
    ("result", "status", "out", "err"),
    [
        (0, 0, "", ""),
        (1, 1, "", ""),
        (Usage(""), 1, "", USAGE.format(program="mxsweep")),
        (Usage("bad value"), 1, "", "mxsweep: bad value\n" + USAGE.format(program="mxsweep")),
        (Fatal("no file", "warning: a"), 1, "mxsweep: warning: a\nmxsweep: fatal: no file\n", ""),
        (KeyboardInterrupt(), 130, "", ""),
    ],
    ids=str,
)
def test_exit_status(
    result: int | BaseException,
    status: int,
    out: str,
    err: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends_with(result, monkeypatch)
    assert main(["a.example"]) == status
    assert capsys.readouterr() == (out, err)


def test_a_closed_pipe_ends_without_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    ends_with(BrokenPipeError(), monkeypatch)
    assert main(["a.example"]) == 1
    assert stream.closed, "the interpreter writes its own message there"


def test_with_json_a_fatal_error_goes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(Fatal("no file"), monkeypatch)
    assert main(["--json", "a.example"]) == 1
    assert capsys.readouterr() == ("", "mxsweep: fatal: no file\n")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr() == (HELP, "")


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/usr/bin/mxsweep", "mxsweep"),
        ("/usr/sbin/posttls-finger", "posttls-finger"),
        ("/src/scanner/__main__.py", "mxsweep"),
    ],
)
def test_messages_have_the_name_of_the_program(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert main([]) == 1
    assert capsys.readouterr().err.endswith(USAGE.format(program=name))


@pytest.mark.parametrize(
    ("servers", "note"),
    [
        ([("127.0.0.1", 53), ("::1", 53)], ""),
        ([], ""),
        (
            [("192.0.2.53", 53), ("127.0.0.53", 53), ("2001:db8::53", 53)],
            "note: the AD bit of 192.0.2.53, 2001:db8::53 is trusted because resolv.conf names it\n",
        ),
    ],
)
def test_a_remote_resolver_is_noted(
    servers: Sequence[tuple[str, int]],
    note: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(finger, "system_servers", lambda: servers)
    finger._note_resolver()
    assert capsys.readouterr().err == note


def test_a_main_cf_that_cannot_be_read_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="none"):
        read(["a.example"], {"MAIL_CONFIG": str(tmp_path / "none")}, Output("mxsweep"))


def test_the_log_of_a_scan_is_not_printed() -> None:
    """Without a handler, Python prints warnings on stderr, such as those about a slow step of a scan."""
    program = "from scanner.cli import finger; finger.main(['-Z']); finger.logging.getLogger('mxsweep').error('slow')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "usage: " in done.stderr
    assert "slow" not in done.stderr
