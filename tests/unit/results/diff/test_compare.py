"""Comparisons of runs that are written as a scan would write them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from results.diff import join as buckets
from results.diff import text as diff_text
from results.diff.compare import Comparison, compare
from results.diff.states import Health, domain_states
from results.store.reader import Run
from results.store.writer import Store
from scanner.cli.commands import diff as command
from scanner.facts import CertFacts, TLSALookup, TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Outcome, RunState
from tests.unit import pki, records
from tests.unit.records import NOON

SOUND = records.verdict()
BROKEN = records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, reasons=(Reason.TLSA_MISMATCH,), text="no")
UNKNOWN = records.verdict(dane=DomainDane.UNKNOWN, outcome=DomainOutcome.INCONCLUSIVE)
BARE = records.verdict(dane=DomainDane.NONE)

OLD_LEAF = pki.LEAF
NEW_LEAF = replace(pki.LEAF_PLAN, private=pki.key("next")).make()
PIN_OLD, PIN_NEW = pki.tlsa(3, 1, 1, OLD_LEAF), pki.tlsa(3, 1, 1, NEW_LEAF)


class Runs:
    """Writes one run a day."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.runs: list[Run] = []

    def add(
        self,
        domains: Sequence[DomainRecord] = (),
        hosts: Sequence[tuple[HostReport, Sequence[CertFacts]]] = (),
    ) -> None:
        day = timedelta(days=len(self.runs))
        path = self._directory / str(len(self.runs))
        with Store.create(path, records.header(started=NOON + day)) as store:
            for report, certs in hosts:
                store.put_host(replace(report, observed_at=NOON + day), certs)
            for record in domains:
                store.put_domain(replace(record, observed_at=NOON + day), [], {})
            store.finish(RunState.COMPLETE, {}, NOON + day)
        self.runs.append(Run.open(path))

    def verdicts(self, **domains: object) -> None:
        """A run of ``NAME.example`` domains with these verdicts, None for one that is not listed."""
        made = (records.domain(key=f"{name}.example", verdict=v) for name, v in domains.items() if v is not None)
        self.add(list(made))

    def compare(self) -> Comparison:
        return compare(self.runs)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def named(rows: Sequence[object]) -> list[str]:
    return [row.domain.removesuffix(".example") for row in rows]  # type: ignore[attr-defined] # rows of domains


def test_each_domain_is_told_once_and_in_the_right_place(runs: Runs) -> None:
    runs.verdicts(same=SOUND, broke=SOUND, mended=BROKEN, ill=BROKEN, lost=BROKEN, weaker=SOUND, gone=BROKEN)
    runs.verdicts(same=SOUND, broke=BROKEN, mended=SOUND, ill=BROKEN, lost=UNKNOWN, weaker=BARE, come=BROKEN)
    found = runs.compare()
    assert found.compared == 6
    assert named(found.new_broken) == ["broke"]
    assert named(found.fixed) == ["mended"]
    assert named(found.still_broken) == ["ill"]
    assert named(found.unclear) == ["lost"]
    assert named(found.changed) == ["weaker"]
    assert named(found.added) == ["come"]
    assert named(found.removed) == ["gone"]
    assert found.flapping == []
    assert found.transitions["dane"] == {
        "broken > protected": 1,
        "broken > unknown": 1,
        "protected > broken": 1,
        "protected > none": 1,
    }


def test_what_could_not_be_told_hides_nothing(runs: Runs) -> None:
    """Broken, unknown, broken is still broken, since the first time; sound, unknown, sound is no change."""
    runs.verdicts(ill=BROKEN, well=SOUND, fresh=SOUND, never=UNKNOWN)
    runs.verdicts(ill=UNKNOWN, well=UNKNOWN, fresh=UNKNOWN, never=UNKNOWN)
    runs.verdicts(ill=BROKEN, well=SOUND, fresh=BROKEN, never=BROKEN)
    found = runs.compare()
    assert named(found.still_broken) == ["ill"]
    assert found.still_broken[0].since == NOON
    assert named(found.new_broken) == ["fresh", "never"]
    assert found.new_broken[0].since == NOON + timedelta(days=2)
    assert (found.fixed, found.unclear, found.changed) == ([], [], [])


def test_there_and_back_again_is_flapping(runs: Runs) -> None:
    runs.verdicts(flaps=SOUND, breaks=SOUND, doubtful=SOUND, back=BROKEN)
    runs.verdicts(flaps=BROKEN, breaks=BROKEN, doubtful=UNKNOWN, back=SOUND)
    runs.verdicts(flaps=UNKNOWN, breaks=UNKNOWN, doubtful=SOUND, back=BROKEN)
    runs.verdicts(flaps=SOUND, breaks=BROKEN, doubtful=SOUND, back=BROKEN)
    found = runs.compare()
    assert named(found.flapping) == ["back", "flaps"]
    assert found.flapping[1].health == (Health.SOUND, Health.BROKEN, Health.UNKNOWN, Health.SOUND)


def test_a_domain_that_was_away_is_added_not_compared(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(b=SOUND)
    runs.verdicts(a=BROKEN, b=SOUND)
    found = runs.compare()
    assert (named(found.added), named(found.new_broken)) == (["a"], [])


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
    ],
)
def test_health(runs: Runs, verdict: object, expected: Health) -> None:
    runs.verdicts(a=verdict)
    assert [state.health for state in domain_states(runs.runs[0])] == [expected]


