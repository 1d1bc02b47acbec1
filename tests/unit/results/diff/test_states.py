"""The health of a domain from its verdict."""

import pytest

from results.count.health import Health
from results.diff.states import domain_states
from scanner.model import HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Sender
from tests.unit import records
from tests.unit.results.diff.runs import BARE, SOUND, UNKNOWN, Runs, bad, down, mx, on


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (SOUND, Health.SOUND),
        (BARE, Health.SOUND),
        (records.verdict(dane=DomainDane.BROKEN), Health.BROKEN),
        (records.verdict(dane=DomainDane.LOOKUP_FAILED, outcome=DomainOutcome.FAIL), Health.BROKEN),
        (UNKNOWN, Health.UNKNOWN),
        (records.verdict(dane=DomainDane.LOOKUP_FAILED, outcome=DomainOutcome.INCONCLUSIVE), Health.UNKNOWN),
        (records.verdict(dane=DomainDane.NONE, outcome=DomainOutcome.INCONCLUSIVE), Health.UNKNOWN),
        (
            records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NULL_MX,)),
            Health.SOUND,
        ),
        (
            records.verdict(
                dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.MX_TARGETS_UNRESOLVABLE,)
            ),
            Health.BROKEN,
        ),
        (
            records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NXDOMAIN,)),
            Health.ABSENT,
        ),
        (
            records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NO_ADDRESS,)),
            Health.ABSENT,
        ),
    ],
)
def test_health(runs: Runs, verdict: object, expected: Health) -> None:
    runs.verdicts(a=verdict)
    assert [state.health for state in domain_states(runs.runs[0])] == [expected]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (mx(), Health.SOUND),
        (bad(), Health.BROKEN),
        (mx(dane=Dane.NO_TLS), Health.BROKEN),
        (mx(dane=Dane.NONE, sender=Sender.DEFER), Health.BROKEN),
        (mx(dane=Dane.NONE, sender=Sender.DEFER, conclusive=False), Health.UNKNOWN),
        (mx(dane=Dane.NONE, sender=Sender.CLEARTEXT), Health.SOUND),
        (mx(dane=Dane.LOOKUP_FAILED, sender=Sender.DEFER, conclusive=False), Health.UNKNOWN),
        (down(), Health.UNKNOWN),
    ],
)
def test_health_of_a_host(runs: Runs, verdict: HostVerdict, expected: Health) -> None:
    runs.add([on("a", verdict)])
    ((host,),) = (state.hosts for state in domain_states(runs.runs[0]))
    assert host.health is expected


def test_the_column_of_a_domain_is_its_group(runs: Runs) -> None:
    runs.add([on("a", mx(), owner=" Ann "), on("b", mx())])
    assert [state.group for state in domain_states(runs.runs[0], "owner")] == ["Ann", ""]
