"""``mxsweep scan`` in the lab: output, progress, exit codes, files, and what it contacts."""

import json
import os
import pty
import re
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from results.schema.schema import SCHEMAS, schema
from tests.cli.run import mxsweep
from tests.lab.use import Lab
from tests.sweep import MXSWEEP, Scan, trusting

pytestmark = pytest.mark.lab

GOOD, BAD = "good311.test", "bad311.test"


def domain_list(directory: Path, *domains: str) -> str:
    path = directory / "list"
    path.write_text("".join(f"{domain}\n" for domain in domains))
    return str(path)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_pipe(lab: Lab) -> None:
    """One good line, one bad: one JSON line on stdout, the reject with its reason on stderr, exit code 0."""
    done = lab.run(*MXSWEEP, "scan", "-", "-o", "-", "--quiet", *trusting(lab), stdin=f"{GOOD}\nbad domain\n")
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert (record["key"], record["verdict"]["dane"]) == (GOOD, "protected")
    reason = "not a valid host name: it contains white space"
    many = "1 of 2 lines are rejected (50.0 %, more than --max-rejects 10); most often"
    assert done.stderr.splitlines() == [f"mxsweep: {many}: {reason}", f"-:2: bad domain: {reason}"]


def test_progress_in_a_log(lab: Lab, tmp_path: Path) -> None:
    """Without a terminal, progress is plain lines, the last with the final figures; stdout stays empty."""
    done = lab.run(*MXSWEEP, "scan", domain_list(tmp_path, GOOD, BAD), "-o", str(tmp_path / "run"), *trusting(lab))
    assert (done.returncode, done.stdout) == (0, "")
    assert "\x1b" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("2 of 2 domains (100.0 %)")
    assert "dane: broken 1, protected 1" in last


