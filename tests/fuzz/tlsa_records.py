"""TLSA records: the rdata of any length, the order and agility of RRsets, their texts, and matching."""

import random

from results.render import tlsa as rendered
from scanner.core import dane, tlsa
from scanner.core.x509.facts import facts
from scanner.facts import Answer, TLSARecord
from scanner.vocabulary import Outcome, Security, Unusable
from tests.fuzz import certificates, der_tree
from tests.fuzz.fuzzer import Fuzzer, mutated, packed, stored, unpacked

_DIGESTS = (tlsa.DIGESTS, ("sha256",), ("sha256", "sha512"), (), ("md5", "sha512"))
_TEXTS = ("", "3 1 1 ab", "zz", "abc", "AB CD", " 03 01", "\u0663", "030101" + "g" * 64)


def make(chance: random.Random) -> bytes:
    """Return the number of a chain and an RRset."""
    number = chance.randrange(len(certificates.bases()))
    rrset = [_rdata(number, chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 5, 150)))]
    return packed((bytes([number, chance.randrange(len(_DIGESTS))]), *rrset))


def _rdata(number: int, chance: random.Random) -> bytes:
    cert = facts(chance.choice(certificates.bases()[number]))
    fields = bytes(chance.choice((0, 1, 2, 3, 3, 255) if at == 0 else (0, 0, 1, 1, 2, 255)) for at in range(3))
    if chance.random() < 0.7:
        fields = bytes((chance.choice((2, 3)), chance.randrange(2), chance.randrange(3)))
    data = bytes.fromhex(dane.association(cert, fields[1] & 1, min(fields[2], 2)))
    change = chance.random()
    if change < 0.3:
        data = mutated(data, chance)
    elif change < 0.6 and data[:1] == b"\x30":
        try:
            root = der_tree.read(data)
            der_tree.mutate(root, chance)
            data = root.encode()
        except ValueError:  # BER
            data += b"\0"
    rdata = fields + data
    return rdata[: chance.randrange(6)] if chance.random() < 0.1 else rdata[:60_000]


def check(data: bytes) -> None:
    """Use an RRset as the answer to a question, and match it against a chain.

    Raises:
        AssertionError: a record is lost or changed, or an unusable record matches.
    """
    (number, digests), *rrset = unpacked(data)
    chain = [facts(octets) for octets in certificates.bases()[number]]
    texts = tuple(octets.hex() for octets in rrset)
    records = [stored(tlsa.parse_rdata(text, _DIGESTS[digests])) for text in texts]
    for text, record in zip(texts, records, strict=True):
        _texts(text, record)
    assert sorted(tlsa.ordered(records, _DIGESTS[digests]), key=repr) == sorted(records, key=repr)
    assert set(tlsa.agile(records, _DIGESTS[digests])) <= {record for record in records if record.unusable is None}
    for security in Security:
        answer = Answer("_25._tcp.mx.example", "TLSA", Outcome.DATA, security, texts)
        stored(tlsa.lookup_result("mx.example", [answer], _DIGESTS[digests]))
        rendered.record_texts(answer)
    rendered.record_texts(Answer("x", "TLSA", Outcome.DATA, Security.SECURE, _TEXTS))
    found = stored(dane.match(records, chain, certificates.NOW, digests=_DIGESTS[digests]))
    assert found.record is None or found.record.unusable is None, "an unusable record matches"


def _texts(text: str, record: TLSARecord) -> None:
    """Check that the presentation format contains the whole record, and the other texts at most as much."""
    usage, selector, matching_type, data = tlsa.presentation(record).split(" ")
    again = f"{int(usage):02x}{int(selector):02x}{int(matching_type):02x}{data}"
    assert again == text or record.unusable is Unusable.TRUNCATED, "the presentation format is another record"
    for shown in (
        tlsa.display(record),
        rendered.short(record),
        rendered.whole(record),
        rendered.zone_line("x", record),
    ):
        assert len(shown) <= len(again) + 20  # spaces, and ``...`` in place of octets


FUZZER = Fuzzer("tlsa-records", make, check, inputs=150, calls=400_000)
