"""The faults of random chains; the name of each function is the class that a difference is counted under."""

from collections.abc import Callable
from datetime import timedelta

from scanner.core.x509 import der
from scanner.core.x509.der import BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, encode
from tests.differential import chains, signers
from tests.differential.chains import (
    ADDRESSES,
    AKI,
    ANY_USE,
    BC,
    CLIENT,
    CRLDP,
    EKU,
    HOST,
    KU,
    NC,
    NETSCAPE,
    NOW,
    POLICIES,
    PRINTABLE,
    PROXY,
    SAN,
    SERVER,
    SKI,
    ChainPlan,
    Extension,
    Fault,
    basic,
    cn,
    dns,
    usage,
    uses,
)
from tests.differential.signers import algorithm, oid

_KNOWN = (BC, KU, EKU, SAN, SKI, AKI, NC, CRLDP, NETSCAPE)


def repeated_extension(plan: ChainPlan) -> None:
    draft = plan.extended()
    draft.extensions.append(plan.chance.choice(draft.extensions))


def undecodable_extension(plan: ChainPlan) -> None:
    broken = plan.chance.choice(
        (b"\x30\x03\x02\x01", b"\x04\x00", b"\x30\x80", b"\x02\x01\x00", b"\x30\x02\x8b\x00", b"")
    )
    plan.any().put(plan.chance.choice(_KNOWN), broken)


def mutated_extension(plan: ChainPlan) -> None:
    draft = plan.extended()
    at = plan.chance.randrange(len(draft.extensions))
    value = bytearray(draft.extensions[at].value)
    for _ in range(plan.chance.choice((1, 1, 2))):
        if value:
            value[plan.chance.randrange(len(value))] = plan.chance.randrange(256)
    draft.extensions[at] = draft.extensions[at]._replace(value=bytes(value))


def dropped_extension(plan: ChainPlan) -> None:
    draft = plan.extended()
    draft.extensions.pop(plan.chance.randrange(len(draft.extensions)))


def critical_extension(plan: ChainPlan) -> None:
    draft = plan.extended()
    at = plan.chance.randrange(len(draft.extensions))
    draft.extensions[at] = draft.extensions[at]._replace(critical=True)


def unknown_extension(plan: ChainPlan) -> None:
    plan.any().extensions.append(Extension("1.3.6.1.4.1.99999.1", b"\x05\x00", plan.chance.random() < 0.5))


def path_length(plan: ChainPlan) -> None:
    length = plan.chance.choice((0, 0, 0, 1, 2, -1, 127, 128, 2**31, 2**40, 2**63, 2**64, 2**200))
    plan.any().put(BC, basic(ca=True, length=length), critical=True)


def odd_basic_constraints(plan: ChainPlan) -> None:
    yes = encode(der.BOOLEAN, b"\xff")
    odd = plan.chance.choice(
        (
            basic(ca=False),
            encode(SEQUENCE, encode(der.BOOLEAN, b"\x01")),
            encode(SEQUENCE, yes, encode(INTEGER, b"\0\x01")),
            encode(SEQUENCE, yes, encode(INTEGER, b"\x01"), encode(INTEGER, b"\x01")),
            encode(SEQUENCE, encode(INTEGER, b"\x03")),
            encode(SEQUENCE, yes) + b"\x05\x00",
            encode(SEQUENCE, yes, b"\x05\x00"),
        )
    )
    plan.any().put(BC, odd, critical=True)


def key_usage(plan: ChainPlan) -> None:
    chosen = plan.chance.choice(
        (
            usage(0x80, 7),
            usage(0x06, 1),
            usage(0x04, 2),
            usage(0, 0),
            usage(0x86),
            usage(0x07, 1),
            usage(0x04, 3),
            usage(0x04, 8),
            encode(BIT_STRING, b"\0"),
            encode(BIT_STRING, b"\x07\0\x80"),
            usage(0x08, 3),
            usage(0x20, 5),
            encode(BIT_STRING, b"\0\x06\0\0"),
        )
    )
    plan.any().put(KU, chosen, critical=True)


