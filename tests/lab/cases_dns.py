"""Lab domains about the DNS on the way to a mail host: MX, addresses, aliases, DNSSEC, and lookups that fail."""

from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender
from tests.lab.expectations import inconclusive, insecure, no_mail, protected, unprotected
from tests.lab.model import Expect, Host, Scenario, Zone

VERIFIED, TRUSTED, UNTRUSTED = ("Verified",), ("Trusted",), ("Untrusted",)
EE = ("3 1 1 leaf",)
NO_SUCH = "f" * 64


def undecided(
    *reasons: Reason, proved: bool, starttls: DomainStartTLS = DomainStartTLS.UNKNOWN, mx: bool = False
) -> Expect:
    """A lookup failed, so mail waits; ``proved`` when a query with checking disabled shows that DNSSEC is why.

    Only the MX lookup makes the domain ``lookup_failed``; a host's makes it ``unknown`` (roll-up of domain dane).
    """
    return Expect(
        DomainOutcome.FAIL if proved else DomainOutcome.INCONCLUSIVE,
        Sender.DEFER,
        DomainDane.LOOKUP_FAILED if mx else DomainDane.UNKNOWN,
        starttls,
        reasons,
    )


def bogus(name: str, kind: Zone, why: str, *, tampered: bool = False) -> Scenario:
    """Return a domain whose MX RRset fails validation."""
    domain = f"{name}.test"
    return Scenario(
        domain,
        f"{why}: the resolver refuses the MX RRset, a query with checking disabled shows it",
        undecided(Reason.MX_BOGUS, proved=True, mx=True),
        (Host(f"mx.{domain}", EE),),
        zones={domain: kind},
        tampered=((domain, "MX"),) if tampered else (),
    )


ROUTES = (
    Scenario(
        "null-mx.test",
        "`MX 0 .` says that the domain takes no mail (RFC 7505)",
        no_mail(Reason.NULL_MX),
        mx=("0 .",),
    ),
    Scenario(
        "null-mx-beside.test",
        "a null MX beside another record, against RFC 7505 section 3: Postfix reads it as null MX all the same",
        no_mail(Reason.NULL_MX),
        (Host("mx.null-mx-beside.test", EE),),
        mx=("10 mx.null-mx-beside.test.", "0 ."),
    ),
    Scenario(
        "implicit-mx.test",
        "the domain has no MX record and is itself the mail host (RFC 5321 section 5.1)",
        protected(Reason.IMPLICIT_MX),
        (Host("implicit-mx.test", EE),),
        VERIFIED,
        mx=(),
    ),
    Scenario("no-address.test", "neither MX nor address records", no_mail(Reason.NO_ADDRESS), mx=()),
    Scenario("no-such-domain.test", "the domain does not exist", no_mail(Reason.NXDOMAIN), mx=(), zones={}),
    Scenario(
        "mx-gone-one.test",
        "the preferred MX host does not exist: it has no vote, the other one delivers",
        protected(Reason.MX_TARGET_NXDOMAIN),
        (Host("mx.mx-gone-one.test", EE),),
        VERIFIED,
        mx=("10 gone.mx-gone-one.test.", "20 mx.mx-gone-one.test."),
    ),
    Scenario(
        "mx-gone-all.test",
        "no MX host exists; the domain's own address must not be used instead (RFC 5321 section 5.1)",
        no_mail(Reason.MX_TARGETS_UNRESOLVABLE),
        (Host("mx-gone-all.test", EE),),
        mx=("10 gone1.mx-gone-all.test.", "20 gone2.mx-gone-all.test."),
    ),
    Scenario(
        "mx-no-address.test",
        "the only MX host exists and has no address",
        no_mail(Reason.MX_TARGETS_UNRESOLVABLE),
        mx=("10 mx.mx-no-address.test.",),
        records=('mx.mx-no-address.test. TXT "no address"',),
    ),
    Scenario(
        "wildcard.wildmx.test",
        "the MX record is a wildcard's; DNSSEC proves the expansion (RFC 4035 section 5.3.4)",
        protected(),
        (Host("mx.wildmx.test", EE),),
        VERIFIED,
        mx=(),
        zones={"wildmx.test": "nsec"},
        records=("*.wildmx.test. MX 10 mx.wildmx.test.",),
    ),
    Scenario(
        "alias.mxalias.test",
        "the domain is an alias of one with MX records; its own name is a reference identifier (RFC 7672 3.2.2)",
        protected(),
        (Host("mx.mxalias.test", ("2 1 1 root",), "domain-name"),),
        VERIFIED,
        mx=(),
        zones={"mxalias.test": "nsec"},
        records=("alias.mxalias.test. CNAME real.mxalias.test.", "real.mxalias.test. MX 10 mx.mxalias.test."),
    ),
    Scenario(
        "numeric-mx.test",
        "an MX record with an address for a name, which Postfix uses; no name, no TLSA",
        unprotected(Reason.MX_TARGET_NUMERIC),
        (Host("mx.numeric-mx.test", v6=()),),
        UNTRUSTED,
        mx=("10 {0.4}.",),
    ),
    Scenario(
        "loopback-mx.test",
        "an MX host on 127/8, which a scan that allows private addresses finds closed; any other scan leaves it alone",
        inconclusive(Reason.CONNECTION_REFUSED),
        mx=("10 mx.loopback-mx.test.",),
        records=("mx.loopback-mx.test. A 127.0.0.25", f"_25._tcp.mx.loopback-mx.test. TLSA 3 1 1 {NO_SUCH}"),
    ),
    Scenario(
        "many-addresses.test",
        "fourteen addresses, all of them good",
        protected(),
        (Host("mx.many-addresses.test", EE, v4=("serve",) * 8, v6=("serve",) * 6),),
        VERIFIED,
    ),
    Scenario("shared.test", "the owner of a shared mail host", protected(), (Host("mx.shared.test", EE),), VERIFIED),
    *(
        Scenario(
            f"share{n}.test",
            "ten domains on one mail host: a scan connects once to each of its addresses",
            protected(),
            finger=VERIFIED,
            mx=("10 mx.shared.test.",),
        )
        for n in range(10)
    ),
)

