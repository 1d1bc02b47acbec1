"""Every error of the user is one clear line on stderr and exit code 2, before any contact."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.run import mxsweep

SCAN = ("scan", "list", "-o", "run")


def config(text: str) -> Callable[[Path], None]:
    """Return a function that writes a configuration file."""

    def write(here: Path) -> None:
        (here / "config.toml").write_text(text)

    return write


def file(name: str, text: str) -> Callable[[Path], None]:
    """Return a function that writes a file."""

    def write(here: Path) -> None:
        (here / name).write_text(text)

    return write


def nothing(here: Path) -> None:
    """Write nothing."""


def existing_run(here: Path) -> None:
    """Write the files of an earlier run."""
    (here / "run").mkdir()
    (here / "run" / "run.json").write_text("{}")


def many(here: Path) -> None:
    """Write a list of 1,001 domains."""
    (here / "list").write_text("".join(f"domain{n}.example\n" for n in range(1001)))


TOML = (*SCAN, "--config", "config.toml")

CASES: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "unknown flag": (nothing, ("scan", "--frobnicate"), "--frobnicate"),
    "unknown command": (nothing, ("frobnicate",), "frobnicate"),
    "nothing to scan": (nothing, ("scan",), "a LIST or --domain D was expected"),
    "nowhere to": (nothing, ("scan", "list"), "-o RUN (a new directory) or -o - was expected"),
    "nowhere to, in words": (nothing, ("scan", "--domain", "a.example", "-o", ""), "-o RUN"),
    "missing list": (nothing, ("scan", "nolist", "-o", "run"), "nolist: cannot be read (No such file or directory)"),
    "a directory as list": (nothing, ("scan", ".", "-o", "run"), ".: cannot be read (Is a directory)"),
    "missing column": (nothing, (*SCAN, "--column", "site"), "list: line 1: no column 'site' in the header"),
    "bad destination": (nothing, ("scan", "--domain", "bad domain"), "--domain bad domain: not a valid host name"),
    "unreadable CA file": (nothing, (*SCAN, "--ca-file", "none.pem"), "none.pem: cannot read trusted certificates"),
    "CA file without certificates": (
        file("empty.pem", "not a certificate\n"),
        (*SCAN, "--ca-file", "empty.pem"),
        "empty.pem: no PEM certificates in it",
    ),
    "unreadable CA path": (nothing, (*SCAN, "--ca-path", "none"), "none: cannot read trusted certificates"),
    "unwritable run": (nothing, ("scan", "list", "-o", "/proc/run"), "/proc/run: "),
    "run below a file": (nothing, ("scan", "list", "-o", "list/run"), "list/run: Not a directory"),
    "existing run": (existing_run, SCAN, "run: there is already a run here"),
    "directory in use": (nothing, ("scan", "list", "-o", "."), ".: the directory is not empty"),
    "bad resolver": (
        nothing,
        (*SCAN, "--resolver", "dns"),
        "--resolver dns: auto, system, unbound, ADDR",
    ),
    "bad resolver port": (nothing, (*SCAN, "--resolver", "::1:x:99999"), "--resolver ::1:x:99999: "),
    "bad bind": (nothing, (*SCAN, "--bind", "here"), "--bind here: an IP address was expected"),
    # 192.0.2.0/24 is documentation (RFC 5737): no machine has it
    "foreign bind": (nothing, (*SCAN, "--bind", "192.0.2.1"), "--bind 192.0.2.1: Cannot assign requested address"),
    "bad condition": (nothing, (*SCAN, "--fail-on", "dane"), "--fail-on dane: FIELD=VALUE was expected"),
    "unknown field": (nothing, (*SCAN, "--fail-on", "tls=no"), "FIELD one of outcome, sender, dane, starttls"),
    "unknown value": (nothing, (*SCAN, "--fail-on", "dane=brokn"), "dane is one of protected, partial, broken"),
    "bad level": (nothing, (*SCAN, "--level", "paranoid"), "'paranoid' is not one of 'may', 'encrypt', 'dane'"),
    "bad port": (nothing, (*SCAN, "--port", "70000"), "70000 is not in the range"),
    "no time": (nothing, (*SCAN, "--deadline", "0"), "'--deadline'"),
    "not a time": (nothing, (*SCAN, "--deadline", "nan"), "'nan' is not a finite number"),
    "endless time": (nothing, (*SCAN, "--connect-timeout", "inf"), "'inf' is not a finite number"),
    "bad EHLO name": (nothing, (*SCAN, "--ehlo", "my host"), "--ehlo 'my host': a host name was expected"),
    "missing exclusions": (nothing, (*SCAN, "--exclude", "none"), "none: cannot be read"),
    "bad exclusion": (
        file("no.txt", "fine.example\nnot so fine\n"),
        (*SCAN, "--exclude", "no.txt"),
        "no.txt: line 2: 'not so fine'",
    ),
    "unwritable log": (nothing, (*SCAN, "--log-file", "none/log"), "none/log: cannot write the log"),
    "anonymous crowd": (many, SCAN, "more than 1000 targets require an EHLO name: --ehlo NAME"),
    "missing configuration": (nothing, TOML, "config.toml: cannot read the configuration: No such file"),
    "not TOML": (config("deadline = \n"), TOML, "config.toml: not TOML: "),
    "unknown key": (config("dead-line = 3\n"), TOML, "config.toml: unknown key 'dead-line'"),
    "unknown key in the table": (config("[scan]\nconfig = 'more.toml'\n"), TOML, "unknown key 'config'"),
    "word for a number": (config("port = 'smtp'\n"), TOML, "config.toml: port must be a whole number, not 'smtp'"),
    "number in quotes": (config("port = '25'\n"), TOML, "config.toml: port must be a whole number, not '25'"),
    "number for a time": (config("deadline = true\n"), TOML, "config.toml: deadline must be a number, not True"),
    "number for a switch": (config("quiet = 1\n"), TOML, "config.toml: quiet must be true or false, not 1"),
    "number for a file": (config("ca-file = 5\n"), TOML, "config.toml: ca-file must be a string, not 5"),
    "number in a list": (config("exclude = ['a', 5]\n"), TOML, "config.toml: exclude must be a string, not 5"),
    "list for one": (config("deadline = [3]\n"), TOML, "config.toml: deadline takes one value, not a list"),
    "out of range": (config("port = 70000\n"), TOML, "config.toml: port: 70000 is not in the range"),
    "no choice": (config("level = 'high'\n"), TOML, "config.toml: level: 'high' is not one of"),
    "no table": (config("scan = 3\n"), TOML, "config.toml: scan must be a table"),
    "report of nothing": (nothing, ("report", "none"), "none: no run here (run.json is missing)"),
    "report without run": (nothing, ("report",), "Missing argument 'RUN'"),
    "unknown schema": (
        nothing,
        ("schema", "certificates"),
        "domains, hosts, certs, rejects, run or status was expected",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line(case: str, tmp_path: Path) -> None:
    prepare, argv, expected = CASES[case]
    (tmp_path / "list").write_text("domain.example\n")
    prepare(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = mxsweep(*argv, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("mxsweep: ")
    assert expected in lines[0]
    assert sorted(tmp_path.iterdir()) == before, "a refused command leaves no files"


def test_closed_standard_input(tmp_path: Path) -> None:
    done = mxsweep("scan", "-", "-o", "-", cwd=tmp_path, preexec_fn=lambda: __import__("os").close(0))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "mxsweep: standard input is closed\n")