def extended_key_usage(plan: ChainPlan) -> None:
    chosen = plan.chance.choice(
        (
            uses(CLIENT),
            uses(ANY_USE),
            uses(SERVER, CLIENT),
            uses(CLIENT, ANY_USE),
            uses(),
            uses("1.3.6.1.4.1.311.10.3.3"),
            uses("1.2.3.4.5"),
        )
    )
    plan.any().put(EKU, chosen, critical=plan.chance.random() < 0.3)


def netscape_type(plan: ChainPlan) -> None:
    plan.any().put(NETSCAPE, usage(plan.chance.choice((0x40, 0x80, 0x04, 0x07, 0x02, 0xFF, 0x00))))


def old_authority(plan: ChainPlan) -> None:
    draft = plan.authority()
    draft.extensions = [e for e in draft.extensions if e.type not in (BC, plan.chance.choice((KU, NETSCAPE)))]


def version_1(plan: ChainPlan) -> None:
    draft = plan.any()
    draft.version, draft.extensions = 0, []


def odd_version(plan: ChainPlan) -> None:
    plan.any().version = plan.chance.choice((0, 1))


def key_identifier(plan: ChainPlan) -> None:
    draft = plan.any()
    wrong = plan.chance.choice((b"\x01" * 20, b"", b"\x02"))
    if plan.chance.random() < 0.5:
        draft.put(AKI, encode(SEQUENCE, encode(0x80, wrong)))
    else:
        draft.put(SKI, encode(OCTET_STRING, wrong))


def authority_by_serial(plan: ChainPlan) -> None:
    at = plan.chance.randrange(len(plan.drafts) - 1)
    above = plan.drafts[at + 1]
    issuer = plan.chance.choice((above.issuer, above.issuer, cn("Nobody")))
    serial = plan.chance.choice((above.serial, above.serial, b"\x11", b"\x01\x10"))
    names = encode(0xA1, encode(0xA4, issuer))
    value = plan.chance.choice((names + encode(0x82, serial), encode(0x82, serial), names, encode(0x83, b"x"), b""))
    plan.drafts[at].put(AKI, encode(SEQUENCE, value))


def name_constraints(plan: ChainPlan) -> None:
    chance = plan.chance
    bases = (
        encode(0x82, b"test"),
        encode(0x82, b"secure.test"),
        encode(0x82, b".secure.test"),
        encode(0x82, b"other.test"),
        encode(0x82, b""),
        encode(0x87, bytes(8)),
        encode(0xA4, cn("x")[:0] + chains.name(("2.5.4.10", "Lab"))),
        encode(0xA4, chains.name(("2.5.4.10", "Other"))),
        encode(0x81, b"test"),
        encode(0x86, b"test"),
        encode(0x88, b"\x2a\x03"),
    )
    subtrees = [
        encode(SEQUENCE, chance.choice(bases), chance.choice((b"",) * 6 + (encode(0x80, b"\x01"),))) for _ in "ab"
    ]
    permitted, excluded = encode(0xA0, *subtrees[: chance.choice((1, 2))]), encode(0xA1, subtrees[1])
    plan.authority().put(
        NC, encode(SEQUENCE, chance.choice((permitted, excluded, permitted + excluded))), critical=True
    )


def constraints_without_end(plan: ChainPlan) -> None:
    subtrees = [encode(SEQUENCE, encode(0x82, b"n%d.test" % number)) for number in range(1100)]
    plan.authority().put(NC, encode(SEQUENCE, encode(0xA1, *subtrees)), critical=True)
    plan.drafts[0].put(SAN, dns(HOST, *(f"h{number}.secure.test" for number in range(1000))))


def alternative_names(plan: ChainPlan) -> None:
    good = encode(0x82, HOST.encode())
    odd = plan.chance.choice(
        (
            encode(0x81, b"me@secure.test"),
            encode(0x87, b"\x7f\0\0\x01"),
            encode(0x87, b"\x01"),
            encode(0xA4, cn("dir")),
            encode(0xA4, b"\x30\x05"),
            encode(0x89, b"x"),
            encode(0xA0, oid("1.2.3"), encode(0xA0, b"\x05\x00")),
            encode(0xA0, b""),
            encode(0x88, b"\x2a\x03"),
            encode(0x88, b"\x80"),
            encode(0x82, b"a\0b"),
            encode(0x82, b"\xfc.test"),
            encode(0xA2, good),
            encode(0xA3, b"\x30\x00"),
            encode(0xA5, b"\x30\x00"),
            encode(0x0C, b"x"),
            encode(0x86, b"https://secure.test/"),
        )
    )
    plan.any().put(SAN, encode(SEQUENCE, good, odd))


