"""More faults of random chains: extensions, encodings, algorithms and names that are rarer than those of ``faults``."""

from datetime import timedelta

from scanner.core.x509 import der
from scanner.core.x509.der import BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, encode
from tests.differential import chains, signers
from tests.differential.chains import HOST, NOW, SAN, ChainPlan, Extension, Fault, cn
from tests.differential.signers import algorithm, oid

_URI = encode(0x86, b"http://secure.test/x")
_POINTS = encode(SEQUENCE, encode(SEQUENCE, encode(0xA0, encode(0xA0, _URI))))
_AS_NUMBERS = encode(SEQUENCE, encode(0xA0, encode(SEQUENCE, encode(INTEGER, b"\x05"))))
OTHERS = {
    "2.5.29.9": encode(SEQUENCE),  # subject directory attributes
    "2.5.29.16": encode(SEQUENCE, encode(0x80, b"20200101000000Z")),  # private key usage period
    "2.5.29.18": encode(SEQUENCE, _URI),  # issuer alternative name
    "2.5.29.28": encode(SEQUENCE, encode(0x81, b"\xff")),  # issuing distribution point
    "2.5.29.31": _POINTS,
    "2.5.29.32": encode(SEQUENCE, encode(SEQUENCE, oid("1.2.3.4"))),
    "2.5.29.33": encode(SEQUENCE, encode(SEQUENCE, oid("1.2.3.4"), oid("1.2.3.5"))),  # policy mappings
    "2.5.29.36": encode(SEQUENCE, encode(0x80, b"\0")),  # policy constraints
    "2.5.29.46": _POINTS,  # freshest CRL
    "2.5.29.54": encode(INTEGER, b"\0"),  # inhibit any policy
    "1.3.6.1.5.5.7.1.1": encode(SEQUENCE, encode(SEQUENCE, oid("1.3.6.1.5.5.7.48.1"), _URI)),
    "1.3.6.1.5.5.7.1.3": encode(SEQUENCE),  # qualified certificate statements
    "1.3.6.1.5.5.7.1.8": _AS_NUMBERS,
    "1.3.6.1.5.5.7.1.24": encode(SEQUENCE, encode(INTEGER, b"\x05")),  # TLS feature
    "1.3.6.1.5.5.7.48.1.5": b"\x05\x00",  # OCSP no check
    "1.3.6.1.4.1.11129.2.4.2": encode(OCTET_STRING, b"\0\0"),  # certificate transparency
    "1.3.6.1.4.1.11129.2.4.3": b"\x05\x00",  # precertificate poison
    "2.16.840.1.113730.1.13": encode(0x16, b"comment"),  # Netscape comment
    "2.16.840.1.113730.1.2": encode(0x16, b"http://secure.test/"),  # Netscape base URL
    "2.5.29.14.1": b"\x05\x00",  # below a known number
    "2.5.29.37.1": b"\x05\x00",
}
"""Valid values of extensions that path checks do not need."""


def other_extension(plan: ChainPlan) -> None:
    kind = plan.chance.choice(list(OTHERS))
    plan.any().put(kind, OTHERS[kind], critical=plan.chance.random() < 0.4)


def other_repeated(plan: ChainPlan) -> None:
    kind = plan.chance.choice(list(OTHERS))
    plan.any().extensions += [Extension(kind, OTHERS[kind])] * 2


def other_undecodable(plan: ChainPlan) -> None:
    broken = plan.chance.choice((b"\x30\x03\x02\x01", b"\x04\x00", b"\x02\x01\x00\x00", b"\x31\x00", b"", b"\xff"))
    plan.any().put(plan.chance.choice(list(OTHERS)), broken, critical=plan.chance.random() < 0.3)


def odd_extension(plan: ChainPlan) -> None:
    """Encode the criticality or the order of the fields of an extension in another way."""
    draft, chance = plan.extended(), plan.chance
    chosen = chance.randrange(len(draft.extensions))
    kind, value, _ = draft.extensions[chosen]
    false, one = encode(der.BOOLEAN, b"\0"), encode(der.BOOLEAN, b"\x01")
    content = encode(OCTET_STRING, value)
    odd = chance.choice(
        (
            encode(SEQUENCE, oid(kind), false, content),
            encode(SEQUENCE, oid(kind), one, content),
            encode(SEQUENCE, oid(kind), content, content),
            encode(SEQUENCE, oid(kind)),
            encode(SEQUENCE, content, oid(kind)),
            encode(SEQUENCE, oid(kind), encode(0x24, content, encode(OCTET_STRING, b""))),
            encode(SEQUENCE, oid(kind), encode(BIT_STRING, b"\0", value)),
        )
    )
    rest = [extension.der for at, extension in enumerate(draft.extensions) if at != chosen]
    draft.change_extensions = lambda _: encode(SEQUENCE, *rest, odd)


