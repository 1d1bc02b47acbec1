"""The bounded form of the comparison: fixed seeds; ``python -m tests.differential`` has the long form."""

from dataclasses import replace

import pytest

from scanner.core.x509 import issuing
from scanner.core.x509.der import BIT_STRING, OCTET_STRING, SEQUENCE, encode
from scanner.core.x509.issuing import Acceptance
from tests.differential import chains, compare, judges, program, signers
from tests.differential.chains import ChainCase, make
from tests.differential.compare import DRAFTED, Difference
from tests.differential.faults import ARRANGED

BLOCK = 150
"""Cases of one test."""


@pytest.mark.parametrize("first", range(0, 4 * BLOCK, BLOCK))
def test_paths_are_judged_as_the_library_judges_them(first: int) -> None:
    tally = compare.paths(range(first, first + BLOCK))
    assert [str(difference) for difference in tally.differences] == []
    assert tally.judged > 0.9 * BLOCK
    assert tally.accepted > 0.2 * BLOCK


def test_paths_and_records_are_judged_as_the_program_judges_them() -> None:
    tally = compare.by_program(range(5000, 5025))
    assert [str(difference) for difference in tally.differences] == []
    assert tally.judged > 30


def test_a_seed_makes_the_same_faults_each_time() -> None:
    first, second = (make(7, DRAFTED, ARRANGED) for _ in range(2))
    assert (first.faults, len(first.chain), len(first.roots)) == (second.faults, len(second.chain), len(second.roots))


def test_a_key_that_cannot_be_found_has_an_empty_record() -> None:
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    leaf = replace(chains.leaf_draft(signers.pair("p256", 9), root), spki=b"\x30\x00")
    made = (leaf.make(), root.make())
    drawn = [compare.records(ChainCase(seed, made, (), leaf.key.pem, (), made)) for seed in range(60)]
    assert "" in {record.data for found in drawn for record in found}


def test_a_check_that_is_missing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "acceptance", lambda _path, _key=b"": Acceptance(accepted=True))
    assert compare.paths(range(BLOCK)).differences


def test_a_root_of_an_unknown_algorithm_is_a_named_difference() -> None:
    """Expected: openssl 3.0 uses the root as an issuer that is not self-signed.

    OpenSSL 4 takes leaf and root for one certificate, as they have the same issuer name and serial number.
    """
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    root.change_algorithm = lambda _: signers.algorithm("1.2.3.4")
    leaf = replace(chains.leaf_draft(signers.pair("p256", 9), root), serial=root.serial)
    every = leaf.make(), root.make()
    case = ChainCase(7, every, every[1:], leaf.key.pem, (), every)  # the seed makes one record, 2 1 1 of the root
    shown = program.judge(case, (program.by_store(case), program.by_records(compare.records(case))))
    assert shown is not None
    of_store, of_records = shown
    assert (of_store.errors, of_records.matched) == (((2, 1),), ("2 1 1", 1))
    ours = compare.ours(case, 1)
    assert ours == ((20, 0), (21, 0))
    reasons = "both releases", "a self-issued certificate"
    for theirs, own, texts, reason in (
        (of_store.errors, ours, "", reasons[0]),
        (of_records.errors, ((65, 0), *ours), "2", reasons[1]),
    ):
        difference = Difference(case, 1, own, theirs, program=True, records=texts)
        assert compare.explanation(difference).startswith(reason)
        assert compare.explanation(Difference(case, 1, ((10, 0),), theirs, program=True, records=texts)) == ""


