"""Texts for contacts."""

from dataclasses import replace
from pathlib import Path

import pytest

from results.report.mail_merge import contacts, file_name, text_of, write_texts
from results.report.model import make_report
from results.store.files import StoreError
from scanner.model import TargetInfo
from scanner.vocabulary import Dane, Sender
from tests.unit import records
from tests.unit.results.explain.test_worklist import BROKEN, OLD_KEY, run_of
from tests.unit.results.hostile import HOSTILE
from tests.unit.results.report.test_formats import faulty


@pytest.mark.parametrize(
    ("contact", "stem"),
    [
        ("postmaster@example.com", "postmaster@example.com"),
        ("../../etc/passwd", "etc_passwd"),
        ("/", "contact"),
        ("..", "contact"),
        ("", "contact"),
        ("a\x00b\nc", "a_b_c"),
        ("x" * 500, "x" * 60),
        ("M\u00fcller \udcff", "M_ller"),
        ("-rf", "rf"),
    ],
)
def test_a_contact_is_never_a_path(contact: str, stem: str) -> None:
    name = file_name(contact)
    assert name.removesuffix(".txt")[:-9].strip("_") == stem
    assert Path(name).name == name


def test_similar_contacts_have_different_files() -> None:
    assert file_name("a b") != file_name("a/b")


def test_a_text_has_the_hosts_the_evidence_and_the_remedy(tmp_path: Path) -> None:
    report = make_report(run_of(tmp_path / "run", [BROKEN, replace(BROKEN, key="b.example")]))
    (path,) = write_texts(report, tmp_path / "mails")
    text = path.read_text()
    assert text.startswith("To: postmaster@mx1.example\nSubject: 1 mail host without working mail transport security\n")
    assert "mx1.example: DANE does not match\nCause: The TLSA record 3 1 1 " in text
    assert f"\n    _25._tcp.mx1.example. IN TLSA 3 1 1 {records.SPKI}\n" in text
    assert (
        f"Evidence:\n    _25._tcp.mx1.example. IN TLSA 3 1 1 {OLD_KEY}\n    192.0.2.1 at 2026-09-01 12:00:00 UTC: "
        in text
    )
    assert "Affected: 2 domains: a.example, b.example" in text
    assert write_texts(report, tmp_path / "mails") == [path]


def test_one_text_for_each_value_of_a_column(tmp_path: Path) -> None:
    owners = [replace(BROKEN, key=f"{name}.example", target=TargetInfo(name, fields={"owner": name})) for name in "ab"]
    report = make_report(run_of(tmp_path / "run", owners), column="owner")
    assert {contact: tasks[0].examples for contact, (tasks, _) in contacts(report).items()} == {
        "a": ("a.example",),
        "b": ("b.example",),
    }


def test_domains_without_an_owner_go_to_the_postmaster(tmp_path: Path) -> None:
    report = make_report(run_of(tmp_path / "run", [BROKEN]), column="owner")
    assert list(contacts(report)) == ["postmaster@mx1.example"]


def test_a_text_has_the_faults_of_mta_sts(tmp_path: Path) -> None:
    report = make_report(run_of(tmp_path / "run", [BROKEN, faulty("x")]))
    texts = {path.read_text().splitlines()[0]: path.read_text() for path in write_texts(report, tmp_path / "mails")}
    assert set(texts) == {"To: postmaster@mx1.example", "To: postmaster@secure.test"}
    text = texts["To: postmaster@secure.test"]
    assert "Subject: 1 domain without working mail transport security\n" in text
    assert "\nzx: an MX host does not satisfy the MTA-STS policy\nCause: An MX host is not listed" in text
    assert "\n    mx: mx1.example\n" in text


def test_texts_about_policies_are_escaped(tmp_path: Path) -> None:
    report = make_report(run_of(tmp_path / "run", [faulty(HOSTILE)]))
    ((contact, tasks),) = contacts(report).items()
    assert all(character.isprintable() for character in text_of(report, contact, *tasks).replace("\n", ""))


def test_texts_from_outside_are_escaped(tmp_path: Path) -> None:
    host = records.host_verdict(host=HOSTILE, report=None, dane=Dane.NO_TLS, sender=Sender.DEFER, text=HOSTILE)
    record = replace(BROKEN, key=HOSTILE, hosts=(host,), target=TargetInfo("a", fields={"owner": f"{HOSTILE}\nBcc: x"}))
    report = make_report(run_of(tmp_path / "run", [record]), column="owner")
    ((contact, tasks),) = contacts(report).items()
    text = text_of(report, contact, *tasks)
    assert text.count("To:") == 1
    assert "\nBcc" not in text
    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_texts(make_report(run_of(tmp_path / "run", [BROKEN])), tmp_path / "file" / "mails")