def trailing_octets(plan: ChainPlan) -> None:
    draft = plan.extended()
    at = plan.chance.randrange(len(draft.extensions))
    extension = draft.extensions[at]
    draft.extensions[at] = extension._replace(value=extension.value + plan.chance.choice((b"\0", b"\x05\x00", b"xy")))


def no_extensions(plan: ChainPlan) -> None:
    plan.any().change_extensions = lambda _: encode(SEQUENCE)


def unused_key_bits(plan: ChainPlan) -> None:
    draft = plan.any()
    algorithm_, key = der.children(der.read(draft.key.spki))
    unused = plan.chance.choice((1, 4, 7, 8))
    draft.spki = encode(SEQUENCE, algorithm_.raw, encode(BIT_STRING, bytes([unused]), key.content[1:]))


def key_parameters(plan: ChainPlan) -> None:
    """Drop the parameters of a key, or add some."""
    draft = plan.any()
    algorithm_, key = der.children(der.read(draft.key.spki))
    first = der.children(algorithm_)[0].raw
    parameters = plan.chance.choice((b"", b"\x05\x00", oid("1.2.840.10045.3.1.7"), oid("1.2.3.4"), b"\x30\x00"))
    draft.spki = encode(SEQUENCE, encode(SEQUENCE, first, parameters), key.raw)


def unknown_key(plan: ChainPlan) -> None:
    draft = plan.any()
    draft.spki = encode(
        SEQUENCE,
        algorithm(plan.chance.choice(("1.2.3.4", "1.3.101.110", "1.2.840.113549.1.3.1"))),
        b"\x03\x21\0" + bytes(32),
    )


def algorithm_parameters(plan: ChainPlan) -> None:
    """Drop the parameters of a signature algorithm, or add some, in both places or in one."""
    draft, chance = plan.any(), plan.chance
    parameters = chance.choice((b"", b"\x05\x00", b"\x30\x00", b"\x05\x00\x05\x00", b"\x02\x01\x00"))

    def change(raw: bytes) -> bytes:
        return encode(SEQUENCE, der.children(der.read(raw))[0].raw, parameters)

    draft.change_algorithm = change
    if chance.random() < 0.3:
        draft.inner = algorithm("1.2.840.10045.4.3.2")


def unknown_algorithm(plan: ChainPlan) -> None:
    numbers = ("1.2.3.4", "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.2.840.113549.1.1.2", "1.3.101.110")
    wanted = algorithm(plan.chance.choice(numbers), b"\x05\x00")
    plan.any().change_algorithm = lambda _: wanted


def other_pss(plan: ChainPlan) -> None:
    plan.any().way = plan.chance.choice(signers.ODD_PSS)


def other_rsa(plan: ChainPlan) -> None:
    plan.any().way = plan.chance.choice(signers.OTHER_HASHES)


def other_curve(plan: ChainPlan) -> None:
    at = plan.chance.randrange(1, len(plan.drafts))
    _new_key(plan, at, signers.pair(plan.chance.choice(signers.other_curves()), 1))


def _new_key(plan: ChainPlan, at: int, key: signers.Pair) -> None:
    plan.drafts[at].key, plan.drafts[at - 1].signer = key, key
    if at == len(plan.drafts) - 1:
        plan.drafts[at].signer = key
    plan.drafts[at].put(chains.SKI, encode(OCTET_STRING, chains.key_id(key)))
    plan.drafts[at - 1].put(chains.AKI, chains.authority(key))


def odd_serial(plan: ChainPlan) -> None:
    plan.any().serial = plan.chance.choice((b"\0", b"\xff", b"\x80\x01", b"\x7f" * 30, b"\0\x80"))


def same_serial(plan: ChainPlan) -> None:
    """Give the root and the certificate below it the same serial number, and thus the same issuer and serial number."""
    plan.drafts[-2].serial = plan.drafts[-1].serial


def unique_ids(plan: ChainPlan) -> None:
    number = encode(0x81, b"\0\x01")
    plan.any().unique = plan.chance.choice(
        (number, encode(0x82, b"\0\x01"), encode(0x81, b"\x03\x0f"), number + number)
    )


def versions(plan: ChainPlan) -> None:
    plan.any().version = plan.chance.choice((3, 4, 127))


def string_types(plan: ChainPlan) -> None:
    """Write the name of an authority, or the reference to it, as another type of string."""
    at = plan.chance.randrange(1, len(plan.drafts))
    text = {1: "CA", 0: "Root"}.get(at, "Root")
    types = {
        0x14: "latin-1",
        0x1E: "utf-16-be",
        0x1C: "utf-32-be",
        0x16: "ascii",
        0x1A: "ascii",
        0x12: "ascii",
        0x1B: "ascii",
    }
    tag = plan.chance.choice(list(types))
    octets = text.encode(types[tag])
    attribute = encode(SEQUENCE, oid("2.5.4.3"), encode(tag, octets))
    changed = encode(SEQUENCE, encode(der.SET, attribute))
    plan.drafts[at].subject = chains.name(("2.5.4.3", text))
    plan.drafts[at - 1].issuer = changed
    if at == len(plan.drafts) - 1:
        plan.drafts[at].issuer = plan.chance.choice((changed, plan.drafts[at].subject))


