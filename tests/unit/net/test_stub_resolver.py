"""The question ``version.bind``, and configuration files of stubs."""

import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.net import stub_resolver
from scanner.net.stub_resolver import stub_at, text_of

QUESTION = b"\7version\4bind\0\0\x10\0\3"
HEADER = b"ab\x81\x80\0\1\0\1\0\0\0\0"
RECORD = b"\0\x10\0\3\0\0\0\0\0\x0f\x0eunbound 1.17.1"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (HEADER + QUESTION + b"\xc0\x0c" + RECORD, "unbound 1.17.1"),  # RFC 1035 section 4.1.4: compressed
        (HEADER + QUESTION + b"\7version\4bind\0" + RECORD, "unbound 1.17.1"),
        (HEADER + QUESTION.upper() + b"\xc0\x0c" + RECORD, "unbound 1.17.1"),
        (HEADER[:7] + b"\0" + HEADER[8:] + QUESTION, ""),  # no answer
        (HEADER + QUESTION + b"\xc0\x0c\0\1\0\1" + RECORD[4:], ""),  # another record
        (HEADER + QUESTION + b"\xc0\x0c" + RECORD[:10], ""),
        (HEADER, ""),
        (b"", ""),
    ],
)
def test_the_text_of_a_reply(reply: bytes, expected: str) -> None:
    assert text_of(reply) == expected


@given(st.binary(max_size=80))
def test_any_octets_are_a_text(octets: bytes) -> None:
    assert isinstance(text_of(octets), str)
    assert isinstance(text_of(HEADER + QUESTION + octets), str)


def test_the_question_and_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dir").mkdir()
    for name in ("20.conf", "10.conf", "ignored"):
        (tmp_path / "dir" / name).write_text(f"{name}\n")
    (tmp_path / "main").write_text("main\n")
    monkeypatch.setattr(stub_resolver, "DNSMASQ_FILES", (tmp_path / "main", tmp_path / "none", tmp_path / "dir"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            wire, peer = server.recvfrom(512)
            assert wire[12:] == QUESTION
            server.sendto(b"xx" + HEADER[2:], peer)  # a stray reply
            server.sendto(wire[:2] + HEADER[2:] + QUESTION + b"\xc0\x0c" + RECORD, peer)

        thread = threading.Thread(target=answer)
        thread.start()
        import trio  # noqa: PLC0415 - this test runs its own loop beside a thread

        found = trio.run(stub_at, server.getsockname())
        thread.join()
    assert (found.address, found.version) == ("127.0.0.1", "unbound 1.17.1")
    assert found.dnsmasq == "main\n\n10.conf\n\n20.conf\n"


async def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub_resolver, "LIMIT", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert (await stub_at(silent.getsockname())).version == ""
        closed = silent.getsockname()
    assert (await stub_at(closed)).version == ""
