"""Certificates with structural mutations: the reader, path checks, DANE matching, names, and the stored form.

The inputs are chains. Most certificates are signed again after a mutation, so that their signatures stay valid.
"""

import base64
import json
import random
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import crypto

from scanner.core import dane, matching, pkix, tlsa
from scanner.core.x509 import openssl, trust
from scanner.core.x509.der import DERError
from scanner.core.x509.facts import facts
from scanner.facts import CertFacts, TLSARecord
from tests.fuzz import der_tree
from tests.fuzz.fuzzer import Fuzzer, mutated, packed, stored, unpacked

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
LONGEST = 100_000
"""Maximum length in octets of a certificate; a TLS message may contain a longer one, which takes too long here."""

_CASES = Path(__file__).parents[1] / "differential" / "cases"
_CORPUS = Path(__file__).parents[1] / "corpus"


# --- certificates before mutation -----------------------------------------------------------------------------


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def _spki(number: int) -> str:
    return _key(number).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()


def _element(tag: str, *contents: str) -> str:
    return der_tree.Node(int(tag, 16), bytes.fromhex("".join(contents))).encode().hex()


def _name(*texts: str) -> str:
    pairs = (
        _element("30", oid, _element("0c", text.encode().hex())) for oid, text in zip(_NAME_TYPES, texts, strict=False)
    )
    return _element("30", *(_element("31", pair) for pair in pairs))


_NAME_TYPES = ("060355040a", "0603550403", "0603550408")
_HOST = b"mx.example.com".hex()
_ED25519 = "300506032b6570"


def _extension(oid: str, value: str, *, critical: bool = False) -> str:
    return _element("30", oid, "0101ff" if critical else "", _element("04", value))


def _constraints() -> str:
    permitted = (_element("30", _element("82", b"com".hex())), _element("30", _element("a4", _name("Lab"))))
    excluded = (_element("30", _element("87", "0a000000ff000000")), _element("30", _element("81", b"x.test".hex())))
    return _element("30", _element("a0", *permitted), _element("a1", *excluded))


_ALT_NAMES = _element(
    "30", _element("82", _HOST), _element("82", b"*.example.org".hex()), _element("87", "7f000001"),
    _element("81", b"me@example.com".hex()), _element("86", b"https://example.com/".hex()), _element("88", "2a0304"),
    _element("a4", _name("Lab", "dir")), _element("a0", "06022a03", _element("a0", _element("0c", b"other".hex()))),
)  # fmt: skip
_POINT = _element("30", _element("30", _element("a0", _element("a0", _element("86", b"http://example.com/".hex())))))
_ADDRESSES = _element("30", _element("30", _element("04", "0001"), _element("30", _element("03", "000a"))))
_PROXY = _element("30", _element("30", "06082b06010505071501"))

_LEAF = (
    _extension("0603551d13", "3000", critical=True),
    _extension("0603551d0f", "030205a0", critical=True),
    _extension("0603551d25", _element("30", "06082b06010505070301", "06082b06010505070302")),
    _extension("0603551d11", _ALT_NAMES),
    _extension("0603551d0e", _element("04", "0102")),
    _extension(
        "0603551d23",
        _element("30", _element("80", "0203"), _element("a1", _element("a4", _name("Lab", "Root"))), "820110"),
    ),
    _extension("0603551d1f", _POINT),
    _extension("0603551d20", _element("30", _element("30", "06022a03"))),
)
_CA = (
    _extension("0603551d13", _element("30", "0101ff", "020103"), critical=True),
    _extension("0603551d0f", "03020106", critical=True),
    _extension("0603551d0e", _element("04", "0203")),
    _extension("0603551d1e", _constraints(), critical=True),
    _extension("0609608648018" + "6f8420101", "03020007"),
)
_ODD = (
    *_LEAF[:4],
    _extension("06082b0601050507010e", _PROXY, critical=True),
    _extension("06082b06010505070107", _ADDRESSES, critical=True),
    _extension("0603551d24", "3003800100"),
    _extension("0603551d36", "020100"),
    _extension("06052a03040506", "0500"),
)


def _made(subject: str, issuer: str, keys: tuple[int, int], extensions: Sequence[str]) -> bytes:
    validity = _element("30", _element("17", b"200101000000Z".hex()), _element("18", b"20700101000000Z".hex()))
    extended = _element("a3", _element("30", *extensions))
    tbs = _element("30", "a003020102", "020110", _ED25519, issuer, validity, subject, _spki(keys[0]), extended)
    return _signed(bytes.fromhex(tbs), bytes.fromhex(_ED25519), keys[1])


def _signed(tbs: bytes, algorithm: bytes, key: int) -> bytes:
    signature = b"\x03\x41\0" + _key(key).sign(tbs)
    return bytes.fromhex(_element("30", tbs.hex(), algorithm.hex(), signature.hex()))


