"""Changes of certificates and TLSA records of MX hosts, and rollovers over several runs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from results.diff.compare import compare
from scanner.facts import CertFacts
from scanner.model import HostReport
from scanner.vocabulary import Dane
from tests.unit import pki, records
from tests.unit.records import NOON
from tests.unit.results.diff.runs import NEW_LEAF, OLD_LEAF, PIN_NEW, PIN_OLD, Runs, host


def test_certificates_and_records_that_changed(runs: Runs) -> None:
    runs.add([records.domain()], [host(OLD_LEAF, PIN_OLD)])
    runs.add([records.domain(), records.domain(key="b.example")], [host(NEW_LEAF, PIN_NEW)])
    found = runs.compare()
    (cert,) = found.certificates
    assert (cert.host, cert.domains, cert.same_key) == ("mx1.example", 2, False)
    assert [leaf.sha256 for leaf in cert.old] == [OLD_LEAF.facts.sha256]
    assert [leaf.sha256 for leaf in cert.new] == [NEW_LEAF.facts.sha256]
    (tlsa,) = found.tlsa
    assert (tlsa.change, tlsa.added, tlsa.removed) == (
        "changed",
        (f"3 1 1 {PIN_NEW.data}",),
        (f"3 1 1 {PIN_OLD.data}",),
    )
    (rollover,) = found.rollovers
    assert (rollover.host, rollover.domains, rollover.outcome, rollover.overlap) == ("mx1.example", 2, "correct", False)


def test_a_renewal_with_the_same_key(runs: Runs) -> None:
    renewed = replace(pki.LEAF_PLAN, not_after=pki.TOMORROW).make()
    runs.add([records.domain()], [host(OLD_LEAF, PIN_OLD)])
    runs.add([records.domain()], [host(renewed, PIN_OLD)])
    found = runs.compare()
    assert [change.same_key for change in found.certificates] == [True]
    assert [change.outcome for change in found.rollovers] == ["same-records"]
    assert found.tlsa == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (host(OLD_LEAF, PIN_OLD), host(OLD_LEAF, dane=Dane.NONE), ["withdrawn"]),
        (host(OLD_LEAF, dane=Dane.NONE), host(OLD_LEAF, PIN_OLD), ["introduced"]),
        (host(OLD_LEAF, PIN_OLD), host(OLD_LEAF, dane=Dane.LOOKUP_FAILED), []),
        (host(OLD_LEAF, PIN_OLD), host(OLD_LEAF, PIN_OLD), []),
    ],
)
def test_tlsa_changes_need_two_conclusive_lookups(
    runs: Runs,
    old: tuple[HostReport, Sequence[CertFacts]],
    new: tuple[HostReport, Sequence[CertFacts]],
    expected: list[str],
) -> None:
    runs.add([records.domain()], [old])
    runs.add([records.domain()], [new])
    assert [change.change for change in runs.compare().tlsa] == expected


def test_no_rollover_across_a_period_without_dane(runs: Runs) -> None:
    """To remove the TLSA records before a certificate changes is safe."""
    for seen in (host(OLD_LEAF, PIN_OLD), host(NEW_LEAF, dane=Dane.NONE), host(NEW_LEAF, PIN_NEW)):
        runs.add([records.domain()], [seen])
    assert runs.compare().rollovers == []


def test_an_inconclusive_run_is_ignored(runs: Runs) -> None:
    for seen in (host(OLD_LEAF, PIN_OLD), host(NEW_LEAF, dane=Dane.LOOKUP_FAILED), host(NEW_LEAF, PIN_OLD)):
        runs.add([records.domain()], [seen])
    assert [found.outcome for found in runs.compare().rollovers] == ["never-updated"]


def test_certificates_that_expire_within_the_time_given(runs: Runs) -> None:
    runs.add()
    runs.add([records.domain()], [(records.report(), [records.cert()])])
    until = records.cert().not_after
    assert until is not None
    left = until - (NOON + timedelta(days=1))
    found = compare(runs.runs, left + timedelta(seconds=1)).expiring
    assert [(row.host, row.domains) for row in found] == [("mx1.example", 1)]
    assert compare(runs.runs, left).expiring == []
