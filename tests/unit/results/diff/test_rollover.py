"""Rollovers over two and three runs. OLD and NEW are certificates of a host; rows are runs in the order of time.

Expected values follow from the definitions in ``results.diff.rollover``; correct order is RFC 7671 section 8.1's.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from results.diff.rollover import HostObservation, rollovers
from scanner.facts import CertFacts, TLSARecord
from tests.unit import pki
from tests.unit.pki import Made, tlsa

OLD = pki.LEAF
NEW = replace(pki.LEAF_PLAN, private=pki.key("next")).make()
SAME_KEY = replace(pki.LEAF_PLAN, not_after=pki.TOMORROW).make()
PIN_OLD, PIN_NEW = tlsa(3, 1, 1, OLD), tlsa(3, 1, 1, NEW)
PIN_TA = tlsa(2, 1, 1, pki.INTER)
ALIEN = tlsa(3, 1, 1, OLD, wrong=True)

Seen = tuple[tuple[TLSARecord, ...], tuple[Made, ...]]


def observed(*runs: Seen) -> list[HostObservation]:
    """Each run a day after the one before; a run has records and the leaf of each address."""
    return [
        HostObservation(
            pki.NOW + timedelta(days=day), records, {f"192.0.2.{n}": chain(leaf) for n, leaf in enumerate(leaves)}
        )
        for day, (records, leaves) in enumerate(runs)
    ]


def chain(leaf: Made) -> tuple[CertFacts, ...]:
    return pki.chain(leaf, pki.INTER)


def run(records: tuple[TLSARecord, ...] | TLSARecord, *leaves: Made) -> Seen:
    return (records if isinstance(records, tuple) else (records,)), leaves


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        # the four that operators make, as two and as three runs show them
        ([run(PIN_OLD, OLD), run((PIN_OLD, PIN_NEW), OLD), run(PIN_NEW, NEW)], [("correct", True)]),
        ([run((PIN_OLD, PIN_NEW), OLD), run((PIN_OLD, PIN_NEW), NEW)], [("correct", True)]),
        ([run(PIN_OLD, OLD), run((PIN_OLD, PIN_NEW), NEW)], [("correct", True)]),
        ([run(PIN_OLD, OLD), run(PIN_NEW, NEW)], [("correct", False)]),
        ([run(PIN_OLD, OLD), run(PIN_OLD, NEW), run(PIN_NEW, NEW)], [("published-late", None)]),
        ([run(PIN_OLD, NEW), run(PIN_NEW, NEW)], [("published-late", None)]),
        ([run(PIN_OLD, OLD), run(PIN_NEW, OLD)], [("removed-early", None)]),
        ([run(PIN_OLD, OLD), run(PIN_NEW, OLD), run(PIN_NEW, NEW)], [("removed-early", None)]),
        ([run(PIN_NEW, OLD), run(PIN_NEW, NEW)], [("removed-early", None)]),
        ([run(PIN_OLD, OLD), run(PIN_OLD, NEW)], [("never-updated", None)]),
        ([run(PIN_OLD, OLD), run(PIN_OLD, NEW), run(PIN_OLD, NEW)], [("never-updated", None)]),
        ([run(ALIEN, OLD), run(ALIEN, NEW)], [("never-updated", None)]),
        ([run(PIN_OLD, OLD), run(PIN_OLD, NEW), run(PIN_OLD, OLD)], [("rolled-back", None)]),
        # renewals under records that stay
        ([run(PIN_OLD, OLD), run(PIN_OLD, SAME_KEY)], [("same-records", None)]),
        ([run(PIN_TA, OLD), run(PIN_TA, NEW)], [("same-records", None)]),
        # no rollover at all
        ([run(PIN_OLD, OLD), run(PIN_OLD, OLD)], []),
        ([run(PIN_OLD, OLD), run((PIN_OLD, PIN_NEW), OLD)], []),
        ([run(ALIEN, OLD), run(ALIEN, OLD)], []),
        ([run(ALIEN, OLD), run(PIN_NEW, NEW)], []),
        ([run(PIN_OLD, OLD)], []),
        # one address of two has the next certificate: records have to match both
        ([run(PIN_OLD, OLD, OLD), run(PIN_OLD, OLD, NEW)], [("never-updated", None)]),
        ([run(PIN_OLD, OLD, OLD), run((PIN_OLD, PIN_NEW), OLD, NEW)], [("correct", True)]),
        # an address that comes with the same leaf replaces nothing
        ([run(PIN_OLD, OLD), run(PIN_OLD, OLD, OLD)], []),
    ],
)
def test_the_class_of_a_rollover(runs: list[Seen], expected: list[tuple[str, bool | None]]) -> None:
    assert [(found.outcome, found.overlap) for found in rollovers(observed(*runs))] == expected


def test_begin_and_end() -> None:
    seen = observed(run(PIN_OLD, OLD), run(PIN_OLD, OLD), run(PIN_OLD, NEW), run(PIN_OLD, NEW), run(PIN_NEW, NEW))
    (found,) = rollovers(seen)
    assert (found.began, found.ended) == (seen[1].at, seen[4].at)
    (unended,) = rollovers(seen[:4])
    assert (unended.began, unended.ended) == (seen[1].at, None)


def test_two_rollovers_one_after_the_other() -> None:
    seen = observed(run(PIN_OLD, OLD), run(PIN_NEW, NEW), run(PIN_NEW, OLD), run(PIN_OLD, OLD))
    assert [found.outcome for found in rollovers(seen)] == ["correct", "published-late"]


def test_a_chain_that_loses_its_pinned_issuer_is_no_rollover() -> None:
    whole, short = observed(run(PIN_TA, OLD), run(PIN_TA, OLD))
    short = replace(short, chains={address: pki.chain(OLD) for address in short.chains})
    assert rollovers([whole, short]) == ()
    assert rollovers([whole, short, replace(whole, at=short.at + timedelta(days=1))]) == ()