def common_name_alone(plan: ChainPlan) -> None:
    draft = plan.drafts[0]
    draft.extensions = [e for e in draft.extensions if e.type != SAN]


def distribution_points(plan: ChainPlan) -> None:
    point = encode(SEQUENCE, encode(0xA0, encode(0xA0, encode(0x86, b"http://secure.test/crl"))))
    odd = plan.chance.choice(
        (encode(SEQUENCE, point), encode(SEQUENCE, b"\x02\x01\x00"), encode(SEQUENCE), encode(SEQUENCE, point[:-2]))
    )
    plan.any().put(CRLDP, odd)


def policies(plan: ChainPlan) -> None:
    plan.any().put(
        POLICIES, plan.chance.choice((encode(SEQUENCE, encode(SEQUENCE, oid("1.2.3.4"))), b"\x30\x01", uses("1.2")))
    )


def proxy(plan: ChainPlan) -> None:
    info = encode(SEQUENCE, encode(SEQUENCE, oid("1.3.6.1.5.5.7.21.1")))
    plan.any().put(PROXY, info, critical=True)


def resources(plan: ChainPlan) -> None:
    family = encode(SEQUENCE, encode(OCTET_STRING, b"\0\x01"), encode(SEQUENCE, encode(BIT_STRING, b"\0\x0a")))
    inherit = encode(SEQUENCE, encode(OCTET_STRING, b"\0\x01"), b"\x05\x00")
    value = encode(SEQUENCE, plan.chance.choice((family, inherit)))
    for draft in plan.drafts[: plan.chance.randrange(1, len(plan.drafts) + 1)]:
        draft.put(ADDRESSES, value, critical=True)


def dates(plan: ChainPlan) -> None:
    draft, day = plan.any(), timedelta(days=1)
    if plan.chance.random() < 0.6:
        draft.end = plan.chance.choice(
            (NOW - day, NOW, NOW + timedelta(seconds=1), b"20600101000000Z", b"00000101000000Z")
        )
    else:
        draft.start = plan.chance.choice(
            (NOW + day, NOW, NOW + timedelta(seconds=1), b"00000101000000Z", b"19490101000000Z")
        )


def signature(plan: ChainPlan) -> None:
    draft = plan.signed()
    if plan.chance.random() < 0.5:
        draft.unused = plan.chance.choice((1, 3, 7))
    else:
        draft.change_signature = lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])


def two_algorithms(plan: ChainPlan) -> None:
    plan.signed().inner = algorithm("1.2.840.10045.4.3.4")


def other_signer(plan: ChainPlan) -> None:
    draft = plan.signed()
    draft.signer = signers.pair(plan.chance.choice((draft.signer.kind, "p256", "ed25519")), 7)


def weak_hash(plan: ChainPlan) -> None:
    plan.any().way = plan.chance.choice(("sha1", "md5", "ripemd160", "oiw-sha1"))


def odd_hash(plan: ChainPlan) -> None:
    plan.any().way = plan.chance.choice(("sha3-256", "sha512-256", "pss", "pss-mgf", "pss-384", "pss-short"))


def limited_key(plan: ChainPlan) -> None:
    at = plan.chance.randrange(1, len(plan.drafts))
    key = signers.pair("pss-limited", 1)
    plan.drafts[at].key, plan.drafts[at - 1].signer = key, key
    plan.drafts[at].put(SKI, encode(OCTET_STRING, chains.key_id(key)))
    plan.drafts[at - 1].put(AKI, chains.authority(key))
    plan.drafts[at - 1].way = plan.chance.choice(("pss", "pss-mgf", "pss-384", "pss-short"))


def name_form(plan: ChainPlan) -> None:
    at = plan.chance.randrange(1, len(plan.drafts))
    text = plan.chance.choice(("ROOT", " root ", "Ro  ot", "Root"))
    below, subject = plan.drafts[at - 1], plan.drafts[at]
    if subject.subject == cn("Root"):
        below.issuer = cn(text, tag=plan.chance.choice((PRINTABLE, 0x0C, 0x16)))


