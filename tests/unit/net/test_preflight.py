"""Preflight of resolvers that do not answer or are not trusted; working ones are tested in the lab."""

import socket

import pytest

from scanner.core.preflight import PreflightNames, State
from scanner.net import preflight
from scanner.net.preflight import inspect, sample, signature_window
from scanner.net.unbound import free_port
from scanner.settings import DNSSettings

NAMES = PreflightNames(("signed.example",), ("bogus.example",), ("plain.example",), ("no.signed.example",))
PLAIN = DNSSettings()


async def test_a_server_that_does_not_answer_fails_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "TOTAL", 0.3)  # the default would wait for a restart
    server = ("127.0.0.1", free_port())
    found = await sample(server, PLAIN, NAMES)
    assert [a.name for a in (*found.signed, *found.bogus, *found.unsigned, *found.denied)] == [
        "signed.example",
        "bogus.example",
        "plain.example",
        "no.signed.example",
    ]
    assert [a.rtype for a in (*found.signed, *found.denied)] == ["SOA", "TLSA"]
    assert "failed" in found.tcp
    rows = await inspect(server, PLAIN, NAMES)
    assert [row.state for row in rows] == [State.FAIL] * 5
    assert {row.subject for row in rows} == {f"127.0.0.1:{server[1]}"}
    assert await signature_window(server, PLAIN) is None


async def test_an_untrusted_server_gets_no_query() -> None:
    """The server listens on an address of this machine that is not loopback, so that a query would arrive."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("0.0.0.0", 0))  # noqa: S104 - to hear what is sent anywhere on this machine
        (row,) = await inspect(("192.0.2.1", heard.getsockname()[1]), PLAIN, NAMES)
    assert (row.check, row.state) == ("trust", State.FAIL)


async def test_without_signed_names_tcp_is_not_shown() -> None:
    found = await sample(("127.0.0.1", free_port()), PLAIN, PreflightNames((), (), (), ()))
    assert found.tcp == "no name to query"
