"""What changed at a host whose TLSA records no longer match."""

import pytest

from results.diff.host_causes import HostCause, cause_of, cause_text
from results.diff.states import HostState
from scanner.facts import TLSARecord
from scanner.reasons import Reason
from tests.unit.records import MATCHING, NOON

OTHER = TLSARecord(3, 1, 1, "d4" * 32)


def state(leaf: str, *pins: TLSARecord, address: str = "192.0.2.1", known: bool = True) -> HostState:
    chains: dict[str, tuple[str, ...]] = {address: (leaf,)} if leaf else {}
    return HostState("k", "mx1.example", NOON, pins if known else None, bool(pins), chains)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((state("aa", MATCHING), state("bb", MATCHING)), HostCause.CERTIFICATE),
        ((state("aa", MATCHING), state("aa", OTHER)), HostCause.RECORDS),
        ((state("aa", MATCHING), state("bb", OTHER)), HostCause.BOTH),
        ((state("aa", MATCHING), state("aa", MATCHING)), None),
        ((state("aa"), state("aa", OTHER)), HostCause.PUBLISHED),
        ((state("aa", MATCHING), None, state("bb", MATCHING)), HostCause.CERTIFICATE),
        ((state("aa", MATCHING), state("", known=False), state("bb", MATCHING)), HostCause.CERTIFICATE),
        ((None, state("bb", MATCHING)), None),
        ((state("", MATCHING), state("bb", MATCHING)), None),
        ((state("aa", MATCHING), state("bb", MATCHING, address="192.0.2.2")), HostCause.CERTIFICATE),
        ((state("aa", MATCHING), None), None),
    ],
)
def test_the_change(states: tuple[HostState | None, ...], expected: HostCause | None) -> None:
    assert cause_of(states) is expected


def test_the_text_names_a_special_reason() -> None:
    assert cause_text(HostCause.CERTIFICATE, Reason.TLSA_MISMATCH) == "certificate changed, TLSA not"
    assert cause_text(HostCause.CERTIFICATE, Reason.NAME_MISMATCH).startswith("certificate changed, TLSA not: ")