def test_two_roots_of_one_serial_number_are_a_named_difference() -> None:
    """Expected: OpenSSL 4 takes the intermediate for the trusted root, and does not use the root that was sent."""
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    root.change_algorithm = lambda _: signers.algorithm("1.2.3.4")
    inter = replace(chains.ca_draft("CA", signers.pair("p256", 1), root), serial=root.serial)
    leaf = chains.leaf_draft(signers.pair("p256", 9), inter)
    other = chains.ca_draft("Root", signers.pair("p256", 6), None).make()
    case = ChainCase(0, (leaf.make(), inter.make(), root.make()), (other,), leaf.key.pem, (), ())
    judgement = judges.by_handshake(case, 1)
    assert judgement is not None
    assert (judgement.errors, compare.ours(case, 1)) == (((7, 1),), ((20, 1),))
    found = Difference(case, 1, compare.ours(case, 1), judgement.errors)
    assert compare.explanation(found).startswith("two certificates of one issuer name and serial number")


def test_undecodable_parameters_and_another_root_are_a_named_difference() -> None:
    """Expected: OpenSSL 4 uses the other root, whose key identifier is not that of the leaf; OpenSSL 3 does not."""
    root = chains.ca_draft("Root", signers.pair("rsa2048"), None)
    leaf = replace(chains.leaf_draft(signers.pair("p256", 9), root), serial=root.serial)
    leaf.way = "pss-huge-salt"
    other = chains.ca_draft("Root", signers.pair("p256", 6), None).make()
    case = ChainCase(0, (leaf.make(),), (other,), leaf.key.pem, (), ())
    judgement = judges.by_handshake(case, 1)
    assert judgement is not None
    assert (judgement.errors, compare.ours(case, 1)) == (((7, 0),), ((20, 0), (21, 0)))
    found = Difference(case, 1, compare.ours(case, 1), judgement.errors)
    assert compare.explanation(found).startswith("two certificates of one issuer name and serial number")


def test_undecodable_parameters_and_resources_are_a_named_difference() -> None:
    """Expected: OpenSSL 4 checks the resources of the leaf although a signature above it is wrong."""
    root = chains.ca_draft("Root", signers.pair("rsa2048"), None)
    upper = replace(chains.ca_draft("CA 1", signers.pair("p256", 1), root), way="pss-huge-salt")
    lower = chains.ca_draft("CA 2", signers.pair("p256", 2), upper)
    leaf = chains.leaf_draft(signers.pair("p256", 9), lower)
    numbers = encode(SEQUENCE, encode(BIT_STRING, b"\0\x0a"))
    leaf.put(chains.ADDRESSES, encode(SEQUENCE, encode(SEQUENCE, encode(OCTET_STRING, b"\0\x01"), numbers)))
    made = leaf.make(), lower.make(), upper.make(), root.make()
    case = ChainCase(0, made[:3], made[3:], leaf.key.pem, (), made)
    judgement = judges.by_handshake(case, 1)
    assert judgement is not None
    assert judgement.errors == ((46, 1), (7, 2), (46, 2), (46, 3))
    assert compare.ours(case, 1) == ((68, 2), (7, 2))
    assert compare.explanation(Difference(case, 1, compare.ours(case, 1), judgement.errors)).startswith("RFC 3779")


@pytest.mark.parametrize("invalid", [True, False])
def test_a_bare_key_over_an_invalid_leaf_is_a_named_difference(*, invalid: bool) -> None:
    """Expected: openssl 3.0 verifies the signature, although it uses a leaf with a repeated extension in no path."""
    root = chains.ca_draft("Root", signers.pair("p256"), None)
    leaf = chains.leaf_draft(signers.pair("p256", 9), root)
    leaf.extensions += leaf.extensions[1:2] * invalid
    made = leaf.make(), root.make()
    case = next(
        case
        for seed in range(500)
        for case in (ChainCase(seed, made[:1], (), leaf.key.pem, (), made),)
        if [(r.usage, r.selector, r.matching_type) for r in compare.records(case)] == [(2, 1, 0)]
    )
    shown = program.judge(case, (program.by_records(compare.records(case)),))
    assert shown is not None
    assert shown[0].matched == ("2 1 0", 0)
    found = Difference(case, 1, ((65, 0), (20, 0), (21, 0)), (), program=True, records="2 1 0")
    assert compare.explanation(found).startswith("a 2 1 0 key over a certificate") is invalid
