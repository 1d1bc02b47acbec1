"""The public API of the scanner: in a script, in a notebook, in a trio program, with errors and interrupts.

No test uses DNS: the destinations are addresses, and the resolver is one that is not on loopback and so is not asked.
"""

import asyncio
import logging
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import trio

from scanner import api
from scanner.settings import Settings
from scanner.vocabulary import DomainOutcome, Level, StartTLS
from tests.cli.run import sluggish

PRIVATE = ["[10.0.0.1]", "[10.0.0.2]"]
"""Special-purpose addresses: skipped without a connection."""

NO_DNS: dict[str, Any] = {"resolver": ["192.0.2.53"], "unvalidated": True}


def keys(records: list[api.DomainRecord]) -> list[str]:
    return [record.key for record in records]


def test_a_script_gets_one_record_for_each_destination_in_order() -> None:
    found = api.scan_all([*reversed(PRIVATE), "10.0.0.1"], **NO_DNS)
    assert keys(found) == ["[10.0.0.2]", "[10.0.0.1]"]
    assert {record.verdict.outcome for record in found} == {DomainOutcome.INCONCLUSIVE}
    assert all(record.reports and record.certificates == {} for record in found)


def test_a_notebook_with_a_running_loop() -> None:
    async def cell() -> list[api.DomainRecord]:
        return api.scan_all(PRIVATE, **NO_DNS)

    assert keys(asyncio.run(cell())) == PRIVATE


async def test_a_function_that_a_trio_program_calls() -> None:
    assert keys(api.scan_all(PRIVATE, **NO_DNS)) == PRIVATE


async def test_a_trio_program_gets_records_as_they_come() -> None:
    async with api.scan(PRIVATE, **NO_DNS) as records:
        assert sorted([record.key async for record in records]) == PRIVATE


def test_a_server_on_loopback() -> None:
    with sluggish() as server:
        server.greet.set()
        settings = Settings(allow_private=True, ehlo="client.example", level=Level.ENCRYPT)
        (record,) = api.scan_all([f"[127.0.0.1]:{server.port}"], settings=settings, **NO_DNS)
    assert record.reports is not None
    (probe,) = record.reports[0].endpoints[0].probes
    assert probe.starttls is StartTLS.NOT_OFFERED
    assert probe.banner is not None
    assert probe.banner.lines == ("late ESMTP",)
    assert record.verdict.outcome is DomainOutcome.FAIL


async def test_leaving_the_block_ends_the_scan() -> None:
    with sluggish() as server:  # it never sends a greeting
        settings = Settings(allow_private=True)
        async with api.scan(["[10.0.0.1]", f"[127.0.0.1]:{server.port}"], settings=settings, **NO_DNS) as records:
            assert await trio.to_thread.run_sync(server.connected.wait, 60)
            await records.aclose()


async def test_an_exception_in_the_block_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with api.scan(PRIVATE, **NO_DNS):
            _ = 1 / 0


def test_excluded_domains_have_no_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "opt-outs").write_text("mail.example\n")
    with caplog.at_level(logging.WARNING, "mxsweep"):
        found = api.scan_all(["[10.0.0.1]", "mail.example"], exclude=[tmp_path / "opt-outs"], **NO_DNS)
    assert keys(found) == ["[10.0.0.1]"]
    assert "mail.example: not scanned: opted-out" in caplog.text


@pytest.mark.parametrize(
    ("names", "how", "error", "text"),
    [
        (["bad domain"], {}, ValueError, "'bad domain': not a valid host name"),
        (PRIVATE, {"level": "high"}, ValueError, "'high' is not a valid Level"),
        (PRIVATE, {"resolver": ["dns"]}, api.ScanError, "--resolver dns"),
        (PRIVATE, {"ehlo": "my host"}, api.ScanError, "a host name was expected"),
        (PRIVATE, {"exclude": ["/nonexistent"]}, api.ScanError, "/nonexistent"),
        (PRIVATE, {"settings": Settings(ca_file="/nonexistent")}, api.ScanError, "/nonexistent"),
        (PRIVATE, {"resolver": ["192.0.2.53"]}, api.ScanError, "no resolver validates DNSSEC"),
        ([f"d{n}.example" for n in range(1001)], {}, api.ScanError, "more than 1000 domains"),
    ],
)
def test_errors(names: list[str], how: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        api.scan_all(names, **how)


def test_an_interrupt_ends_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[bool] = []

    async def work(*_: object) -> list[api.DomainRecord]:
        main = threading.main_thread().ident
        assert main is not None
        try:
            signal.pthread_kill(main, signal.SIGINT)
            await trio.sleep_forever()
        finally:
            cancelled.append(True)
        return []

    monkeypatch.setattr(api, "_collected", work)
    with pytest.raises(KeyboardInterrupt):
        api.scan_all(PRIVATE, **NO_DNS)
    assert cancelled == [True]