def test_progress_on_a_terminal(lab: Lab, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    argv = ("scan", domain_list(tmp_path, GOOD, BAD), "-o", "-", *trusting(lab))
    process = lab.popen(*MXSWEEP, *argv, stdout=-1, stderr=slave, text=True, env={"TERM": "xterm", "COLUMNS": "80"})
    os.close(slave)
    out = process.communicate(timeout=60)[0]
    shown = os.read(master, 1 << 20).decode()
    os.close(master)
    assert "\x1b[" in shown
    assert "2 of 2 domains (100.0 %)" in shown
    assert [json.loads(line)["key"] for line in out.splitlines()] != []
    assert "\x1b" not in out


def test_quiet(lab: Lab, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    done = lab.run(*MXSWEEP, "scan", domain_list(tmp_path, GOOD), "-o", run, "--quiet", *trusting(lab))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_verdict_in_words(lab: Lab) -> None:
    done = lab.run(*MXSWEEP, "scan", "--domain", BAD, *trusting(lab))
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    assert f"{BAD}: at level dane, a sender delivers nothing now and tries again later." in words
    assert "no TLSA record matches the certificate chain (tlsa-mismatch)" in words
    assert "TLSRPT result types: validation-failure" in words


@pytest.mark.parametrize(
    ("condition", "code"), [("dane=broken", 4), ("outcome=fail", 4), ("dane=protected", 0), ("starttls=none", 0)]
)
def test_fail_on(lab: Lab, condition: str, code: int) -> None:
    assert lab.run(*MXSWEEP, "scan", "--domain", BAD, "--fail-on", condition, *trusting(lab)).returncode == code


def test_log_file(lab: Lab, tmp_path: Path) -> None:
    log = tmp_path / "log"
    targets = domain_list(tmp_path, GOOD, "bad domain")
    lab.run(*MXSWEEP, "scan", targets, "-o", str(tmp_path / "run"), "--log-file", str(log), *trusting(lab))
    text = log.read_text()
    assert f"INFO {GOOD}: ok" in text
    assert "WARNING" in text
    assert "list:2: not scanned: not a valid host name" in text


def test_status_and_metrics_agree_with_the_records(lab: Lab, tmp_path: Path) -> None:
    status, prom, run = tmp_path / "status", tmp_path / "mxsweep.prom", tmp_path / "run"
    files = ("--status-file", str(status), "--metrics-file", str(prom), "--status-every", "0.2")
    targets = domain_list(tmp_path, GOOD, BAD, "bad domain")
    assert lab.run(*MXSWEEP, "scan", targets, "-o", str(run), "--quiet", *files, *trusting(lab)).returncode == 0
    lines = read(status)
    for line in lines:
        jsonschema.validate(line, schema("status"))
    assert (lines[0]["state"], lines[0]["done"], lines[0]["total"]) == ("running", 0, 2)
    last = lines[-1]
    assert (last["state"], last["done"], last["total"], last["rejects"], last["eta"]) == ("complete", 2, 2, 1, 0)
    assert last["dane"] == {"protected": 1, "broken": 1}
    assert not any(last["in_flight"].values())
    totals = json.loads((run / "run.json").read_text())["totals"]
    of_the_list = {"lines": 3, "duplicates": 0}
    shared = {name: last[name] for name in totals if name not in {"domains", "seconds", *of_the_list}}
    assert {"domains": last["done"], **of_the_list, "seconds": totals["seconds"], **shared} == totals
    assert f"mxsweep_scan_endpoints_probed {totals['endpoints_probed']}\n" in prom.read_text()
    assert 'mxsweep_scan_state{state="complete"} 1\n' in prom.read_text()


@pytest.mark.parametrize("flag", ["--status-file", "--metrics-file"])
def test_a_file_that_cannot_be_written_prevents_the_scan(flag: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = mxsweep("scan", domain_list(tmp_path, GOOD), "-o", str(run), flag, str(tmp_path / "nowhere" / "file"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"mxsweep: {tmp_path}/nowhere/file: No such file or directory\n"
    assert not run.exists()


# --- what is contacted ----------------------------------------------------------------------------------------

WATCHED = """\
import sys
sys.addaudithook(lambda event, args: event == "socket.connect" and print("connect", *args[1][:2], file=sys.stderr))
from scanner.cli import main
sys.exit(main())
"""


def connects(err: str) -> list[str]:
    """Return the addresses of connections to port 25, as audit events of the interpreter report them."""
    return re.findall(r"^connect (\S+) 25$", err, re.MULTILINE)


def test_dry_run(lab: Lab, tmp_path: Path) -> None:
    watched = (sys.executable, "-c", WATCHED, "scan", domain_list(tmp_path, GOOD, BAD, "null-mx.test", "x y"))
    done = lab.run(*watched, "--dry-run", *trusting(lab))
    assert done.returncode == 0
    assert connects(done.stderr) == []
    said = done.stdout.splitlines()
    assert said[:3] == [
        "3 domains, 1 lines not scanned",
        "2 MX hosts of 2 providers, 4 addresses",
        "at most 4 connections, about 2 s at these caps if every server answers",
    ]
    assert len(connects(lab.run(*watched, "-o", "-", *trusting(lab)).stderr)) >= 4, "the audit hook sees connections"


def test_ten_domains_of_one_host(lab: Lab, tmp_path: Path) -> None:
    """The log of the server has two connections to each of the two addresses, one for each key algorithm."""
    run = tmp_path / "run"
    targets = domain_list(tmp_path, *(f"share{n}.test" for n in range(10)))
    mark = lab.mark()
    done = lab.run(*MXSWEEP, "scan", targets, "-o", str(run), "--ehlo", "shared.lab.test", *trusting(lab))
    assert done.returncode == 0
    visits = [e for e in lab.events(mark) if e["event"] == "ehlo" and e["line"] == "EHLO shared.lab.test"]
    assert len({visit["peer"] for visit in visits}) == 2 * len({visit["address"] for visit in visits}) == 4
    totals = json.loads((run / "run.json").read_text())["totals"]
    assert (totals["domains"], totals["endpoints_probed"], totals["endpoints_shared"]) == (10, 4, 18)
    assert "4 endpoints probed, 18 shared" in done.stderr


def address(lab: Lab, host: str, rtype: str) -> str:
    return lab.run("dig", "+short", host, rtype).stdout.strip()


def test_exclusions(lab: Lab, tmp_path: Path) -> None:
    """Exclusions name a domain, a domain with all below it, an MX host, and networks."""
    v4, v6 = (address(lab, "mx.v4-only.test", "A"), address(lab, f"mx.{BAD}", "AAAA"))
    networks = f"{ip_network(f'{v4}/24', strict=False)}\n{ip_network(f'{v6}/48', strict=False)}\n"
    (tmp_path / "no").write_text(f"good301.test\n.wildmx.test\nmx.{GOOD} # an MX host\n{networks}")
    targets = domain_list(tmp_path, "good301.test", "sub.wildmx.test", GOOD, "v4-only.test", BAD)
    run = tmp_path / "run"
    mark = lab.mark()
    argv = ("scan", targets, "-o", str(run), "--exclude", str(tmp_path / "no"), "--ehlo", "excluded.lab.test")
    done = lab.run(*MXSWEEP, *argv, *trusting(lab))
    assert done.returncode == 0, done.stderr
    rejects = read(run / "rejects.jsonl")
    assert sorted(reject["raw"] for reject in rejects) == ["good301.test", "sub.wildmx.test"]
    assert all(reject["reason"].startswith("opted-out: ") for reject in rejects)
    skipped = {h["host"]: {s["address"]: s["reason"] for s in h["skipped"]} for h in read(run / "hosts.jsonl")}
    assert set(skipped[f"mx.{GOOD}"].values()) == {"opted-out"}
    assert skipped["mx.v4-only.test"] == {v4: "opted-out"}
    assert skipped[f"mx.{BAD}"] == {v6: "opted-out"}
    verdicts = {line["key"]: line["verdict"] for line in read(run / "domains.jsonl")}
    assert verdicts[GOOD]["outcome"] == "inconclusive"
    assert verdicts[BAD]["outcome"] == "fail", "its other address may be contacted"
    greeted = {e["host"] for e in lab.events(mark) if e["event"] == "ehlo" and e["line"] == "EHLO excluded.lab.test"}
    assert greeted == {f"mx.{BAD}"}


def test_special_purpose_addresses_are_not_contacted(lab: Lab) -> None:
    """The addresses of the lab are in 10.0.0.0/8 and fd00::/8."""
    done = lab.run(sys.executable, "-c", WATCHED, "scan", "--domain", GOOD)
    assert done.returncode == 0
    assert connects(done.stderr) == []
    words = " ".join(done.stdout.split())
    assert words.count("not contacted: the address is special-purpose and was not contacted") == 2


# --- what is written ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validators() -> dict[str, jsonschema.Draft202012Validator]:
    """Validators of the schemas that ``mxsweep schema`` prints."""
    made = {}
    for name in SCHEMAS:
        done = mxsweep("schema", name)
        assert (done.returncode, done.stderr) == (0, "")
        made[name] = jsonschema.Draft202012Validator(json.loads(done.stdout))
    return made


@pytest.mark.parametrize("name", ["domains", "hosts", "certs", "rejects"])
def test_every_line_is_valid(scan: Scan, validators: dict[str, jsonschema.Draft202012Validator], name: str) -> None:
    lines = read(scan.run / f"{name}.jsonl")
    assert lines
    for line in lines:
        validators[name].validate(line)


def test_the_header_is_valid(scan: Scan, validators: dict[str, jsonschema.Draft202012Validator]) -> None:
    header = json.loads((scan.run / "run.json").read_text())
    validators["run"].validate(header)
    assert header["state"] == "complete"
    assert header["totals"]["rejects"] == 1


def test_lines_that_stand_alone_are_valid(lab: Lab, validators: dict[str, jsonschema.Draft202012Validator]) -> None:
    argv = (arg for domain in (GOOD, BAD, "null-mx.test", "tls10.test") for arg in ("--domain", domain))
    done = lab.run(*MXSWEEP, "scan", *argv, "-o", "-", "--quiet", *trusting(lab))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 4
    for record in records:
        validators["domains"].validate(record)
        assert {report["key"] for report in record["reports"]} == {host["report"] for host in record["hosts"]}


def test_the_report_of_the_lab(lab: Lab, scan: Scan) -> None:
    assert lab.layout.state.exists()
    done = mxsweep("report", str(scan.run))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Steps to protection" in done.stdout
    records = [line for line in done.stdout.splitlines() if " IN TLSA " in line]  # on one line, to be copied
    assert records
    assert max(len(line) for line in done.stdout.splitlines() if line not in records) <= 80
    assert "Traceback" not in done.stdout
