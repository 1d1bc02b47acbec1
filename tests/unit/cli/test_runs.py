"""Runs opened for a command: errors of their files, corrupt lines, and documents that are written."""

import gc
from datetime import datetime
from pathlib import Path

import pytest

from results.store.files import StoreError
from results.store.packed import compress
from results.store.reader import LINE_FILES, lines_path, own_path
from results.store.writer import Store
from scanner.cli.errors import CliError, Exit
from scanner.cli.runs import COLLECT, reading, write
from tests.fuzz import runs
from tests.unit import records
from tests.unit.results.explain.test_worklist import run_of


def fail(paths: list[str], error: Exception) -> None:
    """Open runs as a command does, and fail."""
    with reading() as open_run:
        for path in paths:
            open_run(path)
        raise error


def test_an_error_of_a_file_becomes_an_error_of_the_command(tmp_path: Path) -> None:
    path = run_of(tmp_path / "run", [records.domain()]).path
    with pytest.raises(CliError) as caught:
        fail([str(path)], StoreError("run: torn"))
    assert (str(caught.value), caught.value.code) == ("run: torn", Exit.USAGE)


BUGS = [OverflowError("too large"), KeyError("a1"), ValueError("year 0"), TypeError("naive"), RecursionError("deep")]


@pytest.mark.parametrize("error", BUGS)
def test_a_bug_is_not_called_a_fault_of_the_run(error: Exception, tmp_path: Path) -> None:
    path = run_of(tmp_path / "run", [records.domain()]).path
    with pytest.raises(type(error)) as caught:
        fail([str(path)], error)
    assert caught.value is error


@pytest.mark.parametrize("error", BUGS[:4])
def test_a_value_that_no_scan_writes_is_named(error: Exception, tmp_path: Path) -> None:
    whole = run_of(tmp_path / "whole", [records.domain()]).path
    damaged = run_of(tmp_path / "run", [records.domain(), records.domain(observed_at=datetime(2026, 1, 1))]).path  # noqa: DTZ001 - the fault
    with pytest.raises(CliError, match=r"run/domains\.jsonl: line 2: observed_at is out of range") as caught:
        fail([str(whole), str(damaged)], error)
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), CliError("usage"), AssertionError("a bug")])
def test_other_errors_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, reading():
        raise error
    assert caught.value is error


def test_a_corrupt_line_is_counted_or_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_of(tmp_path / "run", [records.domain(), records.domain(key="b.example")]).path
    lines = lines_path(path, "domains")
    lines.write_bytes(b"no record\n" + lines.read_bytes())
    with reading() as open_run:
        assert [record.key for record in open_run(str(path)).domains()] == ["a.example", "b.example"]
        assert capsys.readouterr().err == "", "the message comes at the end"
    message = capsys.readouterr().err
    assert message.startswith("mxsweep: ")
    assert str(lines) in message
    assert message.count("\n") == 1
    with pytest.raises(CliError, match="line 1"), reading(strict=True) as open_run:
        list(open_run(str(path)).domains())
    assert capsys.readouterr().err == ""


def test_documents_are_written_octet_by_octet(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    document = "é\r\n".encode() + b"\xff\n"
    write(document)
    assert capfdbinary.readouterr().out == document
    write(document, str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == document
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize(("name", "text"), [("none/file", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_written(name: str, text: str, tmp_path: Path) -> None:
    path = f"{tmp_path}/{name}"
    with pytest.raises(CliError) as caught:
        write(b"", path)
    assert str(caught.value) == f"{path}: {text}"


@pytest.mark.parametrize("argv", [*runs.COMMANDS, ("query", "RUN", "SELECT count(*) FROM hosts")], ids=" ".join)
def test_every_command_reads_a_compressed_run(argv: tuple[str, ...], tmp_path: Path) -> None:
    run = tmp_path / "run"
    runs.make_run(run)
    for name in LINE_FILES:
        compress(own_path(run, name))
    assert not list(run.glob("*.jsonl"))
    assert runs.run_command(argv, run, tmp_path / "out") is None


def test_a_run_whose_domains_are_not_judged_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.create(tmp_path / "run", records.header()).close()
    (tmp_path / "run" / "plan").mkdir()
    with reading() as open_run:
        open_run(str(tmp_path / "run"))
    assert "run: no domain is judged yet (looking up MX records); mxsweep status " in capsys.readouterr().err


def test_the_garbage_collector_runs_seldom_while_runs_are_read() -> None:
    before = gc.get_threshold()
    with reading():
        assert gc.get_threshold() == (COLLECT, *before[1:])
    assert gc.get_threshold() == before
