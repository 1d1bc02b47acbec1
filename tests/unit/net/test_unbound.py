"""A private unbound: its configuration, its anchor, its life and its death. The program is the real one."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import dns.dnssec
import dns.rdata
import pytest
import trio

from scanner.core.answers import failed
from scanner.facts import Answer
from scanner.net import unbound, unbound_conf
from scanner.net.resolver import open_resolver
from scanner.net.unbound import Unbound, UnboundError, free_port, private_unbound, program
from scanner.net.unbound_conf import UnboundSettings, configuration, shipped_anchor
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome

PUBLIC = UnboundSettings()
ROOT_KSK = {  # IANA's root-anchors.xml, as Debian's dns-root-data has it in root.ds
    20326: "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d",
    38696: "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16",
}
OWN_NAME = "sign.invalid"
LIMIT = 20.0  # seconds for what takes a tenth of one


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mxsweep"


# --- configuration --------------------------------------------------------------------------------------------


def test_shipped_anchor() -> None:
    rows = [line for line in shipped_anchor().decode().splitlines() if not line.startswith(";")]
    assert all(row.startswith(". IN DS ") for row in rows)
    records = [dns.rdata.from_text("IN", "DS", row.partition(" DS ")[2]) for row in rows]
    assert {r.key_tag: r.digest.hex() for r in records} == ROOT_KSK  # type: ignore[attr-defined] # dnspython's DS
    assert {(r.algorithm, r.digest_type) for r in records} == {(8, 2)}  # type: ignore[attr-defined] # the same


@pytest.mark.parametrize(
    "settings",
    [
        PUBLIC,
        UnboundSettings(forward=("2001:db8::53", 5353)),
        UnboundSettings(forward=("192.0.2.53", 53), in_flight=100_000),
    ],
)
def test_unbound_takes_the_configuration(settings: UnboundSettings, tmp_path: Path) -> None:
    conf = tmp_path / "unbound.conf"
    conf.write_text(configuration(settings, tmp_path, 5300, own_name=OWN_NAME, version=(1, 17)))
    done = subprocess.run(["unbound-checkconf", str(conf)], capture_output=True, text=True, check=False,
                          env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"})  # fmt: skip
    assert done.returncode == 0, done.stderr


def options(settings: UnboundSettings, tmp_path: Path, version: tuple[int, ...] = (1, 17)) -> list[str]:
    return [
        line.strip()
        for line in configuration(settings, tmp_path, 5300, own_name=OWN_NAME, version=version).splitlines()
    ]


def test_only_this_machine_may_ask_and_nobody_control(tmp_path: Path) -> None:
    lines = options(PUBLIC, tmp_path)
    assert [line for line in lines if line.startswith("interface:")] == ["interface: 127.0.0.1@5300"]
    assert [line for line in lines if line.startswith("access-control:")] == ["access-control: 127.0.0.0/8 allow"]
    assert "control-enable: no" in lines
    assert 'module-config: "validator iterator"' in lines


@pytest.mark.parametrize(("version", "has"), [((), False), ((1, 15), False), ((1, 16), True), ((1, 22), True)])
def test_extended_errors_where_unbound_knows_them(version: tuple[int, ...], tmp_path: Path, *, has: bool) -> None:
    """RFC 8914; the option came with unbound 1.16."""
    assert ("ede: yes" in options(PUBLIC, tmp_path, version)) is has


def test_a_closed_network_may_have_what_the_internet_has_not(tmp_path: Path) -> None:
    """RFC 6761 and RFC 6303: without more words unbound answers such names itself."""
    hints = UnboundSettings(root_hints="hints")
    assert 'local-zone: "test." nodefault' in options(hints, tmp_path)
    assert f'root-hints: "{Path.cwd()}/hints"' in options(hints, tmp_path)
    assert 'local-zone: "test." nodefault' not in options(PUBLIC, tmp_path)
    assert "do-not-query-localhost: no" not in options(PUBLIC, tmp_path)


@pytest.mark.parametrize(
    ("in_flight", "files", "questions"),
    [
        (1, 20_000, 1024),
        (256, 20_000, 2048),
        (1_000_000, 100_000, 16384),
        (256, 1024, 1024 - 64),
        (256, resource.RLIM_INFINITY, 2048),
        (256, 10, 1),
    ],
)
def test_sizes(in_flight: int, files: int, questions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    lines = options(UnboundSettings(in_flight=in_flight), tmp_path)
    assert f"outgoing-range: {questions}" in lines
    assert f"num-queries-per-thread: {questions}" in lines


def test_receive_buffer_is_what_the_kernel_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = tmp_path / "rmem_max"
    monkeypatch.setattr(unbound_conf, "_RMEM_MAX", allowed)
    assert "so-rcvbuf: 0" in options(PUBLIC, tmp_path)
    allowed.write_text("212992\n")
    assert "so-rcvbuf: 212992" in options(PUBLIC, tmp_path)
    allowed.write_text("99999999\n")
    assert "so-rcvbuf: 4194304" in options(PUBLIC, tmp_path)


# --- the anchor -----------------------------------------------------------------------------------------------


def anchor_option(tmp_path: Path, settings: UnboundSettings = PUBLIC) -> tuple[str, Path]:
    (line,) = [line for line in options(settings, tmp_path) if "trust-anchor-file:" in line]
    option, _, path = line.partition(": ")
    return option, Path(path.strip('"'))


def test_the_anchor_is_kept_in_the_cache_and_what_unbound_made_of_it_stays(cache: Path, tmp_path: Path) -> None:
    option, path = anchor_option(tmp_path)
    assert option == "auto-trust-anchor-file"
    assert path.parent == cache
    assert path.read_bytes() == shipped_anchor()
    path.write_text("; kept current by unbound\n")
    assert anchor_option(tmp_path) == (option, path)
    assert path.read_text() == "; kept current by unbound\n"
    path.write_text("")
    anchor_option(tmp_path)
    assert path.read_bytes() == shipped_anchor(), "an empty anchor is none"
    assert list(cache.iterdir()) == [path]


def test_a_newer_package_starts_from_its_own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, old = anchor_option(tmp_path)
    monkeypatch.setattr(unbound_conf, "shipped_anchor", lambda: b". IN DS 1 8 2 00\n")
    _, new = anchor_option(tmp_path)
    assert new != old
    assert new.read_bytes() == b". IN DS 1 8 2 00\n"


def test_without_a_cache_the_anchor_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    private = tmp_path / "private"
    private.mkdir()
    option, path = anchor_option(private)
    assert option == "auto-trust-anchor-file"
    assert path.parent == private
    assert path.read_bytes() == shipped_anchor()


@pytest.mark.parametrize(
    ("value", "expected"), [("/x", "/x/mxsweep"), ("", "/h/.cache/mxsweep"), ("x", "/h/.cache/mxsweep")]
)
def test_cache_directory(value: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG base directories: a path that is not absolute is to be passed over."""
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", "/h")
    assert unbound_conf.cache_directory() == Path(expected)


