"""The stages of MTA-STS: which domains are looked up and requested, and what an internal error leaves."""

from dataclasses import replace
from pathlib import Path

from scanner.run.policies import PolicyExaminer
from scanner.scale.plan_files import NOT_YET, RouteLine, read_lines, write_lines
from scanner.scale.policy_stage import PolicyLine, certificates, pending, request_policies, write_records
from scanner.settings import Settings
from scanner.vocabulary import Outcome, TXTRecord
from tests.unit import records, sts
from tests.unit.fakes import DOMAIN, World, mx, rows, target
from tests.unit.records import NOON

SETTINGS = Settings(sts=True)


def txt(domain: str, *texts: str) -> World:
    outcome = Outcome.DATA if texts else Outcome.NXDOMAIN
    names = (f"_mta-sts.{domain}", f"_smtp._tls.{domain}")
    answers = (sts.txt(*texts, name=names[0], outcome=outcome), sts.txt(name=names[1], outcome=Outcome.NXDOMAIN))
    return World(rows(*answers))


def line(domain: str, *texts: str, again: int = NOT_YET, outcome: Outcome = Outcome.DATA) -> PolicyLine:
    return PolicyLine(domain, domain, sts.record(*texts, outcome=outcome), sts.tlsrpt(), again=again)


async def test_records_are_looked_up_for_domains_that_accept_mail(tmp_path: Path) -> None:
    """Of five targets, one accepts no mail, one is a host, one has no answers in the table, which is a bug."""
    answers = mx(domain="absent.test") | mx() | mx("0 .", domain="null.test") | mx(domain="bug.test")
    routes = [RouteLine(answer.name, NOON, answer, ()) for answer in answers.values()]
    write_lines(tmp_path / "routes", [*routes, RouteLine("[192.0.2.1]", NOON, None, ())])
    world = World(dict(txt(DOMAIN, sts.RECORD).dns) | dict(txt("absent.test").dns))
    targets = [target(name) for name in ("absent.test", DOMAIN, "null.test", "bug.test", "[192.0.2.1]")]
    path = tmp_path / "records"
    await write_records(path, tmp_path / "routes", iter(targets), world.ports(SETTINGS))
    lines = {each.key: each for each in read_lines(path, PolicyLine)}
    assert {key: (each.sts.record, each.is_open) for key, each in lines.items()} == {
        "absent.test": (TXTRecord.ABSENT, False),
        DOMAIN: (TXTRecord.VALID, True),
    }


async def test_a_request_that_fails_internally_leaves_the_line_open(tmp_path: Path) -> None:
    """The table has no answers, which is a bug."""
    path, world = tmp_path / "records", World({})
    write_lines(path, [line(DOMAIN)])
    ports = world.ports(SETTINGS)
    await request_policies(path, 0, PolicyExaminer(ports, world.fetch), ports)
    assert [each.is_open for each in read_lines(path, PolicyLine)] == [True]


async def test_only_inconclusive_policies_are_requested_again_and_once_in_a_pass(tmp_path: Path) -> None:
    path, world = tmp_path / "records", txt("failed.test")
    lines = [line("failed.test", outcome=Outcome.ERROR), line("done.test", again=0), line("bad.test", "v=STSv1")]
    write_lines(path, lines)
    ports = world.ports(SETTINGS)
    assert pending(path, 2) == 1
    examiner = PolicyExaminer(ports, world.fetch)
    await request_policies(path, 0, examiner, ports)
    assert sum(world.zone.asked.values()) == 0
    await request_policies(path, 1, examiner, ports)
    found = {each.key: (each.again, each.sts.record) for each in read_lines(path, PolicyLine)}
    assert found["failed.test"] == (1, TXTRecord.ABSENT)
    assert (pending(path, 2), world.zone.undeclared) == (0, [])


def test_no_pass_is_left_after_the_last(tmp_path: Path) -> None:
    write_lines(tmp_path / "records", [line("failed.test", outcome=Outcome.ERROR, again=2)])
    assert (pending(tmp_path / "records", 2), pending(tmp_path / "records", 3)) == (0, 1)


def test_certificates(tmp_path: Path) -> None:
    write_lines(tmp_path / "records", [line("a.test"), replace(line("b.test"), certs=(records.cert(),))])
    assert list(certificates(tmp_path / "records")) == [records.cert()]