SIGNED = (
    Scenario(
        "nsec3.test",
        "a zone with NSEC3 (RFC 5155)",
        protected(),
        (Host("mx.nsec3.test", EE),),
        VERIFIED,
        zones={"nsec3.test": "nsec3"},
    ),
    Scenario(
        "nsec3-plain.test",
        "no TLSA record, and NSEC3 proves it",
        unprotected(Reason.TLSA_NONE),
        (Host("mx.nsec3-plain.test"),),
        UNTRUSTED,
        zones={"nsec3-plain.test": "nsec3"},
    ),
    Scenario("plain.test", "signed, no TLSA", unprotected(Reason.TLSA_NONE), (Host("mx.plain.test"),), UNTRUSTED),
    Scenario(
        "unsigned.test",
        "no DNSSEC at all",
        insecure(Reason.MX_INSECURE),
        (Host("mx.unsigned.test"),),
        UNTRUSTED,
        zones={"unsigned.test": "unsigned"},
    ),
    Scenario(
        "unsigned-tlsa.test",
        "TLSA records in an unsigned zone are no better than none (RFC 7672 section 2.1.2)",
        insecure(Reason.MX_INSECURE, Reason.HOST_INSECURE),
        (Host("mx.unsigned-tlsa.test", EE),),
        UNTRUSTED,
        zones={"unsigned-tlsa.test": "unsigned"},
    ),
    Scenario(
        "insecure-mx.test",
        "unsigned domain, signed mail host: TLSA matches, yet who says that this is the host? (RFC 7672 2.2.1)",
        insecure(Reason.MX_INSECURE),
        (Host("mx.insecure-mx-host.test", EE),),
        TRUSTED,
        zones={"insecure-mx.test": "unsigned", "insecure-mx-host.test": "nsec"},
    ),
    Scenario(
        "insecure-host.test",
        "signed domain, unsigned mail host: its TLSA records do not count (RFC 7672 section 2.2.2)",
        unprotected(Reason.HOST_INSECURE),
        (Host("mx.insecure-host-host.test", EE),),
        UNTRUSTED,
        zones={"insecure-host.test": "nsec", "insecure-host-host.test": "unsigned"},
    ),
    Scenario(
        "partial-insecure.test",
        "one host protected, the other in an unsigned zone",
        Expect(
            DomainOutcome.OK,
            Sender.VERIFIED,
            DomainDane.PARTIAL,
            DomainStartTLS.ALL,
            (Reason.HOST_INSECURE,),
        ),
        (Host("mx1.partial-insecure.test", EE), Host("mx2.partial-insecure-host.test", EE)),
        VERIFIED,
        zones={"partial-insecure.test": "nsec", "partial-insecure-host.test": "unsigned"},
    ),
    Scenario(
        "tlsa-cname.test",
        "the TLSA record is reached through an alias, all of it signed (RFC 7671 section 7)",
        protected(),
        (Host("mx.tlsa-cname.test", EE, tlsa_at="keys.tlsa-cname.test"),),
        VERIFIED,
        records=("_25._tcp.mx.tlsa-cname.test. CNAME _25._tcp.keys.tlsa-cname.test.",),
    ),
    Scenario(
        "tlsa-insecure.test",
        "the TLSA record is reached through an alias into an unsigned zone: as good as none",
        unprotected(Reason.TLSA_INSECURE),
        (Host("mx.tlsa-insecure.test", EE, tlsa_at="keys.tlsa-insecure-keys.test"),),
        UNTRUSTED,
        zones={"tlsa-insecure.test": "nsec", "tlsa-insecure-keys.test": "unsigned"},
        records=("_25._tcp.mx.tlsa-insecure.test. CNAME _25._tcp.keys.tlsa-insecure-keys.test.",),
    ),
)