def test_a_given_anchor_is_only_read(tmp_path: Path, cache: Path) -> None:
    assert anchor_option(tmp_path, UnboundSettings(trust_anchor="/a/b")) == ("trust-anchor-file", Path("/a/b"))
    assert not cache.exists()


# --- life and death -------------------------------------------------------------------------------------------


async def ask(child: Unbound) -> Answer:
    """A question that unbound answers by itself (RFC 6761 section 6.3)."""
    dns_settings = DNSSettings(servers=(child.address,), attempt=1.0, total=10.0)
    async with open_resolver(dns_settings) as resolver:
        return await child.guarded(lambda: resolver.lookup("localhost", "A", fresh=True))


def gone(pid: int | None) -> bool:
    return not Path(f"/proc/{pid}").exists()


def kill(child: Unbound) -> int:
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    return child.pid


async def test_it_answers_and_is_gone_with_the_block() -> None:
    async with private_unbound(PUBLIC) as child:
        pid = child.pid
        assert pid is not None
        assert os.getsid(pid) == pid, "a Ctrl-C on the terminal must not reach it"
        assert (await ask(child)).records == ("127.0.0.1",)
        directory = child._directory
        assert directory.stat().st_mode & 0o77 == 0
    assert gone(pid)
    assert not directory.is_dir()