def odd_subject(plan: ChainPlan) -> None:
    pair = encode(SEQUENCE, oid("2.5.4.3"), encode(0x0C, HOST.encode()))
    other = encode(SEQUENCE, oid("2.5.4.11"), encode(0x0C, b"x"))
    odd = plan.chance.choice(
        (
            encode(SEQUENCE),
            encode(SEQUENCE, encode(der.SET)),
            encode(SEQUENCE, encode(der.SET, other, pair)),
            encode(SEQUENCE, encode(der.SET, pair, pair)),
            encode(SEQUENCE, encode(der.SET, encode(SEQUENCE, oid("2.5.4.3"), encode(0x0C, b"\xff\xfe")))),
            encode(SEQUENCE, encode(der.SET, encode(SEQUENCE, oid("2.5.4.3"), b"\x05\x00"))),
            encode(SEQUENCE, encode(der.SET, encode(SEQUENCE, oid("2.5.4.3"), encode(0x30, b"\x05\x00")))),
        )
    )
    plan.drafts[0].subject = odd


def empty_issuer(plan: ChainPlan) -> None:
    at = plan.chance.randrange(1, len(plan.drafts))
    plan.drafts[at].subject = plan.drafts[at - 1].issuer = encode(SEQUENCE)
    if at == len(plan.drafts) - 1:
        plan.drafts[at].issuer = encode(SEQUENCE)


def date_forms(plan: ChainPlan) -> None:
    draft = plan.any()
    draft.end = plan.chance.choice(
        (b"20300101000000Z", b"99991231235959Z", b"20491231235959Z", NOW + timedelta(days=9000))
    )


def more_names(plan: ChainPlan) -> None:
    good = encode(0x82, HOST.encode())
    odd = plan.chance.choice(
        (
            encode(0x87, bytes(5)),
            encode(0x87, b""),
            encode(0x87, bytes(16)),
            encode(0xA3, encode(SEQUENCE)),
            encode(0xA4, encode(SEQUENCE)),
            encode(0xA4, cn("a"), cn("b")),
            encode(0xA5, encode(0xA1, encode(0x0C, b"party"))),
            encode(0xA0, oid("1.3.6.1.5.5.7.8.9"), encode(0xA0, encode(0x0C, b"me@secure.test"))),
            encode(0xA0, oid("1.2.3"), encode(0xA0)),
            encode(0xA0, oid("1.2.3"), b"\x05\x00"),
            encode(0xA0, oid("1.2.3"), encode(0xA0, b"\x05\x00", b"\x05\x00")),
            encode(0x88, b""),
            encode(0x88, b"\x2a\x80\x03"),
            encode(0x81, b"\xe4@secure.test"),
            encode(0x86, b"not a uri"),
            encode(0x82, b""),
            encode(0x82, b"x" * 300),
            encode(0xA6, encode(0x86, b"a"), encode(0x86, b"b")),
            encode(0x30, good),
        )
    )
    plan.any().put(SAN, encode(SEQUENCE, odd) if plan.chance.random() < 0.2 else encode(SEQUENCE, good, odd))


def odd_authority(plan: ChainPlan) -> None:
    at = plan.chance.randrange(len(plan.drafts) - 1)
    key = encode(0x80, chains.key_id(plan.drafts[at].signer))
    issuer, serial = encode(0xA1, encode(0xA4, plan.drafts[at + 1].issuer)), plan.drafts[at + 1].serial
    odd = plan.chance.choice(
        (
            key + key,
            key + issuer,
            encode(0xA1, _URI) + encode(0x82, serial),
            encode(0xA1) + encode(0x82, serial),
            encode(0xA1, encode(0xA4, cn("Nobody")), encode(0xA4, plan.drafts[at + 1].issuer)) + encode(0x82, serial),
            issuer + encode(0x82, b"\0" + serial),
            encode(0x82, serial) + key,
            encode(0x80, b"\x01") + issuer,
            encode(0xA0, encode(OCTET_STRING, chains.key_id(plan.drafts[at].signer))),
        )
    )
    plan.drafts[at].put(chains.AKI, encode(SEQUENCE, odd))


NEIGHBOURS: tuple[Fault, ...] = (
    other_extension,
    other_repeated,
    other_undecodable,
    odd_extension,
    trailing_octets,
    no_extensions,
    unused_key_bits,
    key_parameters,
    unknown_key,
    algorithm_parameters,
    unknown_algorithm,
    other_pss,
    other_rsa,
    other_curve,
    odd_serial,
    same_serial,
    unique_ids,
    versions,
    string_types,
    odd_subject,
    empty_issuer,
    date_forms,
    more_names,
    odd_authority,
)
