"""Random chains: certificates built octet by octet, so that every rule of X.509 can be broken in them.

A chain begins as an ordinary one. Then a few faults are applied, each by a function whose name is the fault's class;
a case keeps the names. The same seed gives the same faults in the same places; keys are new in each process.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from scanner.core.x509 import der
from scanner.core.x509.der import BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, SET, encode
from tests.differential import signers
from tests.differential.signers import oid

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
HOST = "mx1.secure.test"

BC, KU, EKU, SAN, SKI, AKI = "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17", "2.5.29.14", "2.5.29.35"
NC, CRLDP, POLICIES, NETSCAPE = "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.16.840.1.113730.1.1"
PROXY, ADDRESSES = "1.3.6.1.5.5.7.1.14", "1.3.6.1.5.5.7.1.7"
SERVER, CLIENT, ANY_USE = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
UTF8, PRINTABLE = 0x0C, 0x13


class Extension(NamedTuple):
    """An extension as it will stand in a certificate."""

    type: str
    value: bytes
    critical: bool = False

    @property
    def der(self) -> bytes:
        critical = encode(der.BOOLEAN, b"\xff") if self.critical else b""
        return encode(SEQUENCE, oid(self.type), critical, encode(OCTET_STRING, self.value))


def name(*parts: tuple[str, str], tag: int = UTF8) -> bytes:
    """Return a Name of (type, text) pairs."""
    pairs = (encode(SEQUENCE, oid(kind), encode(tag, text.encode())) for kind, text in parts)
    return encode(SEQUENCE, *(encode(SET, pair) for pair in pairs))


def cn(text: str, tag: int = UTF8) -> bytes:
    return name(("2.5.4.10", "Lab"), ("2.5.4.3", text), tag=tag)


@dataclass
class Draft:
    """A certificate before it is signed; faults change it."""

    subject: bytes
    issuer: bytes
    key: signers.Pair
    signer: signers.Pair
    way: str = ""
    version: int = 2
    serial: bytes = b"\x10"
    start: datetime | bytes = NOW - timedelta(days=300)
    end: datetime | bytes = NOW + timedelta(days=300)
    extensions: list[Extension] = field(default_factory=list)
    spki: bytes = b""
    inner: bytes = b""
    unused: int = 0
    unique: bytes = b""
    change_algorithm: Callable[[bytes], bytes] | None = None
    change_signature: Callable[[bytes], bytes] | None = None
    change_extensions: Callable[[bytes], bytes] | None = None
    change_subject: Callable[[bytes], bytes] | None = None

    def make(self) -> bytes:
        """Sign it."""
        way = self.way if self.way in self.signer.ways else next(iter(self.signer.ways))
        algorithm, sign = self.signer.ways[way]
        algorithm = self.change_algorithm(algorithm) if self.change_algorithm else algorithm
        tbs = encode(SEQUENCE, *self._fields(algorithm))
        signature = sign(tbs)
        if self.change_signature is not None:
            signature = self.change_signature(signature)
        return encode(SEQUENCE, tbs, algorithm, signers.signature(signature, self.unused))

    def _fields(self, algorithm: bytes) -> list[bytes]:
        subject = self.change_subject(self.subject) if self.change_subject else self.subject
        validity = encode(SEQUENCE, _time(self.start), _time(self.end))
        fields = [encode(INTEGER, self.serial), self.inner or algorithm, self.issuer, validity, subject]
        if self.version:
            fields.insert(0, encode(0xA0, encode(INTEGER, bytes([self.version]))))
        fields += [self.spki or self.key.spki, self.unique]
        if self.extensions:
            row = encode(SEQUENCE, *(extension.der for extension in self.extensions))
            fields.append(encode(0xA3, self.change_extensions(row) if self.change_extensions else row))
        return fields

    def at(self, kind: str) -> int | None:
        """Return the place of an extension."""
        return next((at for at, extension in enumerate(self.extensions) if extension.type == kind), None)

    def put(self, kind: str, value: bytes, *, critical: bool = False) -> None:
        """Set an extension, in the place of the one of its type."""
        at = self.at(kind)
        if at is None:
            self.extensions.append(Extension(kind, value, critical))
        else:
            self.extensions[at] = Extension(kind, value, critical)


def _time(when: datetime | bytes) -> bytes:
    if isinstance(when, bytes):
        return encode(der.GENERALIZED_TIME, when)
    if 1950 <= when.year < 2050:
        return encode(der.UTC_TIME, when.strftime("%y%m%d%H%M%SZ").encode())
    return encode(der.GENERALIZED_TIME, when.strftime("%Y%m%d%H%M%SZ").encode())


# --- parts of ordinary certificates ---------------------------------------------------------------------------


def basic(*, ca: bool, length: int | None = None) -> bytes:
    parts = [encode(der.BOOLEAN, b"\xff")] if ca else []
    if length is not None:
        parts.append(encode(INTEGER, length.to_bytes(length.bit_length() // 8 + 1, signed=True)))
    return encode(SEQUENCE, *parts)


def usage(bits: int, unused: int = 0) -> bytes:
    return encode(BIT_STRING, bytes([unused, bits]))


def uses(*types: str) -> bytes:
    return encode(SEQUENCE, *map(oid, types))


def key_id(pair: signers.Pair) -> bytes:
    return pair.spki[-20:]


def authority(pair: signers.Pair) -> bytes:
    return encode(SEQUENCE, encode(0x80, key_id(pair)))


def dns(*names: str) -> bytes:
    return encode(SEQUENCE, *(encode(0x82, text.encode()) for text in names))


def _next(serial: bytes) -> bytes:
    return (int.from_bytes(serial) + 1).to_bytes(len(serial))


def ca_draft(label: str, key: signers.Pair, above: Draft | None) -> Draft:
    subject = cn(label)
    draft = Draft(subject, above.subject if above else subject, key, above.key if above else key)
    draft.serial = _next(above.serial) if above else draft.serial
    draft.put(BC, basic(ca=True), critical=True)
    draft.put(KU, usage(0x06, 1), critical=True)
    draft.put(SKI, encode(OCTET_STRING, key_id(key)))
    if above:
        draft.put(AKI, authority(above.key))
    return draft


def leaf_draft(key: signers.Pair, above: Draft) -> Draft:
    draft = Draft(cn(HOST), above.subject, key, above.key, serial=_next(above.serial))
    draft.put(BC, basic(ca=False), critical=True)
    draft.put(EKU, uses(SERVER))
    draft.put(SAN, dns(HOST))
    draft.put(AKI, authority(above.key))
    return draft


# --- cases ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChainCase:
    """A chain as sent (leaf first), the private key of its leaf, the trusted certificates and the faults applied."""

    seed: int
    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    key_pem: bytes
    faults: tuple[str, ...]
    every: tuple[bytes, ...]
    """All certificates of the chain before some were left out, root last: what TLSA records are made of."""


@dataclass
class ChainPlan:
    """A chain in the making: the drafts, leaf first, and afterwards the octets."""

    drafts: list[Draft]
    chance: random.Random
    sent: list[bytes] = field(default_factory=list)
    roots: list[bytes] = field(default_factory=list)

    def any(self) -> Draft:
        return self.chance.choice(self.drafts)

    def extended(self) -> Draft:
        """Return a certificate with extensions; one that lost them all gets an ordinary one."""
        draft = self.any()
        if not draft.extensions:
            draft.put(POLICIES, encode(SEQUENCE, encode(SEQUENCE, oid("1.2.3.4"))))
        return draft

    def authority(self) -> Draft:
        return self.chance.choice(self.drafts[1:])

    def signed(self) -> Draft:
        """Return a certificate whose signature is checked."""
        return self.chance.choice(self.drafts[:-1])


Fault = Callable[[ChainPlan], None]


def make(seed: int, drafted: Sequence[Fault], arranged: Sequence[Fault], *, rare_keys: bool = True) -> ChainCase:
    """Make the case of a seed.

    Args:
        seed: any number.
        drafted: the faults of certificates.
        arranged: the faults of the chain as a whole, applied after signing.
        rare_keys: kinds of keys that take long to make are among those used.
    """
    chance = random.Random(seed)
    plan = ChainPlan(_drafts(chance, rare_keys=rare_keys), chance)
    faults = [chance.choice(drafted) for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3)))]
    for fault in faults:
        fault(plan)
    every = tuple(draft.make() for draft in plan.drafts)
    plan.sent, plan.roots = list(every if chance.random() < 0.5 else every[:-1]), [every[-1]]
    shaped = [chance.choice(arranged)] if chance.random() < 0.3 else []
    for fault in shaped:
        fault(plan)
    names = tuple(fault.__name__ for fault in (*faults, *shaped))
    return ChainCase(seed, tuple(plan.sent), tuple(plan.roots), plan.drafts[0].key.pem, names, every)


def _drafts(chance: random.Random, *, rare_keys: bool) -> list[Draft]:
    def key(number: int) -> signers.Pair:
        rare = rare_keys and chance.random() < 0.12
        return signers.pair(chance.choice(signers.RARE if rare else signers.COMMON), number)

    height = chance.choice((1, 1, 2, 2, 2, 3, 4) if chance.random() < 0.95 else (9, 10, 11, 12))
    drafts = [ca_draft("Root", key(0), None)]
    for level in range(1, height):
        drafts.append(ca_draft(f"CA {level}", key(min(level, 4)), drafts[-1]))
    leaf_key = signers.pair(chance.choice(("p256", "p256", "rsa2048", "ed25519")), 9)
    drafts.append(leaf_draft(leaf_key, drafts[-1]))
    for draft in drafts:
        if chance.random() < 0.15:
            draft.way = chance.choice(sorted(draft.signer.ways))
    return drafts[::-1]
