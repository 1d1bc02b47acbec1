"""``mxsweep check`` on domains of the lab: the line and the exit code of a monitoring plugin."""

import re

import pytest

from tests.lab.use import Lab
from tests.sweep import MXSWEEP

pytestmark = pytest.mark.lab

GOOD, BAD, MISSING = "good311.test", "bad311.test", "no-such-domain.test"


def check(lab: Lab, *argv: str) -> tuple[int, str]:
    done = lab.run(
        *MXSWEEP, "check", *argv, "--allow-private", "--ca-file", str(lab.root_pem), "--ehlo", "check.lab.test"
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return done.returncode, done.stdout.rstrip("\n")


def test_a_protected_domain(lab: Lab) -> None:
    code, line = check(lab, GOOD, "--require", "dane")
    assert code == 0
    assert re.fullmatch(rf"DANE OK - {GOOD}: protected, 1 host \| days=\d+ hosts=1", line)


def test_an_expiry_and_a_verdict_of_a_protected_domain(lab: Lab) -> None:
    code, line = check(lab, GOOD, "--warn-days", "36500", "--crit", "starttls=none")
    assert code == 1
    assert line.startswith(f"DANE WARNING - {GOOD}: protected, 1 host; a certificate expires in ")


def test_a_broken_domain_names_its_host(lab: Lab) -> None:
    code, line = check(lab, BAD)
    assert code == 2
    assert line.startswith(f"DANE CRITICAL - {BAD}: broken, 1 host; mx.{BAD}: ")


def test_a_domain_that_does_not_exist(lab: Lab) -> None:
    code, line = check(lab, MISSING)
    assert code == 2
    assert line.startswith(f"DANE CRITICAL - {MISSING}: no_mail, 0 hosts")
    assert line.endswith("| hosts=0")
