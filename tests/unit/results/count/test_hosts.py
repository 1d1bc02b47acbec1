"""Counts of MX hosts and their addresses."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.count.hosts import EXPIRY_WORDS, days_left, expiry_word
from results.count.summary import SLOWEST, summarise
from results.store.reader import Run
from results.store.writer import Store
from scanner.core.route import weakest
from scanner.core.verdict import handshake_of
from scanner.model import EndpointReport, PathError
from scanner.vocabulary import RunState, Security, StartTLS
from tests.unit import records
from tests.unit.records import DIGEST, NOON
from tests.unit.results.count.runs import summary

CERTS = {DIGEST: records.cert()}


def test_hosts_and_addresses_are_counted_once_however_many_domains_share_them(tmp_path: Path) -> None:
    domains = [records.domain(key=f"{number}.example") for number in range(9)]
    found = summary(tmp_path, domains, [records.report()])
    assert (found.hosts, found.endpoints) == (1, 2)
    assert found.host_dane == {"ok": 1}
    assert found.tls_versions == {"TLSv1.3": 1}
    assert found.ciphers == {"TLS_AES_256_GCM_SHA384": 1}
    assert found.groups == {"X25519MLKEM768": 1}
    assert found.key_types == {"ec 256": 1}


def test_the_handshake_of_the_probe_that_stands_for_an_address_counts(tmp_path: Path) -> None:
    legacy = replace(records.probe(), handshake=records.handshake(version="TLSv1", group=None, chain=()))
    failed = replace(records.probe(), handshake=None)
    report = records.report(endpoints=(EndpointReport("192.0.2.1", (failed, legacy)),))
    found = summary(tmp_path, [], [report])
    assert (found.tls_versions, found.groups) == ({"TLSv1": 1}, {"unknown": 1})
    assert found.key_types == {"unknown": 1}


def test_an_address_whose_mismatch_could_not_be_confirmed_counts_as_one_without_a_handshake(tmp_path: Path) -> None:
    """The verdicts' case 31: the first probe has TLS, the one that was to confirm its mismatch is refused."""
    end = EndpointReport("192.0.2.1", (records.probe(), records.refused("192.0.2.1")))
    found = summary(tmp_path, [], [records.report(endpoints=(end,))])
    assert (found.endpoints, found.tls_versions, found.key_types) == (1, {}, {})
    assert handshake_of(end) is None


@pytest.mark.parametrize(
    ("profile", "words"),
    [("authenticated-classical", {"no", "fails"}), ("opportunistic-classical", {"no"})],  # the second: obsolete TLS
)
def test_a_host_that_fails_on_a_large_hello_is_counted(tmp_path: Path, profile: str, words: set[str]) -> None:
    failed = replace(records.probe(), handshake=None)
    endpoint = replace(failed.endpoint, profile=profile)
    small = replace(records.probe(), endpoint=endpoint, handshake=records.handshake(group="x25519"))
    report = records.report(endpoints=(EndpointReport("192.0.2.1", (failed, small)),))
    assert set(summary(tmp_path, [], [report]).tables["post_quantum"].rows) == words


def test_the_slowest_addresses_come_first_and_are_bounded(tmp_path: Path) -> None:
    reports = [
        records.report(
            key=f"mx{number}.example:25:smtp",
            host=f"mx{number}.example",
            endpoints=(
                EndpointReport("192.0.2.1", (records.probe(ms={"connect": number, "ehlo": 1.0}), records.refused())),
            ),
        )
        for number in range(SLOWEST + 5)
    ]
    slowest = summary(tmp_path, [], reports).slowest
    assert len(slowest) == SLOWEST
    # connect 24 ms, EHLO 1 ms, and 3 ms of the refused probe
    assert (slowest[0].host, slowest[0].ms) == (f"mx{SLOWEST + 4}.example", SLOWEST + 4 + 1 + 3)


@pytest.mark.parametrize(("days", "expected"), [(-1, ["mx1.example"]), (20, ["mx1.example"]), (22, [])])
def test_certificates_that_expire_soon_are_named(tmp_path: Path, days: int, expected: list[str]) -> None:
    finished = NOON + timedelta(hours=1)
    with Store.create(tmp_path, records.header()) as store:
        store.put_host(records.report(), [records.cert(not_after=finished + timedelta(days=days))])
        store.finish(RunState.COMPLETE, {}, finished)
    assert [row.host for row in summarise(Run.open(tmp_path)).expiring] == expected