ALIASES = (
    Scenario(
        "alias-target.test",
        "MX host is an alias, TLSA at what it stands for (RFC 7672 section 2.2.2)",
        protected(Reason.MX_TARGET_IS_ALIAS),
        (Host("real.alias-target.test", EE),),
        VERIFIED,
        mx=("10 mx.alias-target.test.",),
        records=("mx.alias-target.test. CNAME real.alias-target.test.",),
    ),
    Scenario(
        "alias-own.test",
        "MX host is an alias, TLSA at the alias itself",
        protected(Reason.MX_TARGET_IS_ALIAS),
        (Host("real.alias-own.test", EE, tlsa_at="mx.alias-own.test"),),
        VERIFIED,
        mx=("10 mx.alias-own.test.",),
        records=("mx.alias-own.test. CNAME real.alias-own.test.",),
    ),
    Scenario(
        "alias-to-insecure.test",
        "a signed alias of an unsigned host, TLSA at the alias: the signed name counts (RFC 7672 section 2.2.2)",
        protected(Reason.MX_TARGET_IS_ALIAS),
        (Host("real.alias-to-insecure-host.test", EE, tlsa_at="mx.alias-to-insecure.test"),),
        VERIFIED,
        mx=("10 mx.alias-to-insecure.test.",),
        zones={"alias-to-insecure.test": "nsec", "alias-to-insecure-host.test": "unsigned"},
        records=("mx.alias-to-insecure.test. CNAME real.alias-to-insecure-host.test.",),
    ),
    Scenario(
        "insecure-alias.test",
        "an unsigned alias of a signed host: anyone could have pointed it there",
        unprotected(Reason.MX_TARGET_IS_ALIAS, Reason.HOST_INSECURE),
        (Host("real.insecure-alias.test", EE),),
        UNTRUSTED,
        mx=("10 mx.insecure-alias-alias.test.",),
        zones={"insecure-alias.test": "nsec", "insecure-alias-alias.test": "unsigned"},
        records=("mx.insecure-alias-alias.test. CNAME real.insecure-alias.test.",),
    ),
)