def self_issued(plan: ChainPlan) -> None:
    draft = plan.signed()
    draft.subject = draft.issuer


def padded_lengths(plan: ChainPlan) -> None:
    def padded(octets: bytes) -> bytes:
        element = der.read(octets)
        return bytes([element.tag, 0x83]) + len(element.content).to_bytes(3) + element.content

    _recoded(plan, padded)


def indefinite_lengths(plan: ChainPlan) -> None:
    _recoded(plan, lambda octets: bytes([octets[0], 0x80]) + der.read(octets).content + b"\0\0")


def _recoded(plan: ChainPlan, change: Callable[[bytes], bytes]) -> None:
    draft, chance = plan.any(), plan.chance.random()
    if chance < 0.35:
        draft.change_extensions = change
    elif chance < 0.7:
        draft.change_subject = change
    else:
        draft.spki = change(draft.key.spki)


# --- the chain as a whole -------------------------------------------------------------------------------------


def shuffled(plan: ChainPlan) -> None:
    rest = plan.sent[1:]
    plan.chance.shuffle(rest)
    plan.sent[1:] = rest


def missing(plan: ChainPlan) -> None:
    if len(plan.sent) > 1:
        plan.sent.pop(plan.chance.randrange(1, len(plan.sent)))


def repeated(plan: ChainPlan) -> None:
    plan.sent.append(plan.chance.choice(plan.sent))


def twin(plan: ChainPlan) -> None:
    """Send another certificate of an authority, perhaps expired or of another key, before or behind the others."""
    draft = plan.authority()
    kept = draft.end, draft.key, draft.spki
    draft.end = plan.chance.choice((draft.end, NOW - timedelta(days=9), NOW - timedelta(days=900)))
    if plan.chance.random() < 0.3:
        draft.spki = signers.pair("p256", 8).spki
    plan.sent.insert(plan.chance.choice((1, len(plan.sent))), draft.make())
    draft.end, draft.key, draft.spki = kept


def no_roots(plan: ChainPlan) -> None:
    plan.roots = []


def other_root(plan: ChainPlan) -> None:
    plan.roots = [chains.ca_draft("Root", signers.pair("p256", 6), None).make()]


def two_roots(plan: ChainPlan) -> None:
    old = plan.drafts[-1]
    kept, old.end = old.end, NOW - timedelta(days=3)
    plan.roots.append(old.make())
    old.end = kept


def intermediate_in_store(plan: ChainPlan) -> None:
    plan.roots = [plan.sent[-1]] + (plan.roots if plan.chance.random() < 0.5 else [])


def leaf_in_store(plan: ChainPlan) -> None:
    plan.roots = [plan.sent[0]]


def cross_signed(plan: ChainPlan) -> None:
    root, stranger = plan.drafts[-1], chains.ca_draft("Stranger", signers.pair("p256", 5), None)
    kept = root.issuer, root.signer, list(root.extensions)
    root.issuer, root.signer = stranger.subject, stranger.key
    root.put(AKI, chains.authority(stranger.key))
    plan.sent.append(root.make())
    plan.roots = plan.chance.choice(([stranger.make()], [stranger.make(), *plan.roots]))
    root.issuer, root.signer, root.extensions = kept


DRAFTED: tuple[Fault, ...] = (
    repeated_extension,
    undecodable_extension,
    mutated_extension,
    mutated_extension,
    dropped_extension,
    critical_extension,
    unknown_extension,
    path_length,
    odd_basic_constraints,
    key_usage,
    extended_key_usage,
    netscape_type,
    old_authority,
    version_1,
    odd_version,
    key_identifier,
    authority_by_serial,
    name_constraints,
    alternative_names,
    common_name_alone,
    distribution_points,
    policies,
    proxy,
    resources,
    dates,
    dates,
    signature,
    two_algorithms,
    other_signer,
    weak_hash,
    odd_hash,
    limited_key,
    name_form,
    self_issued,
    padded_lengths,
    indefinite_lengths,
)
ARRANGED: tuple[Fault, ...] = (
    shuffled,
    missing,
    repeated,
    twin,
    no_roots,
    other_root,
    two_roots,
    intermediate_in_store,
    leaf_in_store,
    cross_signed,
)