ROOT = _made(_name("Lab", "Root"), _name("Lab", "Root"), (3, 3), _CA[:3])
_MIDDLE = _made(_name("Lab", "CA"), _name("Lab", "Root"), (2, 3), _CA)
_FIRST = _made(_name("Lab", "mx.example.com"), _name("Lab", "CA"), (1, 2), _LEAF)
_SECOND = _made(_name("Lab", "mx.example.com", "x"), _name("Lab", "CA"), (1, 2), _ODD)
_SIGNERS = {_FIRST: 2, _SECOND: 2, _MIDDLE: 3, ROOT: 3}


@cache
def bases() -> tuple[tuple[bytes, ...], ...]:
    """Return the chains before mutation: our own and those of the saved cases."""
    texts = [json.loads(path.read_text())["chain"] for path in sorted(_CASES.glob("*.json"))]
    others = [
        tuple(ssl.PEM_cert_to_DER_cert(f"{b.strip()}\n{_END}\n") for b in text.split(_END)[:-1]) for text in texts
    ]
    saved = [json.loads(path.read_text()) for path in sorted(_CORPUS.glob("*.json"))]
    events = [event for case in saved for one in case["connections"] for event in one["events"]]
    sent = {tuple(base64.b64decode(der) for der in event["chain"]) for event in events if event.get("chain")}
    return ((_FIRST, _MIDDLE, ROOT), (_SECOND, _MIDDLE, ROOT), (_FIRST, _MIDDLE, ROOT), *others, *sorted(sent))


_END = "-----END CERTIFICATE-----"


# --- inputs ---------------------------------------------------------------------------------------------------


def make(chance: random.Random) -> bytes:
    """Return a chain of which one or two certificates are mutated."""
    chain = list(bases()[chance.randrange(3)] if chance.random() < 0.6 else chance.choice(bases()))
    for at in chance.sample(range(len(chain)), min(len(chain), chance.choice((1, 1, 2)))):
        chain[at] = certificate(chain[at], chance)
    if chance.random() < 0.1:
        chance.shuffle(chain)
    return packed(chain)


def certificate(octets: bytes, chance: random.Random) -> bytes:
    """Return a certificate with mutations, in most cases signed again."""
    signer = _SIGNERS.get(octets)
    try:
        root = der_tree.read(octets)
    except ValueError:  # a base in BER
        return mutated(octets, chance)[:LONGEST]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        der_tree.mutate(root, chance)
        if not root.elements:
            break
    if signer is not None and len(root.elements) == 3 and chance.random() < 0.8:
        tbs, algorithm, _ = (element.encode() for element in root.elements)
        return _signed(tbs, algorithm, signer)[:LONGEST]
    encoded = root.encode()
    return (mutated(encoded, chance) if chance.random() < 0.1 else encoded)[:LONGEST]


# --- checks ---------------------------------------------------------------------------------------------------


def check(data: bytes) -> None:
    """Read, judge and store a chain.

    Raises:
        AssertionError: a path is accepted that OpenSSL refuses, or a record is not stored as it is.
    """
    sent = unpacked(data)
    chain = [stored(facts(octets)) for octets in sent]
    store = pkix.TrustStore.from_pem(ssl.DER_cert_to_PEM_cert(ROOT).encode())
    for level in (0, 1):
        evidence = stored(pkix.verify(chain, store, NOW, security_level=level))
        assert evidence.errors or _accepted(sent), "a path is accepted that OpenSSL refuses"
    matching.matched_peername(chain[0], ("mx.example.com", ".example.org", "x.example.org"))
    _records(chain)
    for octets in sent:
        _as_root(octets)


def _accepted(sent: list[bytes]) -> bool:
    if not openssl.encoded(sent[0]):
        return False
    store = crypto.X509Store()
    store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, ROOT))
    store.set_time(NOW)
    leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, o) for o in sent if openssl.encoded(o))
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def _records(chain: list[CertFacts]) -> None:
    """Match records of each usage and selector against the chain: a leaf always matches its own digest."""
    leaf, top = chain[0], chain[-1]
    records = [_record(3, 0, 1, leaf.sha256), _record(3, 1, 1, leaf.spki_sha256)]
    for record in records:
        found = stored(dane.match([record], chain, NOW))
        assert record.unusable or found.record == record, "a leaf does not match its own digest"
    anchors = [_record(2, selector, 0, dane.association(top, selector, 0)) for selector in (0, 1)]
    anchors += [_record(2, 0, 1, chain[len(chain) // 2].sha256), _record(2, 1, 2, top.spki_sha512)]
    for some in (anchors[:1], anchors[1:2], anchors[2:], anchors):
        stored(dane.match(some, chain, NOW))


def _record(*fields: object) -> TLSARecord:
    usage, selector, matching_type, data = fields
    return stored(tlsa.parse_rdata(f"{usage:02x}{selector:02x}{matching_type:02x}{data}"))


def _as_root(octets: bytes) -> None:
    """Use a certificate, and its octets as trust settings, as the content of a file of trusted roots."""
    body = base64.b64encode(octets + octets[4:]).decode()
    for label in ("CERTIFICATE", "TRUSTED CERTIFICATE"):
        pem = f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()
        try:
            assert len(pkix.TrustStore.from_pem(pem)) == 1
        except ValueError:
            continue
    try:
        trust.settings(octets)
    except DERError:
        return


FUZZER = Fuzzer("certificates", make, check, inputs=250)