MX_FAILS = (
    Scenario(
        "mx-servfail.test",
        "the MX lookup fails; nothing is known, not even that there is no MX (RFC 5321 section 5.1)",
        undecided(Reason.MX_LOOKUP_FAILED, proved=False, mx=True),
        (Host("mx.mx-servfail.test", EE),),
        rcodes={("mx-servfail.test", "MX"): "SERVFAIL"},
    ),
    bogus("mx-bogus", "nsec", "a damaged signature", tampered=True),
    bogus("mx-expired", "expired", "signatures that ran out"),
    bogus("mx-wrong-ds", "wrong-ds", "a DS record of another key"),
)

TLSA_FAILS = (
    *(
        Scenario(
            f"tlsa-{rcode.lower()}.test",
            f"{rcode} for TLSA: there may be records, so nothing is delivered (RFC 7672 section 2.1.2)",
            undecided(Reason.TLSA_LOOKUP_FAILED, proved=False, starttls=DomainStartTLS.ALL),
            (Host(f"mx.tlsa-{rcode.lower()}.test", EE),),
            rcodes={(f"_25._tcp.mx.tlsa-{rcode.lower()}.test", "TLSA"): rcode},
        )
        for rcode in ("SERVFAIL", "NOTIMP", "REFUSED")
    ),
    Scenario(
        "tlsa-bogus.test",
        "the TLSA RRset's signature is damaged: conclusive, and mail waits",
        undecided(Reason.TLSA_BOGUS, proved=True, starttls=DomainStartTLS.ALL),
        (Host("mx.tlsa-bogus.test", EE),),
        tampered=(("_25._tcp.mx.tlsa-bogus.test", "TLSA"),),
    ),
    Scenario(
        "tlsa-servfail-first.test",
        "TLSA lookup of the preferred host fails: it is passed over, the other one delivers",
        Expect(
            DomainOutcome.OK,
            Sender.VERIFIED,
            DomainDane.UNKNOWN,
            DomainStartTLS.ALL,
            (Reason.TLSA_LOOKUP_FAILED,),
        ),
        (Host("mx1.tlsa-servfail-first.test", EE), Host("mx2.tlsa-servfail-first.test", EE)),
        VERIFIED,
        rcodes={("_25._tcp.mx1.tlsa-servfail-first.test", "TLSA"): "SERVFAIL"},
    ),
)

ADDRESS_FAILS = (
    Scenario(
        "aaaa-servfail.test",
        "AAAA lookup fails, A works: the host is judged by what it has (RFC 7672 section 2.1.3)",
        protected(Reason.AAAA_LOOKUP_FAILED),
        (Host("mx.aaaa-servfail.test", EE),),
        VERIFIED,
        rcodes={("mx.aaaa-servfail.test", "AAAA"): "SERVFAIL"},
    ),
    Scenario(
        "aaaa-bogus.test",
        "AAAA records with a damaged signature, A records without",
        protected(Reason.AAAA_LOOKUP_FAILED),
        (Host("mx.aaaa-bogus.test", EE),),
        VERIFIED,
        tampered=(("mx.aaaa-bogus.test", "AAAA"),),
    ),
    Scenario(
        "a-servfail.test",
        "the other way round",
        protected(Reason.A_LOOKUP_FAILED),
        (Host("mx.a-servfail.test", EE),),
        VERIFIED,
        rcodes={("mx.a-servfail.test", "A"): "SERVFAIL"},
    ),
    Scenario(
        "address-servfail.test",
        "both address lookups of the only host fail",
        undecided(Reason.ADDRESS_LOOKUP_FAILED, proved=False),
        (Host("mx.address-servfail.test", EE),),
        rcodes={("mx.address-servfail.test", rtype): "SERVFAIL" for rtype in ("A", "AAAA")},
    ),
    Scenario(
        "address-bogus.test",
        "the addresses of the only host are bogus, which a query with checking disabled proves",
        undecided(Reason.ADDRESS_BOGUS, proved=True),
        (Host("mx.address-bogus.test", EE),),
        tampered=(("mx.address-bogus.test", "A"), ("mx.address-bogus.test", "AAAA")),
    ),
)

CASES = (*ROUTES, *SIGNED, *ALIASES, *MX_FAILS, *TLSA_FAILS, *ADDRESS_FAILS)
