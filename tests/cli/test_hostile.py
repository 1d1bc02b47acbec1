"""Servers that send without end or not at all: each probe ends in time, in bounded memory, with its own reason."""

import json
import sys
from pathlib import Path

import pytest

from tests.lab.compare import reasons
from tests.lab.use import Lab
from tests.sweep import MXSWEEP, Scan, trusting

pytestmark = pytest.mark.lab

SLACK = 3.0  # seconds: a test machine may be busy
MIB = 1 << 20
GROWTH = 16 * MIB
"""Memory allowed above that of a scan of well-behaved hosts. The flooding servers of the lab send 64 MiB each."""

# domain, reason, phase in which it ends, limit of that phase in seconds (tests.lab.use.PATIENCE)
CASES = [
    ("greeting-none.test", "greeting-timeout", "greeting", 5.0),
    ("greeting-drip.test", "greeting-timeout", "greeting", 5.0),
    ("greeting-endless.test", "reply-too-long", "greeting", 5.0),
    ("ehlo-none.test", "command-timeout", "ehlo", 4.0),
    ("ehlo-endless.test", "reply-too-long", "ehlo", 4.0),
    ("tls-silent.test", "tls-timeout", "handshake", 4.0),
    ("tls-big-chain.test", "tls-message-too-long", "handshake", 4.0),
]


@pytest.mark.parametrize(("domain", "reason", "phase", "limit"), CASES)
def test_each_ends_in_time_with_its_reason(scan: Scan, domain: str, reason: str, phase: str, limit: float) -> None:
    line = scan.domains()[domain]
    assert reason in reasons(line)
    reports = [scan.hosts()[host["report"]] for host in line["hosts"]]
    probes = [probe for report in reports for each in report["endpoints"] for probe in each["probes"]]
    assert probes
    for probe in probes:
        assert probe["failure"]["phase"] == phase
        assert probe["ms"][phase] <= (limit + SLACK) * 1000
        assert sum(probe["ms"].values()) <= (15 + SLACK) * 1000, "the deadline of the whole probe"


def test_what_is_kept_of_a_flood_is_short(scan: Scan) -> None:
    sizes = {domain: len(json.dumps(scan.hosts()[f"mx.{domain}:25/smtp"])) for domain, *_ in CASES}
    assert max(sizes.values()) < 64 * 1024, sizes


MEASURED = """\
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def peak(lab: Lab, directory: Path, *domains: str) -> int:
    """Return the peak memory of a scan of some domains, in octets."""
    directory.mkdir()
    (directory / "list").write_text("".join(f"{domain}\n" for domain in domains))
    scan = ("scan", str(directory / "list"), "-o", str(directory / "run"), "--quiet", *trusting(lab))
    code, octets = map(int, lab.run(sys.executable, "-c", MEASURED, *MXSWEEP, *scan).stdout.split())
    assert code == 0
    return octets


def test_floods_take_no_memory(lab: Lab, tmp_path: Path) -> None:
    calm = peak(lab, tmp_path / "calm", "good311.test", "bad311.test")
    flooded = peak(lab, tmp_path / "flooded", "greeting-endless.test", "ehlo-endless.test", "tls-big-chain.test")
    assert flooded - calm < GROWTH, f"{calm / MIB:.0f} MiB, then {flooded / MIB:.0f} MiB"
