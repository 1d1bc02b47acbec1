"""Lab domains about TLSA records against certificate chains. All are signed and offer STARTTLS.

RFC 6698 defines the records, RFC 7671 their use, RFC 7672 their use for SMTP. The certificate recipe ``good`` sends
leaf and intermediate, ``root-sent`` the root as well.
"""

from scanner.reasons import Reason
from scanner.vocabulary import DomainStartTLS
from tests.lab.expectations import broken, protected, unprotected
from tests.lab.model import Expect, Host, Scenario

VERIFIED, UNTRUSTED = ("Verified",), ("Untrusted",)
NO_STARTTLS: dict[str, object] = {"starttls": ""}


def case(name: str, cert: str, tlsa: str, expect: Expect, why: str) -> Scenario:
    """Return a domain with one host; ``tlsa`` holds records separated by commas."""
    domain = f"{name}.test"
    records = tuple(record.strip() for record in tlsa.split(","))
    finger = VERIFIED if expect == protected() else UNTRUSTED
    return Scenario(domain, why, expect, (Host(f"mx.{domain}", records, cert),), finger)


MATCHES = (
    case("good311", "good", "3 1 1 leaf", protected(), "the record everyone should use (RFC 7672 section 3.1)"),
    case("good301", "good", "3 0 1 leaf", protected(), "digest of the whole certificate"),
    case("good312", "good", "3 1 2 leaf", protected(), "SHA-512 of the key"),
    case("good302", "good", "3 0 2 leaf", protected(), "SHA-512 of the certificate"),
    case("good310", "good", "3 1 0 leaf", protected(), "the key itself (matching type 0, RFC 6698 section 2.1.3)"),
    case("good300", "good", "3 0 0 leaf", protected(), "the certificate itself"),
    case("good201", "root-sent", "2 0 1 root", protected(), "trust anchor by digest, sent with the chain"),
    case("good211", "root-sent", "2 1 1 root", protected(), "trust anchor by its key's digest"),
    case("good212", "root-sent", "2 1 2 root", protected(), "the same with SHA-512"),
    case("good201-intermediate", "good", "2 0 1 intermediate", protected(), "a trust anchor need not be a root"),
    case("good211-intermediate", "good", "2 1 1 intermediate", protected(), "the same by key"),
    case("good200", "good", "2 0 0 root", protected(), "root not sent: the record brings it (RFC 7671 section 5.2.2)"),
    case("good210", "good", "2 1 0 root", protected(), "root not sent: its bare key verifies the intermediate"),
    case(
        "good200-leaf-only", "leaf-only", "2 0 0 intermediate", protected(), "only the leaf is sent, DNS has the rest"
    ),
    case("good210-leaf-only", "leaf-only", "2 1 0 intermediate", protected(), "a bare key that signed the leaf"),
    case(
        "rollover", "good", "3 1 1 wrong, 3 1 1 leaf", protected(), "old and new key published (RFC 7671 section 8.1)"
    ),
    case("rollover-ee-ta", "root-sent", "3 1 1 wrong, 2 1 1 root", protected(), "one matching record is enough"),
)

EE_IGNORES = (
    case("ee-expired", "expired", "3 1 1 leaf", protected(), "usage 3: dates do not count (RFC 7671 section 5.1)"),
    case("ee-not-yet-valid", "not-yet-valid", "3 0 1 leaf", protected(), "usage 3: dates do not count"),
    case("ee-wrong-name", "wrong-name", "3 1 1 leaf", protected(), "usage 3: names do not count (RFC 7672 3.1.1)"),
    case("ee-self-signed", "self-signed", "3 1 1 leaf", protected(), "usage 3: issuers do not count"),
    case("ee-rsa", "rsa", "3 1 1 leaf", protected(), "RSA 2048"),
    case("ee-ecdsa", "good", "3 1 1 leaf", protected(), "ECDSA P-256"),
    case("ee-ed25519", "ed25519", "3 1 1 leaf", protected(), "Ed25519 (RFC 8410)"),
)

MISMATCH = broken(Reason.TLSA_MISMATCH)
MISMATCHES = (
    case("bad311", "good", "3 1 1 wrong", MISMATCH, "a digest of something else"),
    case("bad301", "good", "3 0 1 wrong", MISMATCH, "the classic: renewed certificate, old record"),
    case("bad312", "good", "3 1 2 wrong", MISMATCH, "SHA-512 of something else"),
    case("bad310", "root-sent", "3 1 0 root", MISMATCH, "another key, well-formed"),
    case("bad201", "root-sent", "2 0 1 wrong", MISMATCH, "no such trust anchor"),
    case("bad211", "root-sent", "2 1 1 wrong", MISMATCH, "no such trust anchor's key"),
    case("bad200", "good", "2 0 0 leaf", MISMATCH, "a certificate that issued nothing here"),
    case("bad210", "good", "2 1 0 leaf", MISMATCH, "a key that signed nothing here"),
    case(
        "ta-not-sent", "good", "2 1 1 root", MISMATCH, "a digest cannot bring the anchor: it must be sent (7671 5.2.2)"
    ),
    case("ta-leaf-only", "leaf-only", "2 1 1 intermediate", MISMATCH, "the anchor is not sent"),
    case("ta-is-leaf", "root-sent", "2 1 1 leaf", MISMATCH, "a leaf is no trust anchor"),
    case("ta-self-signed", "self-signed", "2 0 1 leaf", MISMATCH, "not even a self-signed one, as Postfix reads it"),
)

