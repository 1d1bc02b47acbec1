"""Groups of changes: one group for all domains of one MX host and cause."""

from dataclasses import replace
from datetime import timedelta

from results.diff.groups import REMOVED, ChangeKind
from scanner.reasons import Reason
from tests.unit.records import NOON
from tests.unit.results.diff.runs import (
    ABSENT,
    BROKEN,
    NEW_LEAF,
    OLD_LEAF,
    PIN_OLD,
    SOUND,
    Runs,
    bad,
    down,
    host,
    mx,
    on,
)


def grouped(runs: Runs, column: str = "") -> list[tuple[str, str, str, str]]:
    """Return kind, host, cause and domains of each group."""
    found = runs.compare(column).groups
    return [(row.kind, row.host, row.cause, " ".join(row.domains).replace(".example", "")) for row in found]


def test_the_domains_of_a_host_whose_certificate_changed_form_one_group(runs: Runs) -> None:
    runs.add([on(name, mx()) for name in "abc"], [host(OLD_LEAF, PIN_OLD)])
    runs.add([on(name, bad()) for name in "cab"], [host(NEW_LEAF, PIN_OLD)])
    (group,) = runs.compare().groups
    assert (group.kind, group.host, group.cause) == (ChangeKind.NEW_BROKEN, "mx1.example", "certificate-changed")
    assert group.words == "certificate changed, TLSA not"
    assert group.domains == ("a.example", "b.example", "c.example")
    assert group.text == "no match"


def test_a_host_that_does_not_answer_is_newly_unknown_though_the_domain_stays_protected(runs: Runs) -> None:
    runs.add([on("a", mx(), mx("mx2.example"))])
    runs.add([on("a", mx(), down("mx2.example"))])
    assert grouped(runs) == [("new-unknown", "mx2.example", "connect-timeout", "a")]
    runs.add([on("a", mx(), down("mx2.example"))])
    assert grouped(runs) == []


def test_a_host_that_was_not_examined_is_not_newly_unknown(runs: Runs) -> None:
    """Limits of the scan, such as --hosts, are not a change of the host."""
    runs.add([on("a", mx(), mx("mx2.example"))])
    runs.add([on("a", mx(), replace(down("mx2.example"), report=None, reasons=(Reason.HOST_LIMIT,)))])
    assert grouped(runs) == []


def test_fixed_hosts_have_their_former_cause(runs: Runs) -> None:
    runs.add([on("a", bad()), on("b", bad("mx2.example"))])
    runs.add([on("a", mx()), on("b", mx("mx3.example"))])
    assert grouped(runs) == [("fixed", "mx1.example", "tlsa-mismatch", "a"), ("fixed", "mx2.example", REMOVED, "b")]


def test_a_host_broken_for_another_domain_before_is_not_newly_broken(runs: Runs) -> None:
    """Domain b moves to a host that was broken already: one newly broken domain, no newly broken host."""
    runs.add([on("a", bad()), on("b", mx("mx2.example"))])
    runs.add([on("a", bad()), on("b", bad())])
    found = runs.compare()
    assert (found.counts["new-broken"].domains, found.counts["new-broken"].hosts) == (1, 0)
    assert grouped(runs) == [
        ("new-broken", "mx1.example", "tlsa-mismatch", "b"),
        ("still-broken", "mx1.example", "tlsa-mismatch", "a"),
    ]


def test_changes_without_a_host_form_a_group(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=SOUND, c=SOUND)
    runs.verdicts(a=ABSENT, b=ABSENT, c=BROKEN)
    assert grouped(runs) == [("new-broken", "", "nxdomain", "a b"), ("new-broken", "", "tlsa-mismatch", "c")]


def test_groups_are_divided_by_a_column(runs: Runs) -> None:
    owners = {"a": "Bob", "b": "Ann", "c": "Bob", "d": ""}
    runs.add([on(name, mx(), owner=owner) for name, owner in owners.items()])
    runs.add([on(name, bad(), owner=owner) for name, owner in owners.items()])
    found = runs.compare("owner").groups
    assert [(row.group, len(row.domains)) for row in found] == [("Ann", 1), ("Bob", 2), ("", 1)]


def test_a_broken_host_of_a_sound_domain_has_a_time_of_its_own(runs: Runs) -> None:
    """The host is broken since the third day, down on the fourth, and the domain is sound on every day."""
    other = "mx2.example"
    for each in (bad(other), mx(other), bad(other), down(other), bad(other)):
        runs.add([replace(on("a", mx(), each), verdict=SOUND)])
    (group,) = runs.compare().groups
    assert (group.kind, group.host, group.since) == (ChangeKind.STILL_BROKEN, other, NOON + timedelta(days=2))


def test_a_host_that_was_not_probed_has_not_changed(runs: Runs) -> None:
    """A host of a sample has the certificates of another name, which are no change of its own."""
    runs.add([on("a", mx())], [host(OLD_LEAF, PIN_OLD)])
    inferred = replace(mx(), reasons=(Reason.INFERRED_FROM_SAMPLE,))
    report, certs = host(NEW_LEAF, PIN_OLD)
    runs.add([on("a", inferred)], [(replace(report, inferred={"from": "mx9.example:25/smtp"}), certs)])
    found = runs.compare()
    assert (found.groups, found.changed, found.certificates, found.rollovers) == ([], [], [], [])


def test_a_fault_at_a_host_that_was_not_probed_again_is_not_fixed(runs: Runs) -> None:
    inferred = replace(mx(), reasons=(Reason.INFERRED_FROM_SAMPLE,))
    runs.add([on("a", bad()), on("b", bad("mx2.example"))])
    runs.add([on("a", inferred), on("b", mx("mx2.example"))])
    assert grouped(runs) == [
        ("fixed", "mx2.example", "tlsa-mismatch", "b"),
        ("unclear", "mx1.example", "inferred-from-sample", "a"),
    ]
    assert [row.domain for row in runs.compare().unclear] == ["a.example"]
