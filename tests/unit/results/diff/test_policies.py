"""The changes of MTA-STS and TLSRPT between runs; senders fetch a policy again by its id (RFC 8461 section 5.1)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from results.diff.policies import CHANGE_WORDS, PolicyChangeKind, PolicyState, policy_changes, policy_state
from results.diff.text import as_csv, as_markdown
from scanner.core.sts.policy_file import parse_policy
from scanner.vocabulary import DomainSTS, Mechanism, Outcome, TXTRecord
from tests.unit import records, sts
from tests.unit.results.diff.runs import Runs

MX = ("10 mx1.test",)


def state(
    *mx: str, mode: str = "enforce", policy_id: str = "1", tlsrpt: TXTRecord | None = None, max_age: int = 604_800
) -> PolicyState:
    policy = parse_policy(sts.policy(*mx, mode=mode, max_age=max_age))
    return PolicyState(TXTRecord.VALID, policy_id, policy, lost=False, tlsrpt=tlsrpt)


def without(record: TXTRecord = TXTRecord.VALID, *, lost: bool = False, tlsrpt: TXTRecord | None = None) -> PolicyState:
    return PolicyState(record, "", None, lost, tlsrpt)


ABSENT, FAILED = without(TXTRecord.ABSENT), without(TXTRecord.LOOKUP_FAILED)
TWO, LOST = without(TXTRecord.MULTIPLE, lost=True), without(lost=True)
A, B = state("mx1.test"), state("mx2.test")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((A, A), {}),
        ((ABSENT, A), {"sts-published": "absent > valid"}),
        ((A, ABSENT), {"sts-removed": "valid > absent"}),
        ((A, TWO), {"sts-record": "valid > multiple", "policy-lost": "mode enforce, max_age 604800, mx mx1.test > "}),
        ((A, LOST), {"policy-lost": "mode enforce, max_age 604800, mx mx1.test > "}),
        ((A, FAILED), {}),  # a run that could not determine the record shows no change
        ((A, without()), {}),
        ((A, FAILED, ABSENT), {"sts-removed": "valid > absent"}),
        ((A, FAILED, A), {}),
        ((FAILED, A), {}),
        (
            (A, state("mx1.test", mode="testing", policy_id="2")),
            {
                "mode": "enforce > testing",
                "policy": "mode enforce, max_age 604800, mx mx1.test > mode testing, max_age 604800, mx mx1.test",
            },
        ),
        (
            (A, state("mx1.test", max_age=86_400, policy_id="2")),
            {"policy": "mode enforce, max_age 604800, mx mx1.test > mode enforce, max_age 86400, mx mx1.test"},
        ),
        (  # Zuplu/postfix-tlspol#139, Snawoot/postfix-mta-sts-resolver#113
            (A, B),
            {"id-not-changed": "mode enforce, max_age 604800, mx mx1.test > mode enforce, max_age 604800, mx mx2.test"},
        ),
        ((A, state("mx1.test", policy_id="2")), {}),  # a new id only makes senders fetch the same policy again
        ((state("a.test", "b.test"), state("b.test", "a.test")), {}),  # the order of patterns has no meaning
        (
            (state(tlsrpt=TXTRecord.ABSENT), state(tlsrpt=TXTRecord.VALID)),
            {"tlsrpt-published": "absent > valid"},
        ),
        ((state(tlsrpt=TXTRecord.VALID), state(tlsrpt=TXTRecord.ABSENT)), {"tlsrpt-removed": "valid > absent"}),
        ((state(tlsrpt=TXTRecord.VALID), state(tlsrpt=TXTRecord.INVALID)), {"tlsrpt-record": "valid > invalid"}),
        ((state(tlsrpt=TXTRecord.VALID), state(tlsrpt=TXTRecord.LOOKUP_FAILED)), {}),
        ((state(), state(tlsrpt=TXTRecord.VALID)), {}),
    ],
)
def test_changes(states: Sequence[PolicyState], expected: dict[str, str]) -> None:
    changes = policy_changes("a.test", states, [MX] * len(states))
    assert {change.kind: f"{change.old} > {change.new}" for change in changes} == expected


@pytest.mark.parametrize(
    ("policy", "mx", "expected"),
    [  # mjl-/mox#261: after a change of the mail server, senders use the policy in their caches
        (A, ("10 new.test",), "mx1.test > new.test (not listed in the policy: new.test)"),
        (A, ("10 mx1.test", "20 new.test"), "mx1.test > mx1.test, new.test (not listed in the policy: new.test)"),
        (state("*.test"), ("10 new.test",), "mx1.test > new.test (all listed in the policy)"),
        (A, ("20 mx1.test",), None),
        (A, None, None),
        (state("mx1.test", mode="none"), ("10 new.test",), None),
    ],
)
def test_mx_hosts_change_and_the_policy_does_not(
    policy: PolicyState, mx: tuple[str, ...] | None, expected: str | None
) -> None:
    changes = list(policy_changes("a.test", (policy, policy), (MX, mx)))
    assert [f"{change.old} > {change.new}" for change in changes] == ([expected] if expected else [])
    assert all(change.kind is PolicyChangeKind.MX_CHANGED for change in changes)


def test_many_names_are_cut() -> None:
    many = state(*(f"m{n}.test" for n in range(30)))
    (change,) = policy_changes("a.test", (A, replace(many, id="2")), [MX, MX])
    assert change.new.endswith("m19.test and 10 more")


def test_every_kind_has_words() -> None:
    assert set(CHANGE_WORDS) == set(PolicyChangeKind)


def test_the_state_in_a_record() -> None:
    found = policy_state(sts.report(b"x"), sts.tlsrpt(), DomainSTS.INVALID)
    assert found == PolicyState(TXTRecord.VALID, "20260901", None, lost=True, tlsrpt=TXTRecord.ABSENT)
    assert policy_state(sts.report(b"x"), None, DomainSTS.NONE) == replace(found, lost=False, tlsrpt=None)


def test_in_a_comparison(runs: Runs) -> None:
    holds = records.verdict(sts=DomainSTS.PROTECTED, mechanism=Mechanism.STS)
    none = records.verdict(sts=DomainSTS.NONE, mechanism=Mechanism.OPPORTUNISTIC)
    runs.add([records.domain(key="a.example")])  # a run without --sts
    runs.add([records.domain(key="a.example", verdict=holds, sts=sts.report(sts.policy(), sts.FETCH))])
    runs.add([records.domain(key="a.example", verdict=none, sts=sts.record(outcome=Outcome.NXDOMAIN))])
    found = runs.compare()
    assert [(row.domain, row.kind) for row in found.policies] == [("a.example", "sts-removed")]
    assert found.transitions["mechanism"] == {"sts > opportunistic": 1}
    assert "MTA-STS record removed" in as_markdown(found)
    assert "mta-sts,,,sts-removed,a.example,valid > absent,," in as_csv(found)