def test_mx_changes_are_those_of_the_latest_run_that_could_tell(runs: Runs) -> None:
    failed = replace(records.route(), mx=records.answer("a.example", "MX", outcome=Outcome.ERROR), hosts=())
    runs.add([records.domain(route=records.route("mx1.example", "mx2.example"))])
    runs.add([records.domain(route=failed)])
    assert runs.compare().mx == []
    runs.add([records.domain(route=records.route("mx1.example", "mx3.example"))])
    (change,) = runs.compare().mx
    assert (change.domain, change.added, change.removed) == ("a.example", ("20 mx3.example",), ("20 mx2.example",))


def host(leaf: pki.Made, *pins: TLSARecord, dane: Dane | None = None) -> tuple[HostReport, tuple[CertFacts, ...]]:
    """A host with one address that shows a leaf under these records."""
    chain = pki.chain(leaf, pki.INTER)
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in chain))
    report = records.report(
        tlsa=TLSALookup("mx1.example", pins, dane, None),
        endpoints=(EndpointReport("192.0.2.1", (records.probe(handshake=shaken),)),),
    )
    return report, chain


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


def test_a_renewal_with_the_same_key_is_told_as_such(runs: Runs) -> None:
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
def test_records_come_and_go_only_where_that_is_sure(
    runs: Runs,
    old: tuple[HostReport, Sequence[CertFacts]],
    new: tuple[HostReport, Sequence[CertFacts]],
    expected: list[str],
) -> None:
    runs.add([records.domain()], [old])
    runs.add([records.domain()], [new])
    assert [change.change for change in runs.compare().tlsa] == expected


def test_dane_that_was_off_in_between_is_no_rollover(runs: Runs) -> None:
    """Taking the records down before a certificate changes is safe."""
    for seen in (host(OLD_LEAF, PIN_OLD), host(NEW_LEAF, dane=Dane.NONE), host(NEW_LEAF, PIN_NEW)):
        runs.add([records.domain()], [seen])
    assert runs.compare().rollovers == []


def test_a_run_that_could_not_tell_is_passed_over(runs: Runs) -> None:
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


def test_buckets_join_what_one_pass_would(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BUCKET", 1000)  # some thirty of them
    runs.verdicts(**{f"d{number}": SOUND for number in range(60)})
    runs.verdicts(**{f"d{number}": BROKEN if number % 2 else SOUND for number in range(50, 80)})
    found = runs.compare()
    assert found.compared == 10
    assert named(found.new_broken) == ["d51", "d53", "d55", "d57", "d59"]
    assert (len(found.added), len(found.removed)) == (20, 50)


def test_runs_in_the_wrong_order_are_refused(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=SOUND)
    with pytest.raises(ValueError, match="give the older run first"):
        compare(runs.runs[::-1])
    with pytest.raises(ValueError, match="two runs or more"):
        compare(runs.runs[:1])


# --- what people see ------------------------------------------------------------------------------------------

HOSTILE = "\x1b[31mred\u202e <script>alert(1)</script> | [x](http://evil.example)"


@pytest.fixture
def told(runs: Runs) -> Comparison:
    runs.verdicts(broke=SOUND, gone=SOUND, mended=BROKEN)
    runs.verdicts(broke=replace(BROKEN, text=HOSTILE), mended=SOUND)
    return runs.compare()


def test_text_tells_what_strangers_said_harmlessly(told: Comparison) -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115 - nothing is kept
    diff_text.print_diff(told, console)
    text = console.export_text()
    assert "1 newly broken, 1 fixed, 0 still broken" in text
    assert "no TLSA record matches" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markdown_has_no_markup_of_strangers(told: Comparison) -> None:
    text = diff_text.as_markdown(told)
    row = next(line for line in text.splitlines() if line.startswith("| broke.example"))
    assert r"\<script\>" in row
    assert r"\[x\](http" in row
    assert row.replace(r"\|", "").count("|") == 5


def test_html_has_no_markup_of_strangers_and_needs_nothing_else(told: Comparison) -> None:
    page = diff_text.as_html(told)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "src=" not in page
    assert page.count("<section") == page.count("</section>") == len(diff_text.tables(told))


def test_json_has_everything(told: Comparison) -> None:
    document = json.loads(diff_text.as_json(told))
    assert [row["domain"] for row in document["new_broken"]] == ["broke.example"]
    assert document["new_broken"][0]["text"] == HOSTILE
    assert document["new_broken"][0]["old"]["dane"] == "protected"


def test_command_exits_4_only_for_what_is_newly_broken(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=BROKEN)
    runs.verdicts(a=BROKEN, b=BROKEN)
    runs.verdicts(a=BROKEN, b=BROKEN, c=BROKEN)
    one, two, three = (str(run.path) for run in runs.runs)
    invoke = CliRunner().invoke
    assert invoke(command, [one, two, "--fail-on", "new-broken"], standalone_mode=False).return_value == 4
    assert invoke(command, [one, two], standalone_mode=False).return_value == 0
    assert invoke(command, [two, three, "--fail-on", "new-broken"], standalone_mode=False).return_value == 0


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_every_format_can_be_asked_for(runs: Runs, form: str) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=BROKEN)
    result = CliRunner().invoke(command, [*(str(run.path) for run in runs.runs), "--format", form])
    assert "a.example" in result.output
