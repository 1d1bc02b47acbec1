"""Runs opened for a command: errors of their files, corrupt lines, and documents that are written."""

from pathlib import Path

import pytest

from results.store.files import StoreError
from results.store.reader import lines_path
from scanner.cli.errors import CliError, Exit
from scanner.cli.runs import reading, write
from tests.unit import records
from tests.unit.results.explain.test_worklist import run_of


def fail(paths: list[str], error: Exception) -> None:
    """Open runs as a command does, and fail."""
    with reading() as open_run:
        for path in paths:
            open_run(path)
        raise error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StoreError("run: torn"), "run: torn"),
        (OverflowError("too large"), "value of the run is out of range (OverflowError: too large)"),
        (KeyError("a1"), "value of the run is out of range (KeyError: 'a1')"),
        (ValueError("year 0"), "value of the run is out of range (ValueError: year 0)"),
        (RecursionError("deep"), "value of the run is out of range (RecursionError: deep)"),
    ],
)
def test_errors_of_a_run_become_errors_of_the_command(error: Exception, text: str, tmp_path: Path) -> None:
    path = run_of(tmp_path / "run", [records.domain()]).path
    with pytest.raises(CliError) as caught:
        fail([str(path)], error)
    assert str(caught.value).endswith(text)
    assert caught.value.code is Exit.USAGE


def test_a_value_out_of_range_names_the_runs_that_were_opened(tmp_path: Path) -> None:
    paths = [str(run_of(tmp_path / name, [records.domain()]).path) for name in ("old", "new")]
    with pytest.raises(CliError) as caught:
        fail(paths, ValueError())
    assert str(caught.value).startswith(f"{paths[0]}, {paths[1]}: ")


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
