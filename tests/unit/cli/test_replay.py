"""Runs that were kept, judged again without a network: the corpus, and mutations of it that must change the verdict."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from results.store.codec import decode, pretty
from scanner.cli.errors import CliError, Exit
from scanner.cli.replay import difference, load, replay, run, saved_run
from scanner.finger.options import Fatal
from scanner.finger.output import Output
from scanner.finger.saved_case import SavedAnswer, SavedCase, SavedEvent
from scanner.vocabulary import Security
from tests.unit.finger.mail_scripts import MailScript
from tests.unit.mailserver import server_context
from tests.unit.memory_ports import DOMAIN, MemoryPorts, good_tlsa, setup, zone

CORPUS = Path(__file__).parents[2] / "corpus"
CASES = sorted(CORPUS.glob("*.json"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay connects to nothing")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "sendto", refuse)


def again(case: SavedCase) -> list[str]:
    """The lines that a case comes to now."""
    output = Output("mxsweep")
    assert replay(case, output) == case.status
    return output.printed


def word(lines: list[str]) -> str:
    """The word of the summary line."""
    return next(line.split(" ")[0] for line in lines if " TLS connection established to " in line)


def case(name: str) -> SavedCase:
    return load(CORPUS / f"{name}.json")


# --- the corpus -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_every_case_comes_to_its_lines(path: Path) -> None:
    kept = load(path)
    assert difference(kept, again(kept)) == []


def test_the_corpus_covers_every_verdict() -> None:
    words = {word(list(kept.lines)) for kept in map(load, CASES) if any("established" in line for line in kept.lines)}
    assert words == {"Verified", "Trusted", "Untrusted", "Anonymous"}
    assert len(CASES) >= 12


# --- mutations ------------------------------------------------------------------------------------------------


def with_answers(kept: SavedCase, rtype: str, change: Callable[[SavedAnswer], SavedAnswer | None]) -> SavedCase:
    changed = [change(asked) if asked.rtype == rtype else asked for asked in kept.questions]
    return replace(kept, questions=[asked for asked in changed if asked is not None])


def with_events(kept: SavedCase, change: Callable[[SavedEvent], SavedEvent]) -> SavedCase:
    connections = [replace(one, events=[change(event) for event in one.events]) for one in kept.connections]
    return replace(kept, connections=connections)


def other_byte(asked: SavedAnswer) -> SavedAnswer:
    records = tuple(f"{record[:-2]}{int(record[-2:], 16) ^ 1:02x}" for record in asked.answer.records)
    return replace(asked, answer=replace(asked.answer, records=records))


@pytest.mark.parametrize("name", ["dane-ee", "dane-ta"])
def test_one_byte_of_a_tlsa_record(name: str) -> None:
    kept = case(name)
    assert word(again(kept)) == "Verified"
    lines = again(with_answers(kept, "TLSA", other_byte))
    assert word(lines) == "Untrusted"
    assert any("num=65:no matching DANE TLSA records" in line for line in lines)


def other_san(event: SavedEvent) -> SavedEvent:
    """The leaf for another name: of the same length, in the last place where it stands, the extension."""
    if not event.chain:
        return event
    leaf = event.chain[0]
    at = leaf.rindex(b"\x82\x0fmx.good")  # a dNSName of 15 octets (RFC 5280 section 4.2.1.6)
    return replace(event, chain=(leaf[:at] + b"\x82\x0fmy" + leaf[at + 4 :], *event.chain[1:]))


def test_one_letter_of_a_san() -> None:
    """With a trust anchor it breaks signature and name; with DANE-EE neither counts (RFC 7672 section 3.1.1)."""
    anchored = again(with_events(case("dane-ta"), other_san))
    assert word(anchored) == "Untrusted"
    assert any("num=7:certificate signature failure" in line for line in anchored)
    assert word(again(with_events(case("dane-ee"), other_san))) == "Verified"


def test_an_insecure_mx_takes_the_verdict_down() -> None:
    def insecure(asked: SavedAnswer) -> SavedAnswer:
        return replace(asked, answer=replace(asked.answer, security=Security.INSECURE))

    assert word(again(with_answers(case("dane-ee"), "MX", insecure))) == "Trusted"


def test_a_lost_tlsa_answer_is_a_failed_lookup_and_not_a_missing_record() -> None:
    lines = again(with_answers(case("dane-ee"), "TLSA", lambda _: None))
    assert lines[0].startswith("warning: DANE TLSA lookup problem: ")
    assert lines[1].startswith("Failed to establish session to ")


def test_an_expired_time_changes_what_dates_decide() -> None:
    kept = case("dane-ta")
    later = [replace(one, at=one.at.replace(year=one.at.year + 10)) for one in kept.connections]
    lines = again(replace(kept, connections=later))
    assert word(lines) == "Untrusted"
    assert any(line.endswith("certificate has expired") for line in lines)


def test_replies_are_read_again() -> None:
    def silent(event: SavedEvent) -> SavedEvent:
        return replace(event, text=event.text.replace("STARTTLS", "XTARTTLS"))

    lines = again(with_events(case("dane-ee"), silent))
    assert lines[-2:] == ["> QUIT", "< 220 2.0.0 Ready to start TLS"]  # what the server said to STARTTLS


# --- keeping a run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("-C", "-L", "verbose"),
        ("-L", "ssl-debug,ssl-session-packet-dump", "-c"),
        ("-r", "1", "-L", "cache,routine"),
        ("-l", "none"),
        ("-g", "best"),
    ],
)
async def test_a_run_is_kept_whole(
    argv: tuple[str, ...], tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    context = server_context()
    ports = MemoryPorts(zone(good_tlsa()), [MailScript(context), MailScript(context)])
    given = setup(ports, *argv, DOMAIN)
    path = tmp_path / "case.json"
    _, status = await saved_run(given, [*argv, "--save", str(path), DOMAIN], 1, str(path))
    kept = load(path)
    assert status == kept.status == 0
    assert kept.argv == (*argv, DOMAIN)
    assert list(kept.lines) == given.output.printed
    assert decode(SavedCase, pretty(kept)) == kept
    assert await trio.to_thread.run_sync(again, kept) == given.output.printed


async def test_a_case_that_cannot_be_written_is_fatal(autojump_clock: trio.testing.MockClock) -> None:
    given = setup(MemoryPorts(zone(good_tlsa()), [MailScript()]), DOMAIN)
    with pytest.raises(Fatal, match="cannot write the case: /nonexistent/case: No such file"):
        await saved_run(given, [DOMAIN], 1, "/nonexistent/case")


# --- the command ----------------------------------------------------------------------------------------------


def test_changed_lines_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "case.json"
    path.write_bytes(pretty(with_answers(case("dane-ee"), "TLSA", other_byte)))
    assert run(str(path)) is Exit.CHANGED
    out, err = capsys.readouterr()
    assert "mxsweep: Untrusted TLS connection established to " in out
    assert "\n-Verified TLS connection" in err
    assert "\n+Untrusted TLS connection" in err


def test_the_same_lines_are_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    kept = case("chain")
    assert run(str(CORPUS / "chain.json")) is Exit.DONE
    out, err = capsys.readouterr()
    assert err == ""
    assert out.index("---\nCertificate chain\n") > out.index("TLS connection established")  # -C comes last on a pipe
    assert len(out) > sum(map(len, kept.lines))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"{}", "not a file that mxsweep finger --save wrote"),
        (b"no JSON", "not a file that mxsweep finger --save wrote"),
        (pretty(replace(load(CASES[0]), schema=99)), "a case of version 99"),
    ],
)
def test_files_that_are_no_case(text: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_bytes(text)
    with pytest.raises(CliError, match=complaint):
        load(path)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(CliError, match="cannot be read: No such file"):
        load(Path("/nonexistent/case.json"))
