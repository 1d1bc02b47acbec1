"""Name constraints: every violation, at the depth of the certificate whose names break them (RFC 5280, 4.2.1.10).

The expected violations, in their order, are those of OpenSSL's verify callback.
"""

import pytest

from scanner.core.x509 import certificate, name_constraints
from scanner.core.x509.der import SEQUENCE, encode
from scanner.core.x509.verify_error import NAME_ERRORS
from tests.differential import chains, judges, signers
from tests.differential.chains import HOST, NC, SAN, cn, dns
from tests.unit.pki import CHAIN


def permitted(*bases: bytes, minimum: int = 0) -> bytes:
    least = encode(0x80, bytes([minimum])) if minimum else b""
    return encode(SEQUENCE, encode(0xA0, *(encode(SEQUENCE, base, least) for base in bases)))


def excluded(*bases: bytes) -> bytes:
    return encode(SEQUENCE, encode(0xA1, *(encode(SEQUENCE, base) for base in bases)))


LAB, OTHER = chains.name(("2.5.4.10", "Lab")), chains.name(("2.5.4.10", "Other"))
ROWS = [  # constraints of the root, of the intermediate: violations
    (permitted(encode(0x82, b"test")), b"", []),
    (permitted(encode(0x82, b"other.test")), b"", [(47, 0)]),
    (excluded(encode(0x82, b"secure.test")), b"", [(48, 0)]),
    (permitted(encode(0xA4, OTHER)), b"", [(47, 0), (47, 1)]),
    (permitted(encode(0xA4, OTHER)), excluded(encode(0xA4, LAB)), [(47, 0), (48, 0), (47, 1)]),
    (excluded(encode(0x82, b"test")), permitted(encode(0x82, b"test"), minimum=1), [(48, 0), (49, 0)]),
    (permitted(encode(0x82, b"test"), minimum=1), excluded(encode(0x82, b"test")), [(49, 0), (48, 0)]),
    (excluded(encode(0x88, b"\x2a\x03")), b"", []),
    (excluded(*(encode(0x82, b"n%d.test" % number) for number in range(2100))), b"", []),
    (b"", excluded(*(encode(0x82, b"n%d.test" % number) for number in range(1100))), []),
]


@pytest.mark.parametrize(("root", "inter", "expected"), ROWS)
def test_violations(root: bytes, inter: bytes, expected: list[tuple[int, int]]) -> None:
    top = chains.ca_draft("Root", signers.pair("p256"), None)
    middle = chains.ca_draft("CA", signers.pair("p256", 1), top)
    leaf = chains.leaf_draft(signers.pair("p256", 9), middle)
    for draft, constraints in ((top, root), (middle, inter)):
        if constraints:
            draft.put(NC, constraints, critical=True)
    made = tuple(draft.make() for draft in (leaf, middle, top))
    assert list(name_constraints.violations([certificate.parse(octets) for octets in made])) == expected
    heard = judges.by_handshake(chains.ChainCase(0, made[:2], made[2:], leaf.key.pem, (), made), 0)
    assert heard is not None
    assert [error for error in heard.errors if error[0] in NAME_ERRORS] == expected


def test_too_many_names_and_constraints_are_an_error_of_their_own() -> None:
    top = chains.ca_draft("Root", signers.pair("p256"), None)
    leaf = chains.leaf_draft(signers.pair("p256", 9), top)
    top.put(NC, excluded(*(encode(0x82, b"n%d.test" % number) for number in range(1100))), critical=True)
    leaf.put(SAN, dns(*(f"h{number}.test" for number in range(1000))))
    assert list(name_constraints.violations([certificate.parse(draft.make()) for draft in (leaf, top)])) == [(1, 0)]


def test_a_common_name_counts_only_without_names_and_in_a_leaf_alone() -> None:
    top = chains.ca_draft("Root", signers.pair("p256"), None)
    middle = chains.ca_draft("ca.other.test", signers.pair("p256", 1), top)
    leaf = chains.leaf_draft(signers.pair("p256", 9), middle)
    leaf.extensions = [extension for extension in leaf.extensions if extension.type != SAN]
    top.put(NC, permitted(encode(0x82, b"other.test")), critical=True)
    path = [certificate.parse(draft.make()) for draft in (leaf, middle, top)]
    assert HOST.encode() in leaf.subject
    assert list(name_constraints.violations(path)) == [(47, 0)]
    leaf.subject = cn("x.other.test")
    path = [certificate.parse(draft.make()) for draft in (leaf, middle, top)]
    assert list(name_constraints.violations(path)) == []


def test_without_constraints_nothing_is_asked() -> None:
    assert list(name_constraints.violations([certificate.parse(made.der) for made in CHAIN])) == []
