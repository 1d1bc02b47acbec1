"""What the README says is so: its words, its examples, its list of commands."""

import re
import shutil
import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import commands
from scanner.cli.errors import Exit
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Sender, TLSState
from tests.cli.run import mxsweep
from tests.sweep import Scan

README = (Path(__file__).parents[2] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("words", [DomainOutcome, Sender, DomainDane, DomainStartTLS, Dane, TLSState])
def test_every_verdict_is_explained(words: type[StrEnum]) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `")]
    explained = {word for row in rows for word in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
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
    monkeypatch.setattr("scanner.cli.scan.run", lambda flags, _: got.update(flags) or 0)
    assert commands.main(["scan", "--config", str(tmp_path / "config.toml")]) == 0
    assert (got["ehlo"], got["exclude"], got["per_network"]) == ("scanner.example.org", ("opt-outs.txt",), 2)


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_jq_examples_find_something(scan: Scan) -> None:
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ jq ")]
    assert len(lines) >= 5
    for line in lines:
        command = line.replace("RUN/", f"{scan.run}/")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), line
        assert done.stdout.strip(), line


def test_the_flags_of_the_readme_exist() -> None:
    named = set(re.findall(r"`(--[a-z0-9-]+)", README)) | set(re.findall(r"(?<= )(--[a-z][a-z0-9-]+)", README))
    known = {
        option for command in commands.group.commands.values() for param in command.params for option in param.opts
    }
    finger = set(re.findall(r"--[a-z]+", mxsweep("finger", "--help").stdout))
    assert named - known - finger - {"--help", "--version"} == set()
