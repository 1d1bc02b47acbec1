"""Run directories from strangers: a run whose files are mutated, and every command that reads one."""

import contextlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from results.store.writer import Store
from scanner.cli.commands import main
from scanner.vocabulary import RunState
from tests.unit import records

DEEP = b"[" * 100_000 + b"]" * 100_000
VALUES: tuple[Any, ...] = (
    None, True, -1, 1 << 63, 1 << 64, 10**30, 1e308, "", "\u202e\x1b[31m", "x" * 10_000, [], {}, [[]], {"a": 1},
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00", "10 mx.example", "x mx.example",
    "99999999999999999999 mx", "paranoid", "a1" * 32, "192.0.2.1",
)  # fmt: skip

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("report", "RUN"),
    ("report", "RUN", "--format", "json"),
    ("report", "RUN", "--format", "markdown"),
    ("report", "RUN", "--format", "csv"),
    ("report", "RUN", "--format", "html"),
    ("report", "RUN", "--paper", "-o", "OUT"),
    ("report", "RUN", "--rejudge"),
    ("report", "RUN", "--metrics", "OUT"),
    ("explain", "RUN", "a.example"),
    ("diff", "RUN", "RUN"),
    ("export", "RUN", "-o", "OUT"),
    ("export", "RUN", "--format", "sqlite", "-o", "OUT"),
)


def make(place: Path) -> None:
    """Write a whole run."""
    with Store.create(place, records.header()) as store:
        store.put_host(records.report(), [records.cert()])
        for key in ("a.example", "b.example"):
            store.put_domain(records.domain(key=key), [], {})
        store.put_reject("list.csv", 9, "not a domain", "not-a-domain")
        store.finish(RunState.COMPLETE, {}, records.NOON)


def mutate(place: Path, chance: random.Random) -> None:
    """Change one file of a run."""
    path = place / chance.choice(("run.json", "domains.jsonl", "hosts.jsonl", "certs.jsonl", "rejects.jsonl"))
    chance.choice((_value, _value, _value, _value, _octets, _file))(path, chance)


def _value(path: Path, chance: random.Random) -> None:
    """Replace or remove one value anywhere in one record."""
    texts = [path.read_text()] if path.name == "run.json" else path.read_text().splitlines()
    at = chance.randrange(len(texts))
    document = json.loads(texts[at])
    holder, key = chance.choice(list(_places(document)))
    if chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice(VALUES)
    texts[at] = json.dumps(document, separators=(",", ":"))
    path.write_text("".join(f"{text}\n" for text in texts))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _octets(path: Path, chance: random.Random) -> None:
    """Put octets somewhere, among them JSON that is nested too deeply."""
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    inserted = chance.choice((DEEP, chance.randbytes(20), b"\n", b'"', b"\xff\n{}\n"))
    content[at : at + chance.choice((0, 1, 50))] = inserted
    path.write_bytes(content)


def _file(path: Path, chance: random.Random) -> None:
    """Put something else in place of the file."""
    path.unlink()
    kind = chance.choice(("nothing", "fifo", "directory", "device", "empty"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "empty":
        path.touch()


class MemoryStream(io.TextIOWrapper):
    """A standard stream in memory."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="surrogateescape")


def run_command(argv: tuple[str, ...], run: Path, out: Path) -> str | None:
    """Run a command in this process; return what is wrong with its end, None if nothing is."""
    words = [{"RUN": str(run), "OUT": str(out)}.get(word, word) for word in argv]
    err = io.StringIO()
    with contextlib.redirect_stdout(MemoryStream()), contextlib.redirect_stderr(err):
        code = main(words)
    _remove(out)
    lines = [line for line in err.getvalue().splitlines() if " skipped, the first is line " not in line]
    if code not in (0, 2, 3) or len(lines) != (0 if code == 0 else 1):
        return f"exit code {code}: {err.getvalue()}"
    return None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def case(seed: int, place: Path, check: Callable[[str], None]) -> None:
    """Make, mutate and read one run, with three commands."""
    chance = random.Random(seed)
    run = place / "run"
    shutil.copytree(place / "whole", run)
    mutate(run, chance)
    try:
        for argv in chance.sample(COMMANDS, 3):
            try:
                fault = run_command(argv, run, place / "out")
            except Exception as error:  # noqa: BLE001 - any exception is what the fuzzer looks for
                fault = repr(error)
            if fault:
                check(f"seed {seed}: {' '.join(argv)}: {fault}")
    finally:
        shutil.rmtree(run)
