"""The script of docs/nightly.md, as written, on three nights: sound, with a damaged list, and with a broken host."""

import gzip
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.days import in_lab
from tests.lab.cases_dane import case
from tests.lab.expectations import protected
from tests.lab.model import Scenario
from tests.lab.test_fixing import KeptZone
from tests.lab.use import Lab
from tests.sweep import trusting

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
NAMES = [f"night{number}" for number in range(5)]
DOMAINS = [f"{name}.test" for name in NAMES]


def script(place: Path) -> Path:
    """Write the script of the page, a ``mail`` that keeps its input, and ``mxsweep`` itself into a directory."""
    (text,) = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/nightly.md").read_text(), re.MULTILINE | re.DOTALL)
    programs = {
        "mxsweep-nightly": text,
        "mail": f'#!/bin/sh\n{{ echo "$@"; cat; }} >>{place}/mails\n',
        "mxsweep": f'#!/bin/sh\nexec {sys.executable} -m scanner "$@"\n',
    }
    (place / "bin").mkdir()
    for name, content in programs.items():
        file = place / "bin" / name
        file.write_text(content)
        file.chmod(0o755)
    return place / "bin" / "mxsweep-nightly"


def configuration(lab: Lab) -> str:
    """Return the options of scans in the lab as a configuration file."""
    flags = iter(("--ehlo", "night.lab.test", *trusting(lab)))
    rows = []
    for flag in flags:
        value = "true" if flag == "--allow-private" else next(flags)
        quoted = value if value == "true" or value.replace(".", "").isdigit() else f'"{value}"'
        rows.append(f"{flag.removeprefix('--')} = {quoted}\n")
    return "".join(rows)


def scenarios(broken: str = "") -> tuple[Scenario, ...]:
    """Return the domains of a night; the TLSA record of one host may not match its certificate."""
    found = tuple(case(name, "good", "3 1 1 leaf", protected(), "") for name in NAMES)
    wrong = case(broken or "none", "good", "3 1 1 wrong", protected(), "")
    return tuple(replace(each, hosts=wrong.hosts) if each.domain == f"{broken}.test" else each for each in found)


class Nights:
    """The directories of the job."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.program = script(place)
        self.pki = KeptZone()
        self.list = place / "list.gz"
        for name in ("runs", "metrics", "state"):
            (place / name).mkdir()

    def night(self, number: int, broken: str = "") -> int:
        """Run the script in the lab of a night and return its exit code."""
        with in_lab(scenarios(broken), self.pki, self.place, f"{number}") as lab:
            (self.place / "scan.toml").write_text(configuration(lab))
            done = lab.run(
                "sh", "-c", f'PATH="{self.place}/bin:$PATH" exec {self.program}', env=self._environment(number)
            )
        assert done.stderr == ""
        return done.returncode

    def _environment(self, number: int) -> dict[str, str]:
        return {
            "LIST": str(self.list),
            "CONFIG": str(self.place / "scan.toml"),
            "DIR": str(self.place / "runs"),
            "RUN": str(self.place / "runs" / f"night-{number}"),
            "METRICS": str(self.place / "metrics"),
            "XDG_STATE_HOME": str(self.place / "state"),
            "PYTHONPATH": str(ROOT),
        }

    def run(self, number: int) -> Run:
        return Run.open(self.place / "runs" / f"night-{number}")

    def mails(self) -> list[str]:
        """Return the e-mails so far, and forget them."""
        file = self.place / "mails"
        text = file.read_text() if file.exists() else ""
        file.unlink(missing_ok=True)
        return [mail for mail in text.split("-s ") if mail]


def test_three_nights(tmp_path_factory: pytest.TempPathFactory) -> None:
    nights = Nights(tmp_path_factory.mktemp("night"))
    whole = gzip.compress("".join(f"{domain}\n" for domain in DOMAINS).encode())
    nights.list.write_bytes(whole)
    assert nights.night(1) == 0
    assert nights.mails() == []
    assert {record.verdict.dane for record in nights.run(1).domains()} == {"protected"}

    nights.list.write_bytes(whole[:-8] + b"\0" * 3)  # its check value is cut off, and with it nothing but the check
    assert nights.night(2) == 2
    (mail,) = nights.mails()
    assert mail.startswith("mxsweep: scan 2, comparison 0 postmaster\n")
    assert "list.gz" in mail
    assert (nights.place / "runs" / "alert.txt").read_text() in mail
    assert nights.run(2).header.state is RunState.COMPLETE
    assert (nights.place / "runs" / "latest").readlink() == Path("night-2")

    nights.list.write_bytes(whole)
    assert nights.night(3, broken="night4") == 4
    (mail,) = nights.mails()
    assert mail.startswith("mxsweep: scan 0, comparison 4 postmaster\n")
    assert "mx.night4.test" in mail
    assert "night0.test" not in mail
    assert "mxsweep_domains_by_dane" in (nights.place / "metrics" / "mxsweep.prom").read_text()
    kept = {path.name for path in (nights.place / "runs").iterdir() if path.is_dir() and not path.is_symlink()}
    assert kept == {"night-1", "night-2", "night-3"}
    assert (nights.place / "runs" / "night-1" / "domains.jsonl.zst").exists()
