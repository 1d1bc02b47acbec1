"""What an examination asks anew: TLSA, and TLSA once more before a mismatch is written (RFC 7671 section 8.1)."""

import pytest

from scanner.facts import TLSARecord
from scanner.vocabulary import Dane
from tests.unit.fakes import MX1, OK_RECORD, V4, WRONG_RECORD, World, host, mx, shakes, tlsa

QUESTION = (f"_25._tcp.{MX1}", "TLSA")


@pytest.mark.parametrize(("record", "times"), [(OK_RECORD, 1), (WRONG_RECORD, 2)])
async def test_tlsa_is_asked_anew(record: TLSARecord, times: int) -> None:
    world = World(mx() | host(MX1, V4, records=[record]), {V4: shakes()})
    await world.examine()
    assert world.zone.asked_fresh[QUESTION] == world.zone.asked[QUESTION] == times
    assert +world.zone.asked_fresh == {QUESTION: times}  # and nothing else is


async def test_a_rollover_between_lookup_and_handshake_is_no_mismatch() -> None:
    before, after = tlsa(MX1, WRONG_RECORD)[QUESTION], tlsa(MX1, OK_RECORD)[QUESTION]
    world = World(mx() | host(MX1, V4) | {QUESTION: [before, after]}, {V4: shakes()})
    finding = await world.examine()
    assert finding.record.hosts[0].dane is Dane.OK
