"""The wiring that the command and the API share: resolver, trusted roots, EHLO name."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from scanner.cli import wiring
from scanner.cli.errors import CliError, Exit
from scanner.cli.resolver import Resolved
from scanner.cli.resolver_choice import ResolverChoice
from scanner.cli.wiring import ehlo_name, fit_resolver
from scanner.core.preflight import Check, State
from scanner.core.x509 import dn
from scanner.settings import DNSSettings, Settings
from scanner.vocabulary import Level


def test_codecs_are_loaded_before_descriptors_are_scarce() -> None:
    """A first ``decode`` without a free descriptor raises LookupError; certificates need these (``core.x509.dn``)."""
    assert set(dn._CHARSETS.values()) <= set(wiring.TEXT_CODECS)
    assert "idna" in wiring.TEXT_CODECS, "the socket module encodes host names with it"
    code = (
        "import sys; from scanner.cli import wiring; wiring.load_codecs(); print('encodings.utf_32_be' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


async def test_dnspython_is_loaded_as_soon_as_there_is_a_descriptor(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    tries = iter([OSError(24, "Too many open files"), ImportError("dns"), None])
    loaded = []

    def import_module(name: str) -> None:
        loaded.append(name)
        error = next(tries)
        if error is not None:
            raise error

    monkeypatch.setattr("importlib.import_module", import_module)
    await wiring.load_late()
    assert loaded == ["scanner.core.wire_any"] * 3
    assert trio.current_time() == pytest.approx(3 * wiring.LOADED_AFTER)


@pytest.fixture
def invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    """No resolver validates."""
    failed = Check("signed name", "192.0.2.53:53", State.FAIL, "no AD bit")

    @asynccontextmanager
    async def resolving(dns: DNSSettings, _: ResolverChoice) -> AsyncIterator[Resolved]:
        yield Resolved(dns, (failed,), validated=False, label="192.0.2.53:53")

    monkeypatch.setattr(wiring, "resolving", resolving)


@pytest.mark.parametrize("level", [Level.DANE, Level.DANE_ONLY])
@pytest.mark.usefixtures("invalid")
async def test_levels_with_dane_need_a_validating_resolver(level: Level) -> None:
    with pytest.raises(CliError, match=r"no resolver validates DNSSEC: 192\.0\.2\.53:53: no AD bit") as caught:
        async with fit_resolver(Settings(level=level), ResolverChoice(), print):
            raise AssertionError
    assert caught.value.code is Exit.UNFIT


@pytest.mark.parametrize(
    ("level", "unvalidated"), [(Level.MAY, False), (Level.SECURE, False), (Level.DANE, True), (Level.DANE_ONLY, True)]
)
@pytest.mark.usefixtures("invalid")
async def test_without_validation_there_is_a_message(level: Level, unvalidated: bool) -> None:  # noqa: FBT001 - a case
    said: list[str] = []
    choice = ResolverChoice(unvalidated=unvalidated)
    async with fit_resolver(Settings(level=level), choice, said.append) as resolved:
        assert not resolved.validated
    assert said == ["DNSSEC is not validated, so no DANE verdict is given: 192.0.2.53:53: no AD bit"]


@pytest.mark.parametrize(
    ("full", "short", "expected"),
    [
        ("mail.example.org", "mail", "mail.example.org"),
        ("mail", "mail", "mail"),
        ("mail.localdomain", "mail", "mail"),
        ("1.0.0.127.in-addr.arpa", "mail", "mail"),
    ],
)
def test_the_name_of_this_host(full: str, short: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: full)
    monkeypatch.setattr("socket.gethostname", lambda: short)
    assert ehlo_name(None) == expected


@pytest.mark.parametrize("name", ["", "my host", "bücher.example"])
def test_names_that_ehlo_cannot_have(name: str) -> None:
    with pytest.raises(CliError, match="--ehlo"):
        ehlo_name(name)
