"""Doctor and preflight in the lab: all is well there, and where the resolver does not validate nothing is claimed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.lab.compare import difference
from tests.lab.public import CLIENT_NAME
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import PATIENCE, Lab

pytestmark = pytest.mark.lab

MXSWEEP = (sys.executable, "-m", "scanner")
PLAIN = "127.0.0.1:5053"
HURRY = ("--spacing", "0", "--retries", "0")
LIMIT = 30.0  # seconds for what takes one
RESOLVER_ROWS = ["signed name", "bogus name", "unsigned name", "denial", "tcp"]


def doctor(lab: Lab, *more: str) -> tuple[int, list[dict[str, str]]]:
    """The exit code and the rows."""
    done = lab.run(*MXSWEEP, "doctor", "--json", "--ehlo", CLIENT_NAME, "--ca-file", str(lab.root_pem), *more)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["checks"]


def states(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["check"]: row["state"] for row in rows}


def private(lab: Lab) -> tuple[str, ...]:
    """The flags of a private unbound for the lab's internet."""
    zones = lab.layout.zones
    return ("--resolver", "unbound", "--root-hints", f"{zones}/hints", "--trust-anchor", f"{zones}/anchor")


def forwarding(lab: Lab) -> tuple[str, ...]:
    """The flags of a private unbound that asks the lab's own."""
    return ("--forward", "127.0.0.1", "--resolver", "unbound", "--trust-anchor", f"{lab.layout.zones}/anchor")


