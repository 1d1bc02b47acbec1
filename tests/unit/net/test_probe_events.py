"""Events of a probe: the failure and each line of the transcript are reported once."""

import pytest

from scanner.core.dialogue import Dialogue
from scanner.facts import Failure, Reply
from scanner.net.probe_events import Listener, Reporter, failed_reply
from scanner.vocabulary import FailureKind, Phase


class Notes(Listener):
    """A listener that keeps what it receives."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failures: list[tuple[Failure, Reply | None]] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        self.failures.append((failure, reply))


def test_lines_and_failure_are_reported_once() -> None:
    dialogue, notes = Dialogue("client.test"), Notes()
    reporter = Reporter(dialogue, notes)
    reporter.report()
    assert notes.lines == []
    dialogue.receive(b"421 4.7.0 busy\r\n")
    for _ in range(2):
        reporter.report()
    assert notes.lines == list(dialogue.transcript)
    assert any("421 4.7.0 busy" in line for line in notes.lines)
    ((failure, reply),) = notes.failures
    assert (failure.phase, failure.kind, reply) == (Phase.GREETING, FailureKind.REJECTED, dialogue.banner)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"554 no\r\n", "no"),
        (b"220 mx\r\n500 what\r\n", "what"),
        (b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n454 later\r\n", "later"),
    ],
)
def test_the_reply_of_a_failure_is_that_of_its_phase(sent: bytes, text: str) -> None:
    dialogue = Dialogue("client.test")
    for line in sent.splitlines(keepends=True):
        dialogue.bytes_to_send()
        dialogue.receive(line)
    reply = failed_reply(dialogue)
    assert reply is not None
    assert text in "".join(reply.lines)


def test_without_a_failure_there_is_no_reply() -> None:
    assert failed_reply(Dialogue("client.test")) is None


def test_a_lost_connection_has_no_reply() -> None:
    dialogue = Dialogue("client.test")
    dialogue.end_of_stream()
    assert dialogue.failure is not None
    assert failed_reply(dialogue) is None
