"""The remedy for TLSA records that do not match; RFC 7671 section 5 defines which records match."""

from dataclasses import replace

import pytest

from results.explain.cause import explain
from results.explain.tlsa_cause import Cause
from results.explain.tlsa_fix import other_host, owner_of, records_to_publish
from scanner.core.dane import match
from scanner.facts import TLSARecord
from tests.unit.pki import HOST, INTER, LEAF, NOW, tlsa
from tests.unit.results.explain.test_cause import BY_SHA, case, report_of
from tests.unit.results.explain.test_tlsa_cause import FACTS, STRANGER, WRONG, fields


@pytest.mark.parametrize(
    "record",
    [
        WRONG,
        tlsa(2, 1, 1, STRANGER),
        fields(tlsa(3, 1, 1, LEAF), 3, 0, 1),
        fields(tlsa(2, 1, 1, INTER), 3, 1, 1),
        fields(tlsa(3, 1, 1, LEAF), 2, 1, 1),
    ],
)
def test_the_records_to_publish_match(record: TLSARecord) -> None:
    found = explain(case(record))
    (line,) = found.records
    owner, _, _, usage, selector, matching_type, data = line.split()
    assert owner == f"_25._tcp.{HOST}."
    assert match([TLSARecord(int(usage), int(selector), int(matching_type), data)], FACTS, NOW).matched


def test_an_issuer_with_usage_3_may_get_usage_2_instead() -> None:
    found = explain(case(fields(tlsa(2, 1, 1, INTER), 3, 1, 1)))
    assert found.cause == Cause.ISSUER_AS_SERVER
    assert found.alternative == f"_25._tcp.{HOST}. IN TLSA 2 1 1 {INTER.facts.spki_sha256}"
    assert explain(case(WRONG)).alternative == ""


def test_aliases_of_tlsa_records_are_followed() -> None:
    report = report_of(WRONG)
    step = replace(report.tlsa.steps[0], rname="_tlsa.example")
    assert owner_of(replace(report, tlsa=replace(report.tlsa, steps=(step,)))) == "_tlsa.example"


def test_a_record_of_the_whole_certificate_where_the_key_is_not_known() -> None:
    odd = {**BY_SHA, FACTS[0].sha256: replace(FACTS[0], spki_sha256="")}
    assert records_to_publish(replace(case(WRONG), certs=odd)) == (f"_25._tcp.{HOST}. IN TLSA 3 0 1 {FACTS[0].sha256}",)


def test_an_incomplete_chain_gives_no_record() -> None:
    """Without the server certificate, the next one of the chain must not be taken for it."""
    rest = {digest: cert for digest, cert in BY_SHA.items() if digest != FACTS[0].sha256}
    found = explain(replace(case(WRONG), certs=rest))
    assert found.records == ()
    assert found.fix == "Replace all TLSA records of the host. The certificate of the server is not known."


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("www.other.example", "other.example"), "www.other.example, other.example"),
        (
            tuple(f"n{number}.example" for number in range(7)),
            "n0.example, n1.example, n2.example, n3.example, n4.example and 2 more",
        ),
        ((HOST, "other.example"), ""),
        ((f"*.{HOST.partition('.')[2]}",), ""),
        (("localhost",), ""),
        ((), ""),
    ],
)
def test_a_certificate_of_another_host(names: tuple[str, ...], expected: str) -> None:
    """Wildcards match by RFC 6125 section 6.4.3; a certificate without host names is of no other host."""
    leaf = replace(FACTS[0], dns_names=names, subject_cns=())
    wrong = replace(case(WRONG), certs={**BY_SHA, leaf.sha256: leaf})
    assert other_host(wrong) == expected
    fix = explain(wrong).fix
    assert fix.startswith(f"Make the server present the certificate of {HOST}: it presents") is bool(expected)


def test_a_wrong_field_is_repaired_in_the_record_though_the_name_differs() -> None:
    leaf = replace(FACTS[0], dns_names=("other.example",), subject_cns=())
    wrong = replace(case(fields(tlsa(3, 1, 1, LEAF), 3, 0, 1)), certs={**BY_SHA, leaf.sha256: leaf})
    assert explain(wrong).fix == "Replace all TLSA records of the host by the records given here."