TRUST_ANCHORS = (
    case("ta-wrong-name", "wrong-name", "2 1 1 root", broken(Reason.NAME_MISMATCH), "usage 2 checks names (7672 3.2)"),
    case("ta-wildcard", "wildcard", "2 1 1 root", protected(), "a wildcard covers one label (RFC 7672 section 3.2.3)"),
    case("ta-domain-name", "domain-name", "2 1 1 root", protected(), "the next-hop domain is a name too (7672 3.2.2)"),
    case("ta-cn-only", "cn-only", "2 1 1 root", protected(), "no subjectAltName: the CN counts (RFC 7672 3.2.3)"),
    case("ta-no-cn", "no-cn", "2 1 1 root", protected(), "no CN: the subjectAltName counts"),
    case("ta-expired", "expired", "2 1 1 root", broken(Reason.CERTIFICATE_EXPIRED), "usage 2 checks dates (7671 5.2)"),
    case(
        "ta-not-yet-valid",
        "not-yet-valid",
        "2 1 1 root",
        broken(Reason.CERTIFICATE_NOT_YET_VALID),
        "usage 2 checks dates, both ends",
    ),
    case(
        "ta-expired-below",
        "expired-intermediate",
        "2 1 1 root",
        broken(Reason.CERTIFICATE_EXPIRED),
        "an expired intermediate below the trust anchor",
    ),
    case(
        "ta-expired-anchor",
        "expired-intermediate",
        "2 0 1 intermediate",
        protected(),
        "the anchor's own dates do not count unless it is self-issued (as OpenSSL and so Postfix do it)",
    ),
)

AGILITY = (
    case("agility-bad", "good", "3 1 2 wrong, 3 1 1 leaf", MISMATCH, "the strongest digest alone counts (7671 9)"),
    case("agility-ta-bad", "root-sent", "2 1 2 wrong, 2 1 1 root", MISMATCH, "the same for trust anchors"),
    case("agility-selector", "good", "3 0 2 wrong, 3 1 1 leaf", protected(), "each usage and selector by itself"),
    case("agility-full", "good", "3 1 2 wrong, 3 1 0 leaf", protected(), "matching type 0 always counts (RFC 7671 9)"),
    case("agility-malformed", "good", "3 1 2 short, 3 1 1 leaf", protected(), "an unusable record outranks nothing"),
)

USAGE, DATA = Reason.TLSA_UNUSABLE_USAGE, Reason.TLSA_UNUSABLE_DATA
UNUSABLE = (
    case("unusable-pkix-ee", "good", "1 1 1 leaf", unprotected(USAGE), "usage 1 means nothing in SMTP (7672 3.1.3)"),
    case("unusable-pkix-ta", "good", "0 0 1 root", unprotected(USAGE), "nor does usage 0"),
    case(
        "unusable-mtype", "good", "3 1 3 leaf", unprotected(DATA), "no such matching type: TLS without authentication"
    ),
    case("unusable-private", "good", "3 1 255 leaf", unprotected(DATA), "a matching type for private use"),
    case("unusable-length", "good", "3 1 1 short", unprotected(DATA), "half a digest"),
    case("unusable-key", "good", "3 1 0 short", unprotected(DATA), "no key that could be compared"),
    case("unusable-certificate", "good", "3 0 0 short", unprotected(DATA), "no certificate that could be compared"),
    case("mixed-usage", "good", "1 1 1 leaf, 3 1 1 leaf", protected(), "an unusable record beside a good one"),
    case("mixed-length", "good", "3 1 1 short, 3 1 1 leaf", protected(), "the same with a bad length"),
    case(
        "mixed-bad", "good", "1 1 1 leaf, 3 1 1 wrong", MISMATCH, "an unusable record that would match rescues nothing"
    ),
    Scenario(
        "unusable-cleartext.test",
        "unusable records still say that TLS is to be had (RFC 7672 section 2.2), and STARTTLS is not offered: the "
        "host is `unusable` by DNS alone, so the domain is `none`; the sender, for whom TLS is mandatory, defers",
        Expect(
            outcome=broken().outcome,
            sender=broken().sender,
            dane=unprotected().dane,
            starttls=DomainStartTLS.NONE,
            reasons=(USAGE, Reason.STARTTLS_NOT_OFFERED),
        ),
        (Host("mx.unusable-cleartext.test", ("1 1 1 leaf",), smtp=NO_STARTTLS),),
    ),
)

LONG = ".".join(["c" * 58] * 4) + ".tlsa-long.test"  # 250 octets
NAMES = (
    Scenario(
        "tlsa-long.test",
        "an MX host whose TLSA records would have a name of more than 255 octets: it has none, for certain",
        unprotected(Reason.TLSA_NAME_IMPOSSIBLE),
        (Host(LONG, (), "no-cn", v6=()),),
        ("Untrusted",),
    ),
)

CASES = (*MATCHES, *EE_IGNORES, *MISMATCHES, *TRUST_ANCHORS, *AGILITY, *UNUSABLE, *NAMES)
