"""The lab is what it says: its DNS, its servers, its link, and that nothing stays behind."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.lab import bulk, control
from tests.lab.layout import Layout
from tests.lab.netns import in_namespaces
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab

pytestmark = pytest.mark.lab

FINGERS = 12  # posttls-fingers at once: most of them wait
WORD = re.compile(r"\b(Anonymous|Verified|Trusted|Untrusted) TLS connection established")


def dig(lab: Lab, *question: str) -> tuple[str, bool]:
    """The rcode of an answer and whether it is authenticated (AD, RFC 4035 section 3.2.3)."""
    text = lab.run("dig", "+tries=1", "+time=5", *question).stdout
    status = re.search(r"status: (\w+)", text)
    assert status, text
    return status[1], re.search(r"flags:[a-z ]* ad", text) is not None


@pytest.mark.parametrize(
    ("name", "rtype", "rcode", "authentic"),
    [
        ("good311.test", "MX", "NOERROR", True),
        ("_25._tcp.mx.good311.test", "TLSA", "NOERROR", True),
        ("nsec3.test", "MX", "NOERROR", True),
        ("wildcard.wildmx.test", "MX", "NOERROR", True),
        # denial of existence is signed as well: NSEC and NSEC3
        ("_25._tcp.mx.plain.test", "TLSA", "NXDOMAIN", True),
        ("_25._tcp.mx.nsec3-plain.test", "TLSA", "NXDOMAIN", True),
        ("no-such-domain.test", "MX", "NXDOMAIN", True),
        (".", "NS", "NOERROR", True),
        ("unsigned.test", "MX", "NOERROR", False),
        ("mx.insecure-host-host.test", "A", "NOERROR", False),
        ("mx-bogus.test", "MX", "SERVFAIL", False),
        ("mx-expired.test", "MX", "SERVFAIL", False),
        ("mx-wrong-ds.test", "MX", "SERVFAIL", False),
        ("_25._tcp.mx.tlsa-bogus.test", "TLSA", "SERVFAIL", False),
        ("mx.tlsa-bogus.test", "A", "NOERROR", True),
        ("_25._tcp.mx.tlsa-servfail.test", "TLSA", "SERVFAIL", False),
        ("_25._tcp.mx.tlsa-notimp.test", "TLSA", "SERVFAIL", False),
        ("mx.tlsa-notimp.test", "A", "NOERROR", True),
    ],
)
def test_resolver_validates(lab: Lab, name: str, rtype: str, rcode: str, *, authentic: bool) -> None:
    assert dig(lab, name, rtype) == (rcode, authentic)


@pytest.mark.parametrize("name", ["mx-bogus.test", "mx-expired.test", "mx-wrong-ds.test"])
def test_what_is_bogus_is_there_with_checking_disabled(lab: Lab, name: str) -> None:
    assert dig(lab, "+cd", name, "MX") == ("NOERROR", False)


def test_what_is_not_answered_is_not_there_with_checking_disabled(lab: Lab) -> None:
    assert dig(lab, "+cd", "mx-servfail.test", "MX") == ("SERVFAIL", False)


def finger(lab: Lab, domain: str) -> str:
    """Postfix's own word for the session with a domain, empty when there was none."""
    done = lab.run("posttls-finger", "-c", "-l", "dane", "-t", "5", "-T", "5", domain)
    word = WORD.search(done.stdout + done.stderr)
    return word[1] if word else ""


def test_postfix_agrees_with_the_table(lab: Lab) -> None:
    """An independent judge of every domain: Debian's posttls-finger at level dane, without a trust store."""
    with ThreadPoolExecutor(FINGERS) as pool:
        words = dict(pool.map(lambda s: (s.domain, finger(lab, s.domain)), SCENARIOS))
    wrong = {s.domain: (words[s.domain], s.finger) for s in SCENARIOS if words[s.domain] not in s.finger}
    assert wrong == {}


def test_server_log_tells_what_happened(lab: Lab) -> None:
    mark = lab.mark()
    assert finger(lab, "v4-only.test") == "Verified"
    mine = [event for event in lab.events(mark) if event["host"] == "mx.v4-only.test"]
    assert [event["event"] for event in mine] == [
        "connect",
        "ehlo",
        "starttls",
        "handshake",
        "ehlo",
        "quit",
        "close",
    ]
    assert mine[3]["sni"] == "mx.v4-only.test"
    assert mine[3]["version"] == "TLSv1.3"


def connects(lab: Lab, address: str) -> bool:
    return lab.run("bash", "-c", f": < /dev/tcp/{address}/25").returncode == 0


def address_of(lab: Lab, name: str, rtype: str) -> str:
    return lab.run("dig", "+short", name, rtype).stdout.strip()


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab for one test, to be cut and killed."""
    layout = Layout(tmp_path / "lab")
    yield Lab(layout, control.up(layout))
    control.down(layout)


def test_link_and_life(own_lab: Lab) -> None:
    """One start for all of it: starting takes seconds."""
    v4, v6 = (address_of(own_lab, "mx.good311.test", rtype) for rtype in ("A", "AAAA"))
    assert connects(own_lab, v4)
    assert connects(own_lab, v6)
    own_lab.cut()
    assert not connects(own_lab, v4)
    assert not connects(own_lab, v6)
    own_lab.mend()
    assert connects(own_lab, v4)
    assert connects(own_lab, v6)

    layout, record = own_lab.layout, own_lab.record
    assert control.up(layout) == record, "a second up must find the first"

    victim = record.processes["smtpd"]
    os.kill(victim, signal.SIGKILL)
    until = time.monotonic() + 10
    while victim in alive(record) and time.monotonic() < until:
        time.sleep(0.01)  # death takes a moment
    again = control.up(layout)
    assert again.processes["smtpd"] != record.processes["smtpd"]
    # the kernel gives namespace numbers out again at once, so it is the processes that must differ
    assert set(record.processes.values()) & set(alive(again)) == set()

    control.down(layout)
    assert {again.client, again.server, *again.processes.values()} & set(alive(again)) == set()
    assert not layout.state.exists()
    assert list(layout.state.parent.iterdir()) == []
    assert control.down(layout) is False


def alive(record: control.LabRecord) -> list[int]:
    """Processes of a lab that still run; a dead one that nobody has waited for has no namespaces any more."""
    return in_namespaces(tuple(record.nets))


def test_a_lab_that_gets_the_number_of_one_that_ends_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel gives the numbers of namespaces out again while we still wait for the end of the old lab."""
    layout = Layout(tmp_path)
    layout.record.write_text(json.dumps(asdict(control.LabRecord(1, 2, ["net:[1]"], "", ""))))
    inside, signalled = [3], []
    marks = {3: f"MXSWEEP_LAB={tmp_path}".encode(), 4: b"MXSWEEP_LAB=/another"}
    monkeypatch.setattr(control, "in_namespaces", lambda nets: list(inside) if nets else [])
    monkeypatch.setattr(control, "_environment", lambda pid: [marks[pid]])

    def kill(pids: list[int], _: signal.Signals) -> None:
        signalled.extend(pids)
        inside[:] = [4]

    monkeypatch.setattr(control, "_signal", kill)
    control._stop(layout)
    assert signalled == [3]


def test_bulk_hosts() -> None:
    """Each host has a network of its own and a domain at least, and the first hosts have most of them."""
    hosts, shared = bulk.hosts(60_000), bulk.mail_host_of(60_000)
    assert len({host.address.rpartition(".")[0] for host in hosts}) == len(hosts) == 6000
    assert set(shared) == set(range(6000))
    assert shared.count(0) > shared.count(1) > shared.count(100)