@pytest.fixture(scope="module")
def plain(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A resolver on loopback that does not validate: its answers look as if nothing were signed."""
    conf = tmp_path_factory.mktemp("plain") / "unbound.conf"
    text = (lab.layout.zones / "unbound.conf").read_text()
    text = text.replace("interface: 127.0.0.1", f"interface: {PLAIN.replace(':', '@')}").replace("interface: ::1", "")
    conf.write_text(text.replace('module-config: "validator iterator"', 'module-config: "iterator"'))
    process = lab.popen("unbound", "-d", "-p", "-c", str(conf), stderr=subprocess.DEVNULL)
    try:
        port = PLAIN.partition(":")[2]
        wait_for(lambda: lab.run("dig", "@127.0.0.1", "-p", port, "+time=1", "+tries=1", "localhost").returncode == 0)
        yield PLAIN
    finally:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], Any]) -> Any:
    """Wait until something is there."""
    until = time.monotonic() + LIMIT
    while not (found := what()):
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("flags", [lambda _: (), private, forwarding, lambda _: ("--resolver", "[::1]:53")])
def test_all_is_ok_in_the_lab(lab: Lab, flags: Callable[[Lab], tuple[str, ...]]) -> None:
    code, rows = doctor(lab, *flags(lab))
    assert [row for row in rows if row["state"] != "ok"] == []
    assert code == 0
    port25 = ["port 25", "port 25", "ehlo", "ehlo", "ipv6"]
    own = [] if flags in (private, forwarding) else ["validates"]  # a private unbound needs no such row
    assert [row["check"] for row in rows] == [*RESOLVER_ROWS, *own, "clock", *port25, "files", "trust store"]
    assert all(row["text"].startswith("itself (unbound ") for row in rows if row["check"] == "validates")


def test_a_resolver_that_does_not_validate_fails_in_the_right_rows(lab: Lab, plain: str) -> None:
    code, rows = doctor(lab, "--resolver", plain)
    assert code == 3
    wanted = {"signed name": "fail", "bogus name": "fail", "unsigned name": "ok", "denial": "fail", "tcp": "ok"}
    assert {check: states(rows)[check] for check in RESOLVER_ROWS} == wanted
    assert all(state == "ok" for check, state in states(rows).items() if check not in wanted)


def test_of_two_resolvers_the_one_that_validates_is_used(lab: Lab, plain: str) -> None:
    done = lab.run(*MXSWEEP, "scan", "--domain", "good311.test", "-o", "-", "--allow-private",
                   "--resolver", plain, "--resolver", "127.0.0.1")  # fmt: skip
    line = json.loads(done.stdout)
    assert line["verdict"]["dane"] == "protected"
    assert line["route"]["mx"]["resolver"] == "127.0.0.1:53"


def test_a_scan_without_validation_is_refused(lab: Lab, plain: str, tmp_path: Path) -> None:
    mark = lab.mark()
    run = tmp_path / "run"
    done = lab.run(*MXSWEEP, "scan", "--domain", "good311.test", "-o", str(run), "--allow-private",
                   "--ehlo", "refused.lab.test", "--resolver", plain)  # fmt: skip
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"mxsweep: no resolver validates DNSSEC: {plain}: internetsociety.org: data,")
    assert not run.exists()
    assert [event for event in lab.events(mark) if event.get("line") == "EHLO refused.lab.test"] == []


@pytest.mark.parametrize("flags", [("--unvalidated",), ("--level", "may"), ("--level", "may", "--unvalidated")])
def test_where_it_may_go_on_it_claims_nothing_about_dane(
    lab: Lab, plain: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    given = ("--domain", "good311.test", "--domain", "plain.test", "--domain", "mx-bogus.test")
    done = lab.run(*MXSWEEP, "scan", *given, "-o", str(run), "--quiet", "--allow-private", "--resolver", plain, *flags)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("DNSSEC is not validated") == 1
    lines = [json.loads(line) for line in (run / "domains.jsonl").read_text().splitlines()]
    assert len(lines) == 3
    assert {line["verdict"]["dane"] for line in lines} == {"unknown"}
    assert {line["route"]["mx"]["security"] for line in lines} == {"indeterminate"}
    kept = json.loads((run / "run.json").read_text())["preflight"]
    assert kept["validated"] is False
    assert [row["state"] for row in kept["checks"]] == ["fail", "fail", "ok", "fail", "ok"]


def test_a_remote_resolver_is_believed_only_when_trusted(lab: Lab) -> None:
    """10.53.0.1 is an authoritative server of the lab: not on loopback, and it would not recurse either."""
    code, rows = doctor(lab, "--resolver", "10.53.0.1")
    assert (code, rows[0]["check"], rows[0]["state"]) == (3, "trust", "fail")
    code, rows = doctor(lab, "--resolver", "10.53.0.1", "--trust-resolver")
    assert (code, rows[0]["check"], rows[0]["state"]) == (3, "signed name", "fail")


def test_doctor_warns_and_fails_where_it_should(lab: Lab) -> None:
    hosts = ("--port25-host", "mx.good311.test", "--port25-host", "no-such-host.test")
    code, rows = doctor(lab, *hosts, "--concurrency", "100000000", "--ehlo", "mx.good311.test")
    assert code == 0
    port25 = [(row["subject"], row["state"]) for row in rows if row["check"] == "port 25"]
    assert port25 == [("mx.good311.test", "ok"), ("no-such-host.test", "warn")]
    assert states(rows)["files"] == "warn", "a scan makes fewer connections"
    ehlo = [row for row in rows if row["check"] == "ehlo"]
    assert [row["state"] for row in ehlo] == ["warn", "warn"]
    assert "client.lab.test" in ehlo[0]["text"]


def test_port_25_that_leads_nowhere_fails(lab: Lab) -> None:
    code, rows = doctor(lab, "--port25-host", "mx.refused.test", "--family", "ipv4")
    assert code == 3
    assert states(rows)["port 25"] == "fail"
    assert "ipv6" not in states(rows)


# --- the private unbound in a scan ----------------------------------------------------------------------------


def child_of(pid: int) -> int | None:
    """The unbound among a process's children, once it is one."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError):  # the child has ended since
            if Path(f"/proc/{child}/comm").read_text().strip() == "unbound":
                return int(child)
    return None


def start_scan(lab: Lab, run: Path) -> subprocess.Popen[Any]:
    domains = run.with_name("domains")
    domains.write_text("".join(f"{scenario.domain}\n" for scenario in SCENARIOS))
    trust = ("--allow-private", "--ca-file", str(lab.root_pem), "--ehlo", CLIENT_NAME, "--quiet")
    command = (*MXSWEEP, "scan", str(domains), "-o", str(run), *trust, *PATIENCE, *HURRY, *private(lab))
    left = {"TMPDIR": str(run.parent)}  # a killed program leaves its temporary files behind
    return lab.popen(*command, env=left, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_private_unbound_that_dies_once_costs_no_verdict(lab: Lab, tmp_path: Path) -> None:
    """Killed when the first records are there; its verdicts are the table's, as with the lab's own unbound."""
    run = tmp_path / "run"
    scan = start_scan(lab, run)
    domains = run / "domains.jsonl"
    wait_for(lambda: domains.exists() and domains.stat().st_size)
    first = wait_for(lambda: child_of(scan.pid))
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: (now := child_of(scan.pid)) != first and now)
    _, errors = scan.communicate(timeout=120)
    assert scan.returncode == 0, errors
    lines = {line["target"]["raw"]: line for line in map(json.loads, domains.read_text().splitlines())}
    assert [wrong for scenario in SCENARIOS if (wrong := difference(scenario, lines[scenario.domain]))] == []
    assert not Path(f"/proc/{second}").exists()


def test_a_private_unbound_that_dies_twice_ends_the_scan(lab: Lab, tmp_path: Path) -> None:
    run = tmp_path / "run"
    scan = start_scan(lab, run)
    wait_for((run / "run.json").exists)
    first = wait_for(lambda: child_of(scan.pid))
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: (now := child_of(scan.pid)) != first and now)
    time.sleep(0.3)  # it is ready within a tenth of that; killed earlier it counts as one that does not start
    os.kill(second, signal.SIGKILL)
    _, errors = scan.communicate(timeout=60)
    assert scan.returncode == 3
    assert "failed again" in errors or "does not start" in errors
    assert len(errors.splitlines()) == 1
    assert json.loads((run / "run.json").read_text())["state"] == "interrupted"


def test_nothing_is_left_behind_even_by_a_killed_scan(lab: Lab, tmp_path: Path) -> None:
    scan = start_scan(lab, tmp_path / "run")
    child = wait_for(lambda: child_of(scan.pid))
    scan.kill()
    scan.communicate()
    wait_for(lambda: not Path(f"/proc/{child}").exists())
