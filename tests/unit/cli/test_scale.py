"""``--dask``: options that contradict it, the options of the jobs, and the exit codes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import scale
from scanner.cli.commands import group, main
from scanner.cli.errors import CliError, Exit
from scanner.cli.progress_request import ProgressRequest
from scanner.cli.request import build
from scanner.scale.cluster import parse_choice


def flags(*argv: str) -> dict[str, Any]:
    return group.commands["scan"].make_context("scan", list(argv)).params


def test_without_the_option_a_scan_is_made_in_one_process() -> None:
    assert scale.choice_of(flags("list", "-o", "run")) is None


def test_a_run_that_was_begun_with_it_continues_with_it(tmp_path: Path) -> None:
    assert scale.choice_of(flags("--resume", str(tmp_path))) is None
    (tmp_path / "plan").mkdir()
    choice = scale.choice_of(flags("--resume", str(tmp_path)))
    assert choice is not None
    assert choice.local
    choice = scale.choice_of(flags("--resume", str(tmp_path), "--dask", "local:7"))
    assert choice is not None
    assert choice.local == 7


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("--dask", "locale"), "--dask locale: local, local:N, tcp://HOST:PORT"),
        (("--dask", "local", "--first", "x"), "--first: all domains of a scan with --dask are complete at its end"),
        (("--dask", "local", "--log-file", "x"), "--log-file: a scan with --dask has no log"),
        (("--dask", "local", "--retry-inconclusive", "x"), "--retry-inconclusive: use it without --dask"),
        (("--dask-security", "x"), "--dask-security: it requires --dask"),
        (("--dask", "local", "-o", "-"), "--dask: it requires -o RUN"),
    ],
)
def test_contradictions(argv: tuple[str, ...], text: str) -> None:
    with pytest.raises(CliError, match=text) as caught:
        scale.choice_of(flags("list", "-o", "run", *argv))
    assert caught.value.code is Exit.USAGE


def test_a_dry_run_needs_no_run_directory() -> None:
    assert scale.choice_of(flags("list", "--dask", "local:2", "--dry-run")) == parse_choice("local:2")


def test_a_run_that_was_begun_without_it(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="this run was begun without --dask"):
        scale.choice_of(flags("--resume", str(tmp_path), "--dask", "local"))


def test_without_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scanner.scale.cluster.find_spec", lambda _: None)
    (tmp_path / "list").write_text("a.example\n")
    argv = ["scan", str(tmp_path / "list"), "-o", str(tmp_path / "run"), "--dask", "local"]
    assert main(argv) == Exit.USAGE
    assert "pip install 'mxsweep[dask]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_scheduler_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scanner.scale.cluster.ANSWER", 1)
    (tmp_path / "list").write_text("a.example\n")
    argv = ["scan", str(tmp_path / "list"), "-o", str(tmp_path / "run"), "--dask", "tcp://127.0.0.1:1"]
    assert main(argv) == Exit.UNFIT
    assert "mxsweep: --dask tcp://127.0.0.1:1: no scheduler answers" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_options_of_the_jobs_have_absolute_paths_and_no_input(tmp_path: Path) -> None:
    given = flags("list", "-o", str(tmp_path / "run"), "--dask", "local", "--max-time", "5", "--latest")
    given |= {"exclude": ["no"], "root_hints": "hints"}
    request = build(given | {"resume": str(tmp_path), "exclude": (), "root_hints": None})
    changed = replace(request, flags=given)
    progress = ProgressRequest(quiet=True, files=(), every=1)
    asked = scale.ScaleRequest(changed, request, parse_choice("local"), progress, None)
    found = scale._flags(asked)
    assert (found["lists"], found["max_time"], found["latest"], found["dask"]) == ([], None, False, None)
    assert found["exclude"] == [str(Path("no").absolute())]
    assert found["root_hints"] == str(Path("hints").absolute())
    assert found["ehlo"] == request.settings.ehlo
    assert found["resume"] == found["output"] == str(tmp_path / "run")
