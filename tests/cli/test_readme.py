"""The README agrees with the program: words of verdicts, exit codes, commands, options, examples."""

import os
import re
import shutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import commands
from scanner.cli.errors import Exit
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Sender, TLSState
from tests.cli.run import mxsweep
from tests.sweep import Scan

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("words", [DomainOutcome, Sender, DomainDane, DomainStartTLS, Dane, TLSState])
def test_every_verdict_is_explained(words: type[StrEnum]) -> None:
    rows = [line for line in (ROOT / "docs/verdicts.md").read_text().splitlines() if line.startswith("| `")]
    explained = {word for row in rows for word in re.findall(r"`[a-z]+=([a-z_]+)`", row.split("|")[1])}
    assert [word.value for word in words if word not in explained] == []


def test_every_exit_code_is_explained() -> None:
    assert [code.name for code in Exit if f"| {int(code)} |" not in README] == []


@pytest.mark.parametrize("name", sorted(commands.group.commands))
def test_every_command_is_mentioned(name: str) -> None:
    assert f"mxsweep {name}" in README
    assert commands.group.commands[name].help


def test_the_configuration_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("toml")
    (tmp_path / "config.toml").write_text(example)
    got: dict[str, Any] = {}
    monkeypatch.setattr("scanner.cli.start.run", lambda flags, _: got.update(flags) or 0)
    assert commands.main(["scan", "--config", str(tmp_path / "config.toml")]) == 0
    assert (got["ehlo"], got["exclude"], got["level"]) == ("scanner.example.org", ("opt-outs.txt",), "dane")


READS_A_RUN = ("$ jq ", *(f"$ mxsweep {name} " for name in ("report", "explain", "diff", "export", "query", "schema")))
"""Beginnings of examples that need no network."""


def copy_as(scan: Scan, directory: Path, domain: str) -> None:
    """Copy a run of the lab; one of its domains gets the name that the examples use."""
    shutil.copytree(scan.run, directory)
    for name in ("domains.jsonl", "hosts.jsonl"):
        text = (directory / name).read_text()
        (directory / name).write_text(text.replace(f'"{domain}"', '"example.com"'))


@pytest.fixture(scope="module")
def workplace(scan: Scan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the runs that the examples use; example.com is protected in the oldest of them."""
    place = tmp_path_factory.mktemp("examples")
    for name, domain in (("OLD", "good311.test"), ("RUN", "bad311.test"), ("NEW", "good312.test")):
        copy_as(scan, place / name, domain)
    copy_as(scan, place / "runs" / "night", "good312.test")
    (place / "runs" / "latest").symlink_to("night")
    (place / "customers.csv").write_text("domain,owner\nexample.com,Example Ltd\n")
    (place / "bin").mkdir()
    program = place / "bin/mxsweep"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m scanner "$@"\n')
    program.chmod(0o755)
    return place


def examples() -> list[str]:
    """Return the commands of the README and of the page about SQL."""
    text = README + (ROOT / "docs/queries.md").read_text()
    lines = [line for block in blocks("console", text) for line in block.splitlines()]
    return [line[2:] for line in lines if line.startswith(READS_A_RUN)]


def test_there_are_examples_of_all_that_reads_runs() -> None:
    assert [begin for begin in READS_A_RUN[:-1] if not any(f"$ {line}".startswith(begin) for line in examples())] == []


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize("line", examples())
def test_the_examples_work(workplace: Path, line: str) -> None:
    """The examples succeed as they are written, print no error, and print or write something."""
    before = {path.name for path in workplace.iterdir()}
    path = {"PATH": f"{workplace}/bin:{os.environ['PATH']}"}
    command = ["bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(command, cwd=workplace, env=os.environ | path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    written = [path for path in workplace.iterdir() if path.name not in before]
    assert done.stdout.strip() or written
    assert [path for path in written if path.is_file() and not path.stat().st_size] == []


def test_the_flags_of_the_readme_exist() -> None:
    named = set(re.findall(r"`(--[a-z0-9-]+)", README)) | set(re.findall(r"(?<= )(--[a-z][a-z0-9-]+)", README))
    known = {
        option for command in commands.group.commands.values() for param in command.params for option in param.opts
    }
    finger = set(re.findall(r"--[a-z]+", mxsweep("finger", "--help").stdout))
    assert named - known - finger - {"--help", "--version"} == set()
