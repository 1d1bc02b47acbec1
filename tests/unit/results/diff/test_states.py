"""The health of a domain from its verdict."""

import pytest

from results.diff.states import DomainHealth, domain_states
from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome
from tests.unit import records
from tests.unit.results.diff.runs import BARE, SOUND, UNKNOWN, Runs


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (SOUND, DomainHealth.SOUND),
        (BARE, DomainHealth.SOUND),
        (records.verdict(dane=DomainDane.BROKEN), DomainHealth.BROKEN),
        (records.verdict(dane=DomainDane.LOOKUP_FAILED, outcome=DomainOutcome.FAIL), DomainHealth.BROKEN),
        (UNKNOWN, DomainHealth.UNKNOWN),
        (records.verdict(dane=DomainDane.LOOKUP_FAILED, outcome=DomainOutcome.INCONCLUSIVE), DomainHealth.UNKNOWN),
        (records.verdict(dane=DomainDane.NONE, outcome=DomainOutcome.INCONCLUSIVE), DomainHealth.UNKNOWN),
        (
            records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NULL_MX,)),
            DomainHealth.SOUND,
        ),
        (
            records.verdict(
                dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.MX_TARGETS_UNRESOLVABLE,)
            ),
            DomainHealth.BROKEN,
        ),
    ],
)
def test_health(runs: Runs, verdict: object, expected: DomainHealth) -> None:
    runs.verdicts(a=verdict)
    assert [state.health for state in domain_states(runs.runs[0])] == [expected]
