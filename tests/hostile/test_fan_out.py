"""Good domains beside domains with very many silent addresses, in a small form of ``fan_out``."""

from collections.abc import Iterator

import pytest
import trio

from tests.bench.loopback import BulkServer, serving
from tests.hostile.fan_out import DEEP, GOOD, WIDE, scan, settings_of

SILENCE = 0.05
"""Seconds without a greeting after which a probe fails, and then lasts until the good domains have been written."""

ENDLESS = 120.0
"""Seconds after which a scan is taken to be stuck."""

PER_DOMAIN = 16
ADDRESSES = 200
QUESTIONS = 5
"""Maximum DNS questions of an MX host: A and AAAA to count the addresses, the same and TLSA to examine the host."""


@pytest.fixture(scope="module")
def server() -> Iterator[BulkServer]:
    with serving(GOOD) as server:
        yield server


async def test_good_domains_beside_hostile_domains(server: BulkServer) -> None:
    alone = await scan(server, (), settings_of(), SILENCE)
    with trio.fail_after(ENDLESS):
        seen = await scan(server, (WIDE, DEEP), settings_of(), SILENCE, hold=True)
    assert len(alone.verdicts) == GOOD
    assert {key: seen.verdicts[key] for key in alone.verdicts} == alone.verdicts
    assert {*seen.written[:GOOD]} == {*alone.verdicts}
    for domain in (WIDE, DEEP):
        assert ADDRESSES / 2 <= seen.connections[domain] <= ADDRESSES
        assert PER_DOMAIN / 2 < seen.most_in_flight[domain] <= PER_DOMAIN  # on a busy machine, a probe may end early
        assert seen.questions[domain] <= 1 + QUESTIONS * 100
    assert seen.verdicts[WIDE] == [*("tlsa-none", "greeting-timeout"), *("address-limit", "host-limit"), "unknown"]
    assert seen.tasks < 1000