async def test_it_is_started_again_once_where_it_was() -> None:
    async with private_unbound(PUBLIC) as child:
        address = child.address
        first = kill(child)
        answer = await ask(child)
        assert answer.outcome is Outcome.DATA
        assert child.address == address
        assert child.pid not in (first, None)


async def test_a_second_death_ends_the_block() -> None:
    with pytest.raises(UnboundError, match="died again: it ended with status -9"):  # noqa: PT012 - the block is what ends
        async with private_unbound(PUBLIC) as child:
            kill(child)
            await ask(child)
            pid = kill(child)
            await trio.sleep(LIMIT)
    assert gone(pid)


async def test_errors_of_the_block_pass_as_they_are() -> None:
    with pytest.raises(KeyError, match="mine"):  # noqa: PT012 - the block is what ends
        async with private_unbound(PUBLIC) as child:
            pid = child.pid
            raise KeyError("mine")
    assert gone(pid)


async def test_cancelled_it_goes_too() -> None:
    with trio.CancelScope() as scope:
        async with private_unbound(PUBLIC) as child:
            pid = child.pid
            scope.cancel()
            await trio.sleep(LIMIT)
    assert scope.cancelled_caught
    assert gone(pid)


async def test_what_failed_while_it_lived_is_not_asked_again() -> None:
    asked = []

    async def broken() -> Answer:
        await trio.lowlevel.checkpoint()
        asked.append(1)
        return failed("a.example", "A", "timeout")

    async with private_unbound(PUBLIC) as child:
        assert (await child.guarded(broken)).error == "timeout"
    assert len(asked) == 1


async def test_what_failed_while_it_died_is_asked_again() -> None:
    answers = [failed("a.example", "A", "connection refused"), failed("a.example", "A", "timeout")]

    async with private_unbound(PUBLIC) as child:

        async def dying() -> Answer:
            if len(answers) == 2:
                await ended(kill(child))
            await trio.lowlevel.checkpoint()
            return answers.pop(0)

        assert (await child.guarded(dying)).error == "timeout"
        assert (await ask(child)).outcome is Outcome.DATA, "it was waited for"
    assert answers == []


async def ended(pid: int) -> None:
    """Wait until a child is dead and buried by its parent."""
    with trio.fail_after(LIMIT):
        while not gone(pid):  # noqa: ASYNC110 - another process sets no trio.Event
            await trio.sleep(0.01)


async def test_it_says_why_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "anchor").write_text("this is no anchor\n")
    with pytest.raises(UnboundError, match=r"unbound does not start: .*anchor.*status 1"):
        async with private_unbound(UnboundSettings(trust_anchor=str(tmp_path / "anchor"))):
            pytest.fail("it started")


async def test_a_port_that_was_taken_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    async with private_unbound(PUBLIC) as one:
        free = free_port()
        ports = iter([one.address[1], free])
        monkeypatch.setattr(unbound, "free_port", lambda: next(ports))
        async with private_unbound(PUBLIC) as other:
            assert other.address[1] == free


async def test_without_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbound, "program", lambda: None)
    with pytest.raises(UnboundError, match="not installed"):
        async with private_unbound(PUBLIC):
            pytest.fail("it started")


def test_program_is_found_where_daemons_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = program()
    assert found is None or found.endswith("sbin/unbound")


PARENT = """
import trio
from scanner.net.unbound import UnboundSettings, private_unbound

async def main():
    async with private_unbound(UnboundSettings()) as child:
        print(child.pid, flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_us_however_we_die(number: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # a killed program leaves its temporary files behind
        preexec_fn=_default_interrupt,  # noqa: PLW1509 - no threads here
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _is_unbound(child)
    parent.send_signal(number)
    parent.communicate(timeout=LIMIT)
    until = time.monotonic() + LIMIT
    while _is_unbound(child):
        assert time.monotonic() < until, "it was left behind"
        time.sleep(0.01)


def _is_unbound(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "unbound\n"
    except (FileNotFoundError, ProcessLookupError):  # it went, or goes while it is looked at (proc(5))
        return False


def _default_interrupt() -> None:
    """A test run in the background may have SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
