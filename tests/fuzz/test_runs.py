"""Run directories from strangers: one clear line or a result, never a traceback or a hang."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.cli.commands import main
from tests.fuzz import documents, runs

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a whole run in ``whole``."""
    runs.make_run(tmp_path / "whole")
    return tmp_path


def test_a_whole_run_has_no_faults(place: Path) -> None:
    for number, argv in enumerate(runs.COMMANDS):
        assert runs.run_command(argv, place / "whole", place / f"out{number}") is None


def break_line(number: int, content: bytes, name: str = "domains.jsonl") -> Callable[[Path], None]:
    """Return a function that replaces a line of a run."""

    def write(run: Path) -> None:
        lines = (run / name).read_bytes().splitlines(keepends=True)
        lines[number - 1] = content + b"\n"
        (run / name).write_bytes(b"".join(lines))

    return write


CORRUPT = {
    "binary": b"\xff\xfe\x00",
    "no JSON": b'{"key":"b.example"',
    "missing members": b'{"key":"b.example"}',
    "wrong type": b'{"key":"b.example","verdict":7,"route":{},"hosts":[]}',
    "deep nesting": b'{"key":"b.example","target":' + documents.DEEP + b"}",
    "huge integer": b'{"key":"b.example","schema":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("argv", [argv for argv in runs.COMMANDS if argv[0] != "explain"], ids=" ".join)
@pytest.mark.parametrize("what", CORRUPT)
def test_a_corrupt_line_is_skipped_and_counted_or_named(
    what: str, argv: tuple[str, ...], place: Path, capfd: Capture
) -> None:
    break_line(2, CORRUPT[what])(place / "whole")
    words = [{"RUN": str(place / "whole"), "OUT": str(place / "out")}.get(word, word) for word in argv]
    strict = [{"RUN": str(place / "whole"), "OUT": str(place / "strict")}.get(word, word) for word in argv]
    assert main(words) == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert "domains.jsonl: 1 corrupt line skipped, the first is line 2: " in line
    assert main([*strict, "--strict"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "domains.jsonl: line 2: " in line


@pytest.mark.parametrize("name", ["run.json", "domains.jsonl", "hosts.jsonl", "certs.jsonl", "rejects.jsonl"])
def test_a_fifo_in_place_of_a_file(name: str, place: Path, capfd: Capture) -> None:
    (place / "whole" / name).unlink()
    os.mkfifo(place / "whole" / name)
    assert main(["report", str(place / "whole")]) == 2
    assert capfd.readouterr().err == f"mxsweep: {place}/whole/{name}: not a regular file\n"


def test_an_unknown_level(place: Path, capfd: Capture) -> None:
    file = place / "whole" / "run.json"
    header = json.loads(file.read_text())
    header["settings"]["level"] = "paranoid"
    file.write_text(json.dumps(header))
    assert main(["report", str(place / "whole"), "--rejudge"]) == 2
    assert capfd.readouterr().err == f"mxsweep: {file}: 'paranoid' is not a valid Level\n"
