"""Manual pages, shell completion, units of systemd, the cron example and the container file."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
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


COMPLETE = "_MXSWEEP_COMPLETE"
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def completions(words: str) -> list[str]:
    """Return what bash offers for the last of some words, with the documented completion script."""
    install = "source <(_MXSWEEP_COMPLETE=bash_source mxsweep)"
    complete = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _mxsweep_completion mxsweep"
    show = "printf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run(
        ["bash", "-c", f"{install}; {complete}; {show}"], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    return done.stdout.split()


def test_bash_completes_commands_options_and_values() -> None:
    assert completions("mxsweep ex") == ["explain", "export"]
    assert completions("mxsweep query --all") == ["--allow-files"]
    assert completions("mxsweep export --format duck") == ["duckdb"]


def test_bash_completes_files_and_directories(tmp_path: Path) -> None:
    for kind, words in {"file": "scan ./a", "dir": "report ./a"}.items():
        environment = ENVIRONMENT | {"COMP_WORDS": f"mxsweep {words}", "COMP_CWORD": "2", COMPLETE: "bash_complete"}
        done = subprocess.run(["mxsweep"], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
        assert done.stdout == f"{kind},./a\n"


COMPLETED = [
    ("mxsweep expo", "export"),
    ("mxsweep query --allo", "--allow-files"),
    ("mxsweep export --format duck", "duckdb"),
    ("mxsweep scan ./part", "./partners.txt"),
    ("mxsweep report ./ru", "./runs/"),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with the completion scripts at the documented places, a list and a directory."""
    text = (ROOT / "docs" / "install.md").read_text()
    for shell, file in re.findall(r"^\$ _MXSWEEP_COMPLETE=(\w+)_source mxsweep > ~/(\S+)$", text, re.MULTILINE):
        (tmp_path / file).parent.mkdir(parents=True)
        environment = ENVIRONMENT | {COMPLETE: f"{shell}_source"}
        script = subprocess.run(["mxsweep"], capture_output=True, check=True, env=environment).stdout
        (tmp_path / file).write_bytes(script)
    (tmp_path / ".zshrc").write_text("fpath+=~/.zfunc\nautoload -Uz compinit\ncompinit -u\n")
    (tmp_path / "partners.txt").touch()
    (tmp_path / "runs").mkdir()
    return tmp_path


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(home: Path) -> None:
    environment = ENVIRONMENT | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    for line, completed in COMPLETED:
        done = subprocess.run(
            ["fish", "-c", f"complete -C '{line}'"],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
            cwd=home,
        )
        assert done.stderr == ""
        assert [found.partition("\t")[0] for found in done.stdout.splitlines()] == [completed]


def typed(shell: str, keys: str, expected: str, home: Path) -> str:
    """Type keys in an interactive shell and return its output up to the expected text, or after a minute."""
    process, terminal = pty.fork()
    if not process:
        os.chdir(home)
        os.execvpe(shell, [shell, "-i"], ENVIRONMENT | {"HOME": str(home), "TERM": "dumb", "PS1": "> "})  # noqa: S606 - no shell
    output, until = "", time.monotonic() + 60
    waiting = keys
    try:
        while expected not in output.replace("\b", "") and time.monotonic() < until:
            if waiting and "> " in output:
                os.write(terminal, waiting.encode())
                waiting = ""
            if select.select([terminal], [], [], 1)[0]:
                output += os.read(terminal, 4096).decode()
    finally:
        os.close(terminal)  # the shell gets SIGHUP
        os.waitpid(process, 0)
    return output


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes(home: Path) -> None:
    for line, completed in COMPLETED:
        assert completed in typed("zsh", f"{line}\t", completed, home).replace("\b", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units() -> None:
    units = sorted(map(str, (PACKAGING / "systemd").iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def blocks(language: str) -> list[str]:
    """Return the code blocks of docs/nightly.md in a language."""
    text = (ROOT / "docs" / "nightly.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_documented_script_is_the_installed_script() -> None:
    script = PACKAGING / "mxsweep-nightly"
    assert blocks("sh") == [script.read_text()]
    assert script.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("command", ["scan", "diff", "report", "prune"])
def test_the_script_uses_options_of_the_commands(command: str) -> None:
    text = (PACKAGING / "mxsweep-nightly").read_text().replace("\\\n", " ")
    (words,) = re.findall(rf"mxsweep {command} (.*?)(?:$|;)", text, re.MULTILINE)
    used = re.findall(r"(?<= )(--[a-z-]+|-o)(?= |$)", f" {words}")
    assert used
    assert set(used) <= {option for param in group.commands[command].params for option in param.opts}


def test_the_unit_and_the_cron_example_start_the_script() -> None:
    service = (PACKAGING / "systemd" / "mxsweep.service").read_text()
    assert re.findall("^ExecStart=.*", service, re.MULTILINE) == ["ExecStart=/bin/sh -c 'MAILTO= exec mxsweep-nightly'"]
    assert (PACKAGING / "cron" / "mxsweep").read_text().endswith("\n17 3 * * * mxsweep mxsweep-nightly\n")


def test_the_documented_configuration_is_the_installed_configuration() -> None:
    (documented,) = blocks("toml")
    installed = (PACKAGING / "scan.toml").read_text()
    assert tomllib.loads(installed.replace("# ehlo =", "ehlo =")) == tomllib.loads(documented)
    assert tomllib.loads(installed) == {"scan": {"max-rejects": 5}}


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
    text = "".join((ROOT / "docs" / name).read_text() for name in ("install.md", "nightly.md"))
    named = set(re.findall(r"packaging/[\w./-]+", text))
    assert named >= {"packaging/man.py", "packaging/Containerfile", "packaging/cron/mxsweep"}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
