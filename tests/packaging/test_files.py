"""Manual pages, shell completion, units of systemd, the cron example and the container file."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scanner.cli.commands import group

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
PAGES = ["mxsweep.1", *(f"mxsweep-{name}.1" for name in sorted(group.commands))]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("man")
    subprocess.run(
        [sys.executable, PACKAGING / "man.py", place], check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    return place


def test_every_command_has_a_manual_page(pages: Path) -> None:
    assert sorted(path.name for path in pages.iterdir()) == sorted(PAGES)


@pytest.mark.parametrize("name", sorted(set(group.commands) - {"finger"}))
def test_a_page_has_every_option(pages: Path, name: str) -> None:
    text = (pages / f"mxsweep-{name}.1").read_text().replace("\\-", "-")
    options = {option for param in group.commands[name].params for option in param.opts if option.startswith("--")}
    assert [option for option in sorted(options) if option not in text] == []
    for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert f"\n.SH {title}\n" in text or name in {"replay", "explain", "schema"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("name", PAGES)
def test_groff_has_no_warning(pages: Path, name: str) -> None:
    command = ["groff", "-man", "-Tutf8", "-ww", "-rF0", str(pages / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [
        line for line in done.stderr.splitlines() if "cannot adjust" not in line and "can't break" not in line
    ] == []
    assert "MXSWEEP" in done.stdout


def completions(words: str) -> list[str]:
    """Return what bash offers for the last of some words, with the documented completion script."""
    install = "source <(_MXSWEEP_COMPLETE=bash_source mxsweep)"
    complete = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _mxsweep_completion mxsweep"
    show = "printf '%s\\n' \"${COMPREPLY[@]}\""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"{install}; {complete}; {show}"],
        capture_output=True, text=True, check=True, env=os.environ | {"PATH": path},
    )  # fmt: skip
    return done.stdout.split()


def test_bash_completes_commands_options_and_values() -> None:
    assert completions("mxsweep ex") == ["explain", "export"]
    assert completions("mxsweep query --all") == ["--allow-files"]
    assert completions("mxsweep export --format duck") == ["duckdb"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_script(shell: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "_MXSWEEP_COMPLETE": f"{shell}_source"}
    script = subprocess.run(["mxsweep"], capture_output=True, text=True, check=True, env=environment).stdout
    assert f"_MXSWEEP_COMPLETE={shell}_complete" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: its script was made, and not read by it")
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units() -> None:
    units = sorted(map(str, (PACKAGING / "systemd").iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def flags_of(command: str) -> list[str]:
    return re.findall(r"(?<= )(--[a-z-]+|-o)(?= |$)", command)


@pytest.mark.parametrize("file", ["systemd/mxsweep.service", "cron/mxsweep"])
def test_the_examples_use_options_of_scan(file: str) -> None:
    text = (PACKAGING / file).read_text()
    (command,) = re.findall(r"mxsweep scan (/.*)$", text, re.MULTILINE)
    known = {option for param in group.commands["scan"].params for option in param.opts}
    assert flags_of(f" {command}")
    assert set(flags_of(f" {command}")) <= known


def test_percent_signs_are_written_as_each_program_wants() -> None:
    assert "%%F" in (PACKAGING / "systemd/mxsweep.service").read_text()
    assert re.search(r"(?<!\\)%", (PACKAGING / "cron/mxsweep").read_text().splitlines()[-1]) is None


def test_the_options_of_the_nightly_scan_are_read() -> None:
    file = PACKAGING / "scan.toml"
    assert tomllib.loads(file.read_text()) == {"scan": {"level": "dane"}}


def test_the_container_copies_what_exists() -> None:
    text = (PACKAGING / "Containerfile").read_text()
    sources = [word for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for word in line.split()]
    assert [name for name in sources if not (ROOT / name).exists()] == []
    assert {"scanner", "targets", "results"} <= set(sources)
    assert "unbound" in text


@pytest.mark.parametrize("script", ["deb.sh", "venv.sh"])
def test_the_scripts_are_read_by_sh(script: str) -> None:
    subprocess.run(["sh", "-n", PACKAGING / script], check=True)


def test_the_documented_commands_name_files_that_exist() -> None:
    text = (ROOT / "docs" / "install.md").read_text()
    named = set(re.findall(r"packaging/[\w./-]+", text))
    assert named >= {"packaging/man.py", "packaging/Containerfile", "packaging/cron/mxsweep"}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
