"""DANE verdicts: vectors observed with posttls-finger, RFC 7671 and 7672, and the openssl program as an oracle.

A vector is (records, chain) -> what matches, at which depth, and the errors in the order in which they count.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from scanner.core import dane
from scanner.core.x509.facts import facts
from scanner.facts import TLSARecord
from scanner.model import DaneEvidence
from scanner.vocabulary import Unusable
from tests.unit import oracle, pki
from tests.unit.pki import CHAIN, INTER, INTER_PLAN, LEAF, LEAF_PLAN, NOW, ROOT, ROOT_PLAN, Made, tlsa

EXPIRED = {"not_after": pki.YESTERDAY}


def plan(base: pki.Plan, **parts: object) -> Made:
    return replace(base, **parts).make()  # type: ignore[arg-type] # fields by name


OLD_LEAF = plan(LEAF_PLAN, **EXPIRED)
EARLY_LEAF = plan(LEAF_PLAN, not_before=pki.TOMORROW)
OTHER_LEAF = plan(LEAF_PLAN, subject=pki.name("other.test"), sans=pki.dns("other.test"))
SELF_LEAF = plan(LEAF_PLAN, issuer=None)
NAMESAKE = plan(LEAF_PLAN, subject=INTER_PLAN.subject, issuer=INTER)
"""A leaf with the name of its issuer, which OpenSSL takes for self-signed."""
OLD_INTER = plan(INTER_PLAN, **EXPIRED)
OLD_ROOT = plan(ROOT_PLAN, **EXPIRED)
OLD_INTER_CHAIN = (LEAF, OLD_INTER, ROOT)
OLD_ROOT_CHAIN = (LEAF, INTER, OLD_ROOT)

NOT_CA = plan(INTER_PLAN, ca=False, key_usage=None)
NO_SIGN = plan(INTER_PLAN, key_usage=("digital_signature",))
V3_NO_BC = plan(INTER_PLAN, ca=None, key_usage=None)
USAGE_ONLY = plan(INTER_PLAN, ca=None)
CLIENT_CA = plan(INTER_PLAN, purposes=(pki.CLIENT,))
CLIENT_LEAF = plan(LEAF_PLAN, purposes=(pki.CLIENT,))
ANY_LEAF = plan(LEAF_PLAN, purposes=(x509.ObjectIdentifier("2.5.29.37.0"),))
SERVER_LEAF = plan(LEAF_PLAN, purposes=(pki.SERVER, pki.CLIENT), key_usage=("digital_signature",))
CERTSIGN_LEAF = plan(LEAF_PLAN, key_usage=("key_cert_sign",))
CRITICAL = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
CRITICAL_LEAF = plan(LEAF_PLAN, extra=((CRITICAL, True),))
HARMLESS_LEAF = plan(LEAF_PLAN, extra=((CRITICAL, False),))
FORGED_LEAF = plan(LEAF_PLAN, signer=pki.key("forger"))
SHORT_ROOT = plan(ROOT_PLAN, path_length=0)
SHORT_INTER = plan(INTER_PLAN, issuer=SHORT_ROOT)
DEEP_INTER = plan(INTER_PLAN, subject=pki.name("Deep"), issuer=INTER, private=pki.key("deep"))
DEEP_LEAF = plan(LEAF_PLAN, issuer=DEEP_INTER)
NARROW = x509.NameConstraints(permitted_subtrees=[x509.DNSName("other.test")], excluded_subtrees=None)
NARROW_INTER = plan(INTER_PLAN, extra=((NARROW, True),))
WIDE = x509.NameConstraints(permitted_subtrees=[x509.DNSName("secure.test")], excluded_subtrees=None)
WIDE_INTER = plan(INTER_PLAN, extra=((WIDE, True),))
WEAK_LEAF = plan(LEAF_PLAN, private=pki.short_key())
STRONG_RSA = plan(INTER_PLAN, private=pki.key("rsa", "rsa2048"))
SHA1_LEAF = pki.resign(plan(LEAF_PLAN, issuer=STRONG_RSA), pki.key("rsa", "rsa2048"), "sha1")
SHA1_INTER = pki.resign(plan(INTER_PLAN, signer=pki.key("rsa", "rsa2048")), pki.key("rsa", "rsa2048"), "sha1")
RSA_ROOT = plan(ROOT_PLAN, private=pki.key("rsa", "rsa2048"))
WEAK_INTER = plan(INTER_PLAN, private=pki.short_key())
WEAKLY_SIGNED = plan(LEAF_PLAN, issuer=WEAK_INTER)
OLD_TWIN = plan(INTER_PLAN, **EXPIRED)
STRANGER = plan(ROOT_PLAN, subject=pki.name("Stranger"), private=pki.key("stranger"))
KEYED_ROOT = plan(ROOT_PLAN, key_ids=True)
KEYED_INTER = plan(INTER_PLAN, issuer=KEYED_ROOT, key_ids=True)
KEYED_LEAF = plan(LEAF_PLAN, issuer=KEYED_INTER, key_ids=True)
IMPOSTOR = plan(INTER_PLAN, private=pki.key("impostor"), signer=pki.key("impostor"), key_ids=True)
EXPLICIT_INTER = pki.spelled_out(INTER, pki.key("root"))
CASED_INTER = plan(INTER_PLAN, subject=pki.name("lab  INTERMEDIATE"))

# two certificates of one name: which of them is the issuer?
SECOND = plan(INTER_PLAN, private=pki.key("second"))
RSA_SECOND = plan(INTER_PLAN, private=pki.key("rsa", "rsa2048"))
FOREIGN_SECOND = plan(INTER_PLAN, private=pki.key("second"), issuer=STRANGER, serial=INTER.cert.serial_number)
BY_SERIAL = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(ROOT.cert.subject)], INTER.cert.serial_number)
PRECISE_LEAF = plan(LEAF_PLAN, extra=((BY_SERIAL, False),))
OLDER_SECOND = plan(INTER_PLAN, private=pki.key("second"), not_after=pki.YESTERDAY - timedelta(days=9))

# certificates that certify each other, and a CA that certifies its own new key
RING = [
    plan(
        INTER_PLAN,
        subject=pki.name(f"Ring {n}"),
        private=pki.key(f"ring{n}"),
        signer=pki.key(f"ring{1 - n}"),
        issuer_name=pki.name(f"Ring {1 - n}"),
    )
    for n in (0, 1)
]
RING_LEAF = plan(LEAF_PLAN, issuer=RING[0])
ROLL_ROOT = plan(ROOT_PLAN, path_length=1, key_ids=True)
ROLL_OLD = plan(INTER_PLAN, issuer=ROLL_ROOT, key_ids=True)
ROLL_NEW = plan(INTER_PLAN, issuer=ROLL_OLD, private=pki.key("new"), key_ids=True)
ROLL_LEAF = plan(LEAF_PLAN, issuer=ROLL_NEW, key_ids=True)


def netscape(bits: int) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    oid = x509.ObjectIdentifier("2.16.840.1.113730.1.1")
    return ((x509.UnrecognizedExtension(oid, bytes([3, 2, 0, bits])), False),)


NS_CLIENT_LEAF = plan(LEAF_PLAN, extra=netscape(0x80))
NS_SERVER_LEAF = plan(LEAF_PLAN, extra=netscape(0x40))
NS_CA = plan(INTER_PLAN, ca=None, key_usage=None, extra=netscape(0x04))
NS_MAIL_CA = plan(INTER_PLAN, ca=None, key_usage=None, extra=netscape(0x02))
PROXY = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"), bytes.fromhex("300c300a06082b06010505071501")
)
PROXY_LEAF = plan(LEAF_PLAN, sans=(), extra=((PROXY, True),))
BROKEN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.14"), b"\x30\x00")
BROKEN_INTER = plan(INTER_PLAN, extra=((BROKEN, False),))
UNDATED_LEAF = pki.altered(LEAF, b"0Z", b"0?", pki.key("inter"))
TWO_MINDED_LEAF = pki.altered(
    LEAF, b"\x04\x03\x02", b"\x04\x03\x03", pki.key("inter")
)  # SHA-384 inside, SHA-256 outside
ODD_KEY_INTER = pki.altered(INTER, b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x48\xce\x3d\x02\x7f", pki.key("root"))
ODD_CURVE_LEAF = pki.altered(LEAF, b"\xce\x3d\x03\x01\x07", b"\xce\x3d\x03\x01\x7f", pki.key("inter"))
ODD_CURVE_INTER = pki.altered(INTER, b"\xce\x3d\x03\x01\x07", b"\xce\x3d\x03\x01\x7f", pki.key("root"))
V1_ROOT = pki.version_1(ROOT)


@dataclass(frozen=True)
class DaneCase:
    name: str
    records: list[TLSARecord]
    matched: str = ""  # "" = none; else usage, selector, matching type
    depth: int = -1
    errors: list[tuple[int, int]] = field(default_factory=list)  # (number, depth)
    chain: tuple[Made, ...] = CHAIN
    bare: bool = False
    oracle: bool = True  # the openssl program agrees; False: not asked, with the reason beside it


NO_RECORD = [(65, 0)]

VECTORS = [
    # usage 3: nothing but the match counts (RFC 7671 section 5.1)
    DaneCase("3 1 1", [tlsa(3, 1, 1, LEAF)], "3 1 1", 0),
    DaneCase("3 1 2", [tlsa(3, 1, 2, LEAF)], "3 1 2", 0),
    DaneCase("3 0 2", [tlsa(3, 0, 2, LEAF)], "3 0 2", 0),
    DaneCase("3 0 0", [tlsa(3, 0, 0, LEAF)], "3 0 0", 0),
    DaneCase("3 1 0", [tlsa(3, 1, 0, LEAF)], "3 1 0", 0),
    DaneCase("3 0 1, expired leaf", [tlsa(3, 0, 1, OLD_LEAF)], "3 0 1", 0, chain=(OLD_LEAF, INTER, ROOT)),
    DaneCase("3 1 1, leaf not yet valid", [tlsa(3, 1, 1, EARLY_LEAF)], "3 1 1", 0,
           chain=(EARLY_LEAF, INTER, ROOT)),
    DaneCase("3 0 1, other name", [tlsa(3, 0, 1, OTHER_LEAF)], "3 0 1", 0, chain=(OTHER_LEAF, INTER, ROOT)),
    DaneCase("3 1 1, self-signed", [tlsa(3, 1, 1, SELF_LEAF)], "3 1 1", 0, chain=(SELF_LEAF,)),
    DaneCase("3 1 1, wrong purpose", [tlsa(3, 1, 1, CLIENT_LEAF)], "3 1 1", 0, chain=(CLIENT_LEAF,)),
    DaneCase("3 1 1, forged signature", [tlsa(3, 1, 1, FORGED_LEAF)], "3 1 1", 0, chain=(FORGED_LEAF, INTER)),
    DaneCase("3 1 1, weak key", [tlsa(3, 1, 1, WEAK_LEAF)], "3 1 1", 0, [(66, 0)], chain=(WEAK_LEAF, INTER)),
    DaneCase("3 1 1 wrong", [tlsa(3, 1, 1, LEAF, wrong=True)], errors=NO_RECORD),
    DaneCase("3 1 1 wrong, weak key", [tlsa(3, 1, 1, LEAF, wrong=True)], errors=[(66, 0), (65, 0)],
           chain=(WEAK_LEAF,)),
    DaneCase("3 1 1 wrong, expired: no date is looked at", [tlsa(3, 1, 1, LEAF, wrong=True)], errors=NO_RECORD,
           chain=(OLD_LEAF, INTER, ROOT)),
    DaneCase("3 1 1 of the issuer", [tlsa(3, 1, 1, INTER)], errors=NO_RECORD),
    # usage 2
    DaneCase("2 1 1 root", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2),
    DaneCase("2 0 1 intermediate", [tlsa(2, 0, 1, INTER)], "2 0 1", 1),
    DaneCase("the nearest anchor ends the path", [tlsa(2, 1, 1, ROOT), tlsa(2, 0, 1, INTER)], "2 0 1", 1),
    DaneCase("2 0 0 root, not sent", [tlsa(2, 0, 0, ROOT)], "2 0 0", 2, chain=(LEAF, INTER)),
    DaneCase("2 1 0 root key, root not sent", [tlsa(2, 1, 0, ROOT)], "2 1 0", 1,
           chain=(LEAF, INTER), bare=True),
    DaneCase("2 1 0 root key, root sent", [tlsa(2, 1, 0, ROOT)], "2 1 0", 2),
    DaneCase("2 1 0 intermediate key, leaf only", [tlsa(2, 1, 0, INTER)], "2 1 0", 0, chain=(LEAF,), bare=True),
    DaneCase("2 1 0 own key, self-signed leaf", [tlsa(2, 1, 0, SELF_LEAF)], "2 1 0", 0,
           chain=(SELF_LEAF,), bare=True),
    DaneCase("2 1 0 issuer key, self-issued leaf", [tlsa(2, 1, 0, INTER)], "2 1 0", 0,
           chain=(NAMESAKE, INTER, ROOT), bare=True),
    DaneCase("2 1 0 wrong key, self-issued leaf", [tlsa(2, 1, 0, STRANGER), tlsa(2, 1, 0, STRONG_RSA)],
           errors=[(65, 0), (18, 0)], chain=(NAMESAKE, INTER, ROOT)),
    DaneCase("2 1 0 issuer key, expired self-issued leaf", [tlsa(2, 1, 0, INTER)], "2 1 0", 0, [(10, 0)],
           chain=(plan(LEAF_PLAN, subject=INTER_PLAN.subject, issuer=INTER, **EXPIRED),), bare=True),
    DaneCase("2 1 0 wrong key", [tlsa(2, 1, 0, STRANGER)], errors=[(65, 0), (20, 0), (21, 0)], chain=(LEAF,)),
    DaneCase("2 1 0, expired topmost", [tlsa(2, 1, 0, ROOT)], "2 1 0", 1, [(10, 1)],
           chain=(LEAF, OLD_INTER), bare=True),
    DaneCase("2 0 0 intermediate, leaf only", [tlsa(2, 0, 0, INTER)], "2 0 0", 1, chain=(LEAF,)),
    DaneCase("2 1 1 intermediate, leaf only", [tlsa(2, 1, 1, INTER)], errors=[(65, 0), (20, 0), (21, 0)],
           chain=(LEAF,)),
    DaneCase("2 1 1 root, not sent", [tlsa(2, 1, 1, ROOT)], errors=[(65, 1), (20, 1)], chain=(LEAF, INTER)),
    DaneCase("2 1 1 root, supplied as 2 0 0 by another", [tlsa(2, 0, 0, INTER), tlsa(2, 1, 1, ROOT)], "2 0 0", 1,
           chain=(LEAF,)),
    DaneCase("expired intermediate as anchor", [tlsa(2, 0, 1, OLD_INTER)], "2 0 1", 1, chain=OLD_INTER_CHAIN),
    DaneCase("expired intermediate below", [tlsa(2, 0, 1, ROOT)], "2 0 1", 2, [(10, 1)], chain=OLD_INTER_CHAIN),
    DaneCase("expired self-signed root", [tlsa(2, 0, 1, OLD_ROOT)], "2 0 1", 2, [(10, 2)], chain=OLD_ROOT_CHAIN),
    DaneCase("expired leaf", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(10, 0)], chain=(OLD_LEAF, INTER, ROOT)),
    DaneCase("leaf not yet valid", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(9, 0)],
           chain=(EARLY_LEAF, INTER, ROOT)),
    DaneCase("expired leaf and intermediate", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(10, 0), (10, 1)],
           chain=(OLD_LEAF, OLD_INTER, ROOT)),
    DaneCase("expired leaf, no match", [tlsa(2, 1, 1, STRANGER)],
           errors=[(10, 0), (65, 2), (19, 2)],
           chain=(OLD_LEAF, INTER, ROOT)),
    DaneCase("2 1 1 of the leaf key", [tlsa(2, 1, 1, LEAF)], errors=[(65, 2), (19, 2)]),
    DaneCase("2 0 1 of a self-signed leaf", [tlsa(2, 0, 1, SELF_LEAF)], errors=[(65, 0), (18, 0)],
           chain=(SELF_LEAF,)),
    DaneCase("2 0 0 of a self-signed leaf", [tlsa(2, 0, 0, SELF_LEAF)], errors=[(65, 0), (18, 0)],
           chain=(SELF_LEAF,)),
    # digest agility (RFC 7671 section 9)
    DaneCase("strong right, weak wrong", [tlsa(2, 1, 2, ROOT), tlsa(2, 1, 1, ROOT, wrong=True)], "2 1 2", 2),
    DaneCase("strong wrong, weak right", [tlsa(2, 1, 2, ROOT, wrong=True), tlsa(2, 1, 1, ROOT)],
           errors=[(65, 2), (19, 2)]),
    DaneCase("the same at the leaf", [tlsa(3, 1, 2, LEAF, wrong=True), tlsa(3, 1, 1, LEAF)], errors=NO_RECORD),
    DaneCase("other selector", [tlsa(3, 0, 2, LEAF, wrong=True), tlsa(3, 1, 1, LEAF)], "3 1 1", 0),
    DaneCase("other usage", [tlsa(3, 1, 2, LEAF, wrong=True), tlsa(2, 1, 1, ROOT)], "2 1 1", 2),
    DaneCase("full data always", [tlsa(3, 1, 2, LEAF, wrong=True), tlsa(3, 1, 0, LEAF)], "3 1 0", 0),
    DaneCase("usage 3 wrong, usage 2 right", [tlsa(3, 1, 1, LEAF, wrong=True), tlsa(2, 1, 1, ROOT)], "2 1 1", 2),
    DaneCase("both right: the leaf wins", [tlsa(2, 1, 1, ROOT), tlsa(3, 1, 1, OLD_LEAF)], "3 1 1", 0,
           chain=(OLD_LEAF, INTER, ROOT)),
    # building: any order, superfluous certificates (RFC 8446 section 4.4.2 asks implementations to cope)
    DaneCase("unordered", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(LEAF, ROOT, STRANGER, INTER)),
    DaneCase("leaf twice", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(LEAF, LEAF, INTER, ROOT)),
    DaneCase("expired twin first", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(LEAF, OLD_TWIN, INTER, ROOT)),
    DaneCase("key identifiers distinguish twins", [tlsa(2, 1, 1, KEYED_ROOT)], "2 1 1", 2,
           chain=(KEYED_LEAF, IMPOSTOR, KEYED_INTER, KEYED_ROOT)),
    DaneCase("names compare without case", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(LEAF, CASED_INTER, ROOT)),
    DaneCase("intermediate missing", [tlsa(2, 1, 1, ROOT)], errors=[(65, 0), (20, 0), (21, 0)],
           chain=(LEAF, ROOT)),
    DaneCase("anchor sent but not on the path", [tlsa(2, 1, 1, STRANGER)], errors=[(65, 2), (19, 2)],
           chain=(*CHAIN, STRANGER)),
    DaneCase("twins without key identifiers: the first", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(7, 0)],
           chain=(LEAF, SECOND, INTER, ROOT)),
    DaneCase("twins that differ in serial number", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2,
           chain=(PRECISE_LEAF, SECOND, INTER, ROOT)),
    DaneCase("twins that differ in their issuer", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2,
           chain=(PRECISE_LEAF, FOREIGN_SECOND, INTER, ROOT)),
    DaneCase("twins that differ in kind of key", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2,
           chain=(LEAF, RSA_SECOND, INTER, ROOT)),
    DaneCase("expired twins: the younger", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(10, 1)],
           chain=(LEAF, OLDER_SECOND, OLD_INTER, ROOT)),
    DaneCase("published before sent", [tlsa(2, 0, 0, INTER)], "2 0 0", 1, chain=(LEAF, SECOND, ROOT)),
    DaneCase("a ring of issuers", [tlsa(2, 1, 1, ROOT)], errors=[(65, 2), (20, 2)], chain=(RING_LEAF, *RING)),
    DaneCase("two roots of one name", [tlsa(2, 1, 1, STRANGER)], errors=[(65, 2), (19, 2)],
           chain=(LEAF, INTER, ROOT, plan(ROOT_PLAN))),
    DaneCase("broken extension of an issuer", [tlsa(2, 1, 1, ROOT)], errors=[(65, 0), (20, 0), (21, 0)],
           chain=(LEAF, BROKEN_INTER, ROOT)),
    # the rules of RFC 5280
    DaneCase("a CA's new key costs no path length", [tlsa(2, 1, 1, ROLL_ROOT)], "2 1 1", 3,
           chain=(ROLL_LEAF, ROLL_NEW, ROLL_OLD, ROLL_ROOT)),
    DaneCase("Netscape type client", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(26, 0)], chain=(NS_CLIENT_LEAF, INTER, ROOT)),
    DaneCase("Netscape type server", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(NS_SERVER_LEAF, INTER, ROOT)),
    DaneCase("Netscape type CA, as anchor", [tlsa(2, 0, 1, NS_CA)], "2 0 1", 1, chain=(LEAF, NS_CA)),
    DaneCase("Netscape type mail CA", [tlsa(2, 0, 1, NS_MAIL_CA)], "2 0 1", 1, [(26, 1)], chain=(LEAF, NS_MAIL_CA)),
    DaneCase("proxy certificate", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(40, 0), (37, 1), (26, 1), (39, 1)],
           chain=(PROXY_LEAF, INTER, ROOT), oracle=False),  # OpenSSL also reports its subject, behind the first one
    DaneCase("version 1 root", [tlsa(2, 1, 1, V1_ROOT)], "2 1 1", 2, chain=(LEAF, INTER, V1_ROOT)),
    DaneCase("no date", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(13, 0)], chain=(UNDATED_LEAF, INTER, ROOT)),
    DaneCase("two signature algorithms", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(7, 0)],
           chain=(TWO_MINDED_LEAF, INTER, ROOT)),
    DaneCase("unknown kind of key", [tlsa(2, 1, 1, ROOT)], errors=[(65, 0), (20, 0), (21, 0)],
           chain=(LEAF, ODD_KEY_INTER, ROOT)),
    DaneCase("issuer with a key of an unknown curve", [tlsa(2, 1, 1, ROOT)], errors=[(65, 0), (20, 0), (21, 0)],
           chain=(LEAF, ODD_CURVE_INTER, ROOT)),
    DaneCase("curve that is not known here", [tlsa(3, 1, 1, LEAF), TLSARecord(3, 0, 1, ODD_CURVE_LEAF.facts.sha256)],
           "3 0 1", 0, chain=(ODD_CURVE_LEAF,), oracle=False),  # no OpenSSL has a key for it
    DaneCase("forged leaf", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(7, 0)], chain=(FORGED_LEAF, INTER, ROOT)),
    DaneCase("issuer is no CA", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(79, 1), (26, 1)],
           chain=(LEAF, NOT_CA, ROOT)),
    DaneCase("anchor is no CA", [tlsa(2, 0, 1, NOT_CA)], "2 0 1", 1, [(79, 1), (26, 1)], chain=(LEAF, NOT_CA)),
    DaneCase("issuer may not sign", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(79, 1), (26, 1), (32, 1)],
           chain=(LEAF, NO_SIGN, ROOT)),
    DaneCase("no basicConstraints", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(79, 1), (26, 1)],
           chain=(LEAF, V3_NO_BC, ROOT)),
    DaneCase("keyUsage alone, below the anchor", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(79, 1)],
           chain=(LEAF, USAGE_ONLY, ROOT)),
    DaneCase("keyUsage alone, as anchor", [tlsa(2, 0, 1, USAGE_ONLY)], "2 0 1", 1, chain=(LEAF, USAGE_ONLY)),
    DaneCase("CA for clients", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(26, 1)], chain=(LEAF, CLIENT_CA, ROOT)),
    DaneCase("leaf for clients", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(26, 0)],
           chain=(CLIENT_LEAF, INTER, ROOT)),
    DaneCase("leaf for anything", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(26, 0)], chain=(ANY_LEAF, INTER, ROOT)),
    DaneCase("leaf for servers", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(SERVER_LEAF, INTER, ROOT)),
    DaneCase("leaf that may only sign certificates", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(26, 0)],
           chain=(CERTSIGN_LEAF, INTER, ROOT), oracle=False),  # TLS itself refuses such a key
    DaneCase("unknown critical extension", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(34, 0)],
           chain=(CRITICAL_LEAF, INTER, ROOT)),
    DaneCase("unknown extension", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(HARMLESS_LEAF, INTER, ROOT)),
    DaneCase("path length", [tlsa(2, 1, 1, SHORT_ROOT)], "2 1 1", 2, [(25, 2)],
           chain=(LEAF, SHORT_INTER, SHORT_ROOT)),
    DaneCase("deeper", [tlsa(2, 1, 1, ROOT)], "2 1 1", 3, chain=(DEEP_LEAF, DEEP_INTER, INTER, ROOT)),
    DaneCase("name constraints broken", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(47, 0)],
           chain=(LEAF, NARROW_INTER, ROOT)),
    DaneCase("name constraints of the anchor", [tlsa(2, 0, 1, NARROW_INTER)], "2 0 1", 1, [(47, 0)],
           chain=(LEAF, NARROW_INTER)),
    DaneCase("name constraints kept", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, chain=(LEAF, WIDE_INTER, ROOT)),
    DaneCase("weak leaf key", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(66, 0)], chain=(WEAK_LEAF, INTER, ROOT)),
    DaneCase("weak issuer key", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(67, 1)],
           chain=(WEAKLY_SIGNED, WEAK_INTER, ROOT)),
    DaneCase("curve spelled out", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(94, 1)], chain=(LEAF, EXPLICIT_INTER, ROOT)),
    DaneCase("curve spelled out, as anchor", [TLSARecord(2, 1, 1, EXPLICIT_INTER.facts.spki_sha256)], "2 1 1", 1,
           [(94, 1)], chain=(LEAF, EXPLICIT_INTER)),
    DaneCase("SHA-1 below", [tlsa(2, 1, 1, ROOT)], "2 1 1", 2, [(68, 0)], chain=(SHA1_LEAF, STRONG_RSA, ROOT)),
    DaneCase("SHA-1 on the anchor", [tlsa(2, 0, 1, SHA1_INTER)], "2 0 1", 1,
           chain=(LEAF, SHA1_INTER, RSA_ROOT)),
    DaneCase("SHA-1 below the root", [tlsa(2, 0, 1, RSA_ROOT)], "2 0 1", 2, [(68, 1)],
           chain=(LEAF, SHA1_INTER, RSA_ROOT)),
]  # fmt: skip


def run(vector: DaneCase, **options: int) -> DaneEvidence:
    return dane.match(vector.records, pki.chain(*vector.chain), NOW, security_level=options.get("security_level", 1))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.name)
def test_vector(vector: DaneCase) -> None:
    got = run(vector)
    record = got.record
    assert (f"{record.usage} {record.selector} {record.matching_type}" if record else "") == vector.matched
    assert got.depth == vector.depth
    assert [(e.num, e.depth) for e in got.errors] == vector.errors
    assert got.bare_key == vector.bare
    assert got.matched == (vector.matched != "" and not vector.errors)
    assert got.path[0] == vector.chain[0].facts.sha256


def test_only_usage_two_needs_a_name() -> None:
    assert not dane.match([tlsa(3, 1, 1, LEAF)], pki.chain(*CHAIN), NOW).needs_name
    assert dane.match([tlsa(2, 1, 1, ROOT)], pki.chain(*CHAIN), NOW).needs_name
    assert dane.match([tlsa(2, 1, 1, STRANGER)], pki.chain(*CHAIN), NOW).needs_name


def test_the_path_is_the_one_that_counts() -> None:
    got = dane.match([tlsa(2, 1, 1, ROOT)], pki.chain(LEAF, STRANGER, ROOT, INTER), NOW)
    assert got.path == tuple(c.sha256 for c in pki.chain(LEAF, INTER, ROOT))


def test_unusable_records_take_no_part() -> None:
    bad = TLSARecord(3, 1, 2, "00", Unusable.DIGEST_LENGTH)
    foreign = TLSARecord(1, 1, 1, LEAF.facts.spki_sha256, Unusable.USAGE)
    assert dane.match([bad, tlsa(3, 1, 1, LEAF)], pki.chain(*CHAIN), NOW).matched
    assert not dane.match([foreign, tlsa(3, 1, 1, LEAF, wrong=True)], pki.chain(*CHAIN), NOW).matched
    assert [e.num for e in dane.match([foreign], pki.chain(*CHAIN), NOW).errors] == [65]


def test_digests_option_turns_agility_round() -> None:
    records = [tlsa(3, 1, 2, LEAF, wrong=True), tlsa(3, 1, 1, LEAF)]
    assert dane.match(records, pki.chain(*CHAIN), NOW, digests=("sha256", "sha512")).matched


@pytest.mark.parametrize("name", ["3 1 1, weak key", "weak leaf key", "weak issuer key", "SHA-1 below"])
def test_level_zero_asks_for_no_strength(name: str) -> None:
    vector = next(v for v in VECTORS if v.name == name)
    assert run(vector, security_level=0).matched


def test_an_unreadable_leaf_still_matches_by_certificate() -> None:
    leaf = facts(b"\x30\x03abc")
    assert leaf.parse_error
    assert dane.match([TLSARecord(3, 0, 1, leaf.sha256)], (leaf,), NOW).matched
    assert dane.match([TLSARecord(3, 0, 0, leaf.der.hex())], (leaf,), NOW).matched
    got = dane.match([tlsa(2, 1, 1, ROOT), tlsa(3, 1, 0, LEAF)], (leaf, *pki.chain(INTER, ROOT)), NOW)
    assert [(e.num, e.depth) for e in got.errors] == NO_RECORD


def test_dates_are_judged_at_the_time_given() -> None:
    end = LEAF.facts.not_after
    assert end
    records, chain = [tlsa(2, 0, 1, INTER)], pki.chain(*CHAIN)
    assert dane.match(records, chain, end - timedelta(seconds=1)).matched
    assert [e.num for e in dane.match(records, chain, end).errors] == [10]


def test_errors_name_the_certificate_and_use_the_words_of_openssl() -> None:
    got = dane.match([tlsa(2, 1, 1, ROOT)], pki.chain(*OLD_INTER_CHAIN), NOW).errors[0]
    assert (got.text, got.subject) == ("certificate has expired", "/C=XX/O=Lab CA/CN=Lab Intermediate")


def tower(height: int) -> tuple[Made, ...]:
    """A chain of that many certificates."""
    cas = [ROOT]
    for level in range(height - 2):
        cas.append(plan(INTER_PLAN, subject=pki.name(f"Level {level}"), private=pki.key(f"t{level}"), issuer=cas[-1]))
    return (plan(LEAF_PLAN, issuer=cas[-1]), *reversed(cas))


TOO_LONG = [(22, 11), (65, 11), (20, 11)]


@pytest.mark.parametrize(("height", "errors"), [(11, []), (12, []), (13, TOO_LONG), (14, TOO_LONG)])
def test_ten_intermediate_certificates_are_the_limit(height: int, errors: list[tuple[int, int]]) -> None:
    got = dane.match([tlsa(2, 1, 1, ROOT)], pki.chain(*tower(height)), NOW)
    assert [(e.num, e.depth) for e in got.errors] == errors


# --- the oracle -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port() -> int:
    return oracle.free_port()


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.oracle], ids=lambda v: v.name)
def test_openssl_agrees(vector: DaneCase, tmp_path: Path, port: int) -> None:
    records = [f"{r.usage} {r.selector} {r.matching_type} {r.data}" for r in vector.records]
    rrset = [part for record in records for part in ("-dane_tlsa_rrdata", record)]
    with oracle.showing(vector.chain, tmp_path, port):
        text = oracle.ask(port, "-dane_tlsa_domain", pki.HOST, "-dane_ee_no_namechecks", *rrset)
    got = run(vector)
    assert [(e.num, e.depth) for e in got.errors] == oracle.errors(text), text
    named = re.search(r"DANE TLSA (\d \d \d) .* at depth (\d)", text)  # said of a success alone
    shown = (named[1], int(named[2])) if named else ("", -1)
    assert shown == ((vector.matched, vector.depth) if got.matched else ("", -1)), text