def test_addresses_that_disagree_are_told(tmp_path: Path) -> None:
    first = EndpointReport("192.0.2.1", (records.probe(),), records.evidence())
    other = records.probe("192.0.2.2", handshake=records.handshake(version="TLSv1.2", chain=("0d" * 32,)))
    second = EndpointReport("192.0.2.2", (other,), records.evidence(record=None, depth=-1))
    found = summary(tmp_path, [records.domain()], [records.report(endpoints=(first, second))])
    assert {row.what: dict(row.values) for row in found.disagreements} == {
        "certificate": {"192.0.2.1": DIGEST[:16], "192.0.2.2": "0d" * 8},
        "tls-version": {"192.0.2.1": "TLSv1.3", "192.0.2.2": "TLSv1.2"},
        "dane": {"192.0.2.1": "match", "192.0.2.2": "no match"},
    }
    assert set(found.tables["disagreements"].rows) == {"certificate", "tls-version", "dane"}


@pytest.mark.parametrize(
    ("days", "word"),
    [
        (-0.1, "expired"),
        (0, "expired"),
        (0.1, "0-7"),
        (7, "0-7"),
        (29.9, "14-30"),
        (180, "90-180"),
        (180.1, "over 180"),
    ],
)
def test_days_left_are_put_into_ranges(days: float, word: str) -> None:
    assert expiry_word(days_left(NOON + timedelta(days=days), NOON)) == word
    assert word in EXPIRY_WORDS


def test_a_match_with_a_path_error_is_no_match(tmp_path: Path) -> None:
    """X509_V_ERR_CERT_HAS_EXPIRED on the path of a usage 2 record (RFC 7672 section 3.1.2)."""
    expired = records.evidence(errors=(PathError(10, 0, "certificate has expired"),))
    ends = (
        EndpointReport("192.0.2.1", (records.probe(),), records.evidence()),
        EndpointReport("192.0.2.2", (records.probe("192.0.2.2"),), expired),
    )
    (found,) = summary(tmp_path, [], [records.report(endpoints=ends)]).disagreements
    assert (found.what, found.values) == ("dane", (("192.0.2.1", "match"), ("192.0.2.2", "no match")))


def test_a_host_that_was_not_probed_is_counted_but_not_listed(tmp_path: Path) -> None:
    """The lists name addresses; the connections to an address belong to the host that was probed."""
    slow = records.report().endpoints[0]
    other = replace(slow, address="192.0.2.9", probes=(replace(slow.probes[0], starttls=StartTLS.NOT_OFFERED),))
    seen = records.report(endpoints=(slow, other))
    unseen = [
        replace(seen, key=f"mx{n}.other:25/smtp", host=f"mx{n}.other", inferred={"from": seen.key}) for n in "abc"
    ]
    found = summary(tmp_path, [], [seen, *unseen])
    assert found.hosts == 4
    assert {row.host for row in found.slowest} == {row.host for row in found.disagreements} == {seen.host}


@pytest.mark.parametrize(
    ("a", "aaaa", "expected"),
    [
        (Security.SECURE, Security.SECURE, "secure"),
        (Security.SECURE, Security.INDETERMINATE, "indeterminate"),
        (Security.INSECURE, Security.INDETERMINATE, "insecure"),  # a failed lookup does not hide what was determined
        (Security.SECURE, Security.INSECURE, "insecure"),
        (Security.BOGUS, Security.INSECURE, "bogus"),
    ],
)
def test_the_weaker_address_family_counts_as_in_a_verdict(
    tmp_path: Path, a: Security, aaaa: Security, expected: str
) -> None:
    """The order of the states is that of ``scanner.core.route.weakest``, by which a host is judged."""
    whole = records.report()
    assert whole.a is not None
    assert whole.aaaa is not None
    report = replace(whole, a=replace(whole.a, security=a), aaaa=replace(whole.aaaa, security=aaaa))
    found = summary(tmp_path, [records.domain()], [report])
    assert list(found.tables["dnssec_host"].rows) == [expected]
    assert weakest((a, aaaa)) == expected
