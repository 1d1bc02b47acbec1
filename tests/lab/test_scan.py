"""A scan of the whole lab: every domain gets the verdict that the table expects, and every address one visit."""

from pathlib import Path

import pytest

from tests.lab.compare import difference
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab
from tests.sweep import MXSWEEP, Scan, trusting

pytestmark = pytest.mark.lab


def test_every_verdict_is_as_expected(scan: Scan) -> None:
    assert scan.done.returncode == 0, scan.done.stderr
    lines = scan.domains()
    assert set(lines) == {scenario.domain for scenario in SCENARIOS}
    assert [wrong for scenario in SCENARIOS if (wrong := difference(scenario, lines[scenario.domain]))] == []


def test_a_shared_host_is_visited_once(scan: Scan) -> None:
    """Eleven domains have mx.shared.test; each of its two addresses is connected to once for each key algorithm."""
    visits = [visit for visit in scan.visits() if visit["host"] == "mx.shared.test"]
    assert (len(visits), len({visit["address"] for visit in visits})) == (4, 2)


def test_no_address_sees_two_connections_at_once(scan: Scan) -> None:
    ours = {visit["connection"] for visit in scan.visits()}
    open_to: set[str] = set()
    crowded = set()
    for event in scan.events:
        mine = event["connection"] in ours
        if event["event"] == "connect" and mine:
            crowded |= {event["address"]} & open_to
            open_to.add(event["address"])
        if event["event"] == "close" and mine:
            open_to.discard(event["address"])
    assert len(ours) > len(SCENARIOS) / 2
    assert crowded == set()


LEVELS = {"may": None, "encrypt": None, "verify": None, "secure": None, "dane": "mx.sni.test"}


@pytest.mark.parametrize("level", LEVELS)
def test_scan_finger_and_postfix_send_the_same_server_name(lab: Lab, tmp_path: Path, level: str) -> None:
    """Debian's posttls-finger is the independent judge of what a sender at each level sends."""
    command = ("scan", "-", "-o", str(tmp_path / "run"), "--quiet", "--ehlo", "sni.lab.test", "--level", level)
    sent: dict[str, set[str | None]] = {}
    for name, argv, names in (
        ("postfix", ("posttls-finger", "-c", "-l", level, "-t", "5", "-T", "5", "sni.test"), ""),
        ("finger", (*MXSWEEP, "finger", "-c", "-l", level, "-t", "5", "-T", "5", "sni.test"), ""),
        ("scan", (*MXSWEEP, *command, *trusting(lab)), "sni.test\n"),
    ):
        mark = lab.mark()
        lab.run(*argv, stdin=names)
        events = lab.events(mark)
        sent[name] = {e["sni"] for e in events if e["host"] == "mx.sni.test" and e["event"] == "handshake"}
    assert sent == {program: {LEVELS[level]} for program in ("postfix", "finger", "scan")}
