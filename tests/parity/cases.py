"""The written pairs: command lines that both programs get.

A row is a name and a command line. ``BASE`` stands before each, so that addresses come in one order and silent servers
cost little time. ``driver`` fills in ``{...}``; ``127.66.0.*`` are ``servers``.
"""

import shlex
from dataclasses import dataclass

from tests.lab.layout import Placed, place
from tests.lab.scenarios import SCENARIOS
from tests.parity.fatal_lines import FATAL_LINES

BASE = ("-a", "ipv4", "-t", "4", "-T", "3")

RANDOM = ("one-busy.test", "many-addresses.test")
"""Domains with several IPv4 addresses of one preference, in random order: some of the addresses are named instead."""

PINNED = 3
"""Addresses that are named for each such domain."""

APART = ("ehlo-endless.test", "greeting-endless.test", "reset-connect.test", "reset-greeting.test")
"""Domains whose outcome differs from run to run, so that they are not compared.

What is endless is checked in ``alone``: how far Debian's program reads is chance. The others reset a connection that is
hardly open: whether connecting or reading fails is a race, so ``servers`` has one that resets later.
"""

ML_DSA = "pq-mldsa.test"
"""A server with a certificate that only mxsweep's OpenSSL 4 gets: Debian's OpenSSL 3 has no ML-DSA keys."""


@dataclass(frozen=True, slots=True)
class PairCase:
    """A command line. ``extra`` are options that mxsweep alone gets: see ``compare``."""

    name: str
    line: tuple[str, ...]
    extra: tuple[str, ...] = ()

    def lines(self) -> dict[str, list[str]]:
        """Return the command lines for ``driver``."""
        return {
            f"{self.name}.debian": ["debian", *BASE, *self.line],
            f"{self.name}.mxsweep": ["mxsweep", *BASE, *self.extra, *self.line],
        }


def _table(prefix: str, text: str) -> list[PairCase]:
    rows = [line for line in text.splitlines() if line.strip()]
    return [PairCase(f"{prefix}-{n:02}", tuple(shlex.split(row))) for n, row in enumerate(rows, 1)]


def _each(prefix: str, domains: tuple[str, ...], *options: str) -> list[PairCase]:
    return [PairCase(f"{prefix}-{domain}", (*options, f"{domain}.test")) for domain in domains]


def _every_domain() -> list[PairCase]:
    named = [s.domain for s in SCENARIOS if s.domain not in (*RANDOM, *APART, ML_DSA)]
    pinned = [f"[{p.address}]" for domain in RANDOM for p in _places(domain)[:PINNED]]
    return [PairCase(f"dane-{name.strip('[]')}", (*_offer(name), "-l", "dane", name)) for name in (*named, *pinned)]


def _offer(domain: str) -> tuple[str, ...]:
    """Return options for an offer of classical groups, where the server treats post-quantum groups differently."""
    return ("-o", "tls_eecdh_auto_curves=X25519 prime256v1") if domain.startswith(("hello-", "pq")) else ()


def _places(domain: str) -> list[Placed]:
    return [placed for placed in place(SCENARIOS) if placed.domain == domain and "." in placed.address]


CERTIFICATES = (
    *("cert-good", "cert-expired", "cert-not-yet-valid", "cert-self-signed", "cert-wrong-name", "cert-wildcard"),
    *("cert-cn-only", "cert-no-cn", "cert-leaf-only", "cert-rsa", "cert-ed25519"),
)
KINDS = (
    *("good311", "bad311", "good211", "ta-wrong-name", "unusable-mtype", "unusable-pkix-ee", "unsigned"),
    *("insecure-mx", "insecure-host", "plain", "tlsa-servfail", "no-starttls", "anonymous"),
)
ODD = ("tls10-plain", "tls12", "anonymous-plain", "starttls-454", "greeting-554", "tls-plaintext", "null-mx")

LEVELS = (
    *_each("secure-roots", CERTIFICATES, "-l", "secure", "-F", "{root}"),
    *_each("verify-roots", CERTIFICATES, "-l", "verify", "-F", "{root}"),
    *_each("secure", ("cert-good", "cert-self-signed", "tls10", "anonymous"), "-l", "secure"),
    *_each("verify", ("cert-good", "cert-expired"), "-l", "verify"),
    *_each("may", (*CERTIFICATES, *ODD), "-l", "may"),
    *_each("may-roots", CERTIFICATES, "-l", "may", "-F", "{root}"),
    *_each("encrypt", ODD, "-l", "encrypt"),
    *_each("encrypt-roots", ("cert-good", "cert-expired", "cert-wrong-name"), "-l", "encrypt", "-F", "{root}"),
    *_each("dane-roots", (*KINDS, "cert-good", "cert-wrong-name"), "-l", "dane", "-F", "{root}"),
    *_each("dane-only", KINDS, "-l", "dane-only"),
    *_each("none", ("good311", "no-starttls", "greeting-421"), "-l", "none"),
)

FINGERPRINTS = _table(
    "fingerprint",
    """
    -l fingerprint cert-good.test {cert_sha256}
    -l fingerprint cert-good.test {key_sha256}
    -l fingerprint -d sha1 cert-good.test {cert_sha1}
    -l fingerprint -d sha512 cert-good.test {key_sha512}
    -l fingerprint cert-good.test 00:11:22 {key_sha256}
    -l fingerprint cert-good.test 0011223344556677889900112233445566778899001122334455667788990011
    -l fingerprint cert-expired.test {cert_sha256}
    -l fingerprint -F {root} cert-good.test {cert_sha256}
    -l fingerprint cert-good.test {cert_sha1}
    -l fingerprint cert-good.test
    -l fingerprint cert-good.test not-a-digest
    -l fingerprint -L dane cert-good.test {cert_sha256} 00:11 {key_sha256}
    -l fingerprint -F {work}/none.pem cert-good.test not-a-digest
    -l fingerprint -C cert-good.test {key_sha256}
    """,
)

MATCHES = _table(
    "match",
    """
    -l secure -F {root} cert-good.test mx.cert-good.test
    -l secure -F {root} cert-good.test .cert-good.test
    -l secure -F {root} cert-good.test .test
    -l secure -F {root} cert-good.test nexthop
    -l secure -F {root} cert-good.test dot-nexthop
    -l secure -F {root} cert-good.test hostname
    -l secure -F {root} cert-good.test mx.cert-good.test.
    -l secure -F {root} cert-good.test other.test mx.cert-good.test
    -l secure -F {root} cert-wildcard.test hostname
    -l secure -F {root} cert-wildcard.test a.b.cert-wildcard.test
    -l verify -F {root} cert-good.test nexthop
    -l dane -F {root} cert-good.test mx.cert-good.test
    -l dane good211.test other.test
    -l may cert-good.test mx.cert-good.test
    -l may cert-good.test -l secure
    -l secure -F {root} cert-good.test 127.0.0.1
    -l secure -F {root} cert-good.test ä.test -ä.test 。 .ä-.test
    -l secure -F {root} cert-good.test ""
    -l may -- -.test cert-good.test
    """,
)

OPTIONS = _table(
    "option",
    """
    -a ipv6 good311.test
    -a IPV6 [mx.good311.test]
    -a bogus good311.test
    -A {root} -l secure cert-good.test hostname
    -A {work}/intermediate.pem -l verify cert-good.test
    -A {work}/anchor-key.pem -l verify cert-good.test
    -A {work}/intermediate.pem -l secure cert-self-signed.test hostname
    -A {root} -l dane good311.test
    -A {root} -l may cert-good.test
    -A {work}/none.pem -l secure cert-good.test
    -A {root} -L dane -l secure cert-good.test hostname
    -A {work}/key.pem -l secure cert-good.test
    -c good311.test
    -c greeting-554.test
    -c -L none good311.test
    -C good311.test
    -C good201.test
    -cC -L none good200.test
    -C anonymous-plain.test
    -Ccl may cert-good.test
    -d sha1 good311.test
    -d sha512 -C good311.test
    -d md5 good311.test
    -d bogus good311.test
    -f insecure-host.test
    -f insecure-alias.test
    -f good311.test
    -F {root} good201.test
    -F {work}/none.pem good311.test
    -F {work}/key.pem good311.test
    -g high good311.test
    -g medium tls12.test
    -g low tls12.test
    -g HIGH tls12.test
    -g null tls12.test
    -g null -l may cert-good.test
    -g bogus good311.test
    -h dns good311.test
    -h native good311.test
    -h dns,native good311.test
    -h native [mx.cert-good.test]
    -h bogus good311.test
    -h DNS good311.test
    -h native [no-such-host.test]
    -k {work}/both.pem -l may [127.66.0.9]
    -k {work}/both.pem -l may [127.66.0.10]
    -K {work}/both.pem -l may good311.test
    -k {work}/cert.pem -K {work}/key.pem good311.test
    -k {work}/none.pem good311.test
    -k {work}/cert.pem good311.test
    -H {work}/both.pem good311.test
    -H {work}/none.pem good311.test
    -H {work}/both.pem -k {work}/both.pem good311.test
    -l DANE good311.test
    -l bogus good311.test
    -l halfdane good311.test
    -L none good311.test
    -L 0 bad311.test
    -L 1 good311.test
    -L routine bad311.test
    -L summary good211.test
    -L untrusted bad311.test
    -L untrusted -l may cert-self-signed.test
    -L peercert good211.test
    -L CERTMATCH good211.test
    -L certmatch,summary good201.test
    -L bogus good311.test
    -L routine,bogus good311.test
    -m 0 -l may good311.test
    -m junk -l may good311.test
    -M may insecure-mx.test
    -M encrypt insecure-mx.test
    -M dane insecure-mx.test
    -M dane -l dane-only insecure-mx.test
    -M ENCRYPT -l dane-only insecure-mx.test
    -M may unsigned.test
    -M secure insecure-mx.test
    -o myhostname=other.lab.test good311.test
    -o inet_protocols=ipv4 good311.test
    -o inet_protocols=ipv6 good311.test
    -o malformed good311.test
    -o smtp_tls_fingerprint_digest=sha1 good311.test
    -o tls_dane_digests=sha256 agility-bad.test
    -o tls_eecdh_auto_curves=bogus,prime256v1 good311.test
    -o tls_medium_cipherlist=ALL:@SECLEVEL=2 -l may tls10-plain.test
    -o tls_medium_cipherlist=ALL:@SECLEVEL=0 -l dane tls10.test
    -o smtputf8_enable=no ä.test
    -o smtputf8_enable=no -l secure cert-good.test ä.test
    -o compatibility_level=2 -l fingerprint cert-good.test {cert_sha256}
    -o line_length_limit=512 good311.test
    -o tls_dane_digests=sha256,sha512 agility-ta-bad.test
    -o dnssec_probe= unsigned.test
    -o smtp_tls_security_level=none good311.test
    -p !TLSv1.3 good311.test
    -p >=TLSv1.2,<=TLSv1.2 good311.test
    -p TLSv1.2 good311.test
    -p >=TLSv1.3 tls12.test
    -p <=0303 good311.test
    -p bogus good311.test
    -p >=0305 good311.test
    -p >=abc,<=03 good311.test
    -p <=+303 good311.test
    -p >=TLSv9 good311.test
    -P {work}/roots -l secure cert-good.test hostname
    -P {work}/roots -l may cert-wrong-name.test
    -P {work}/none -l may cert-good.test
    -r 0 -l may [127.66.0.1]
    -r junk -l may [127.66.0.1]
    -s mx.good311.test -l may good311.test
    -s hostname -l secure -F {root} cert-good.test hostname
    -s nexthop -l may cert-good.test
    -s "" -l may cert-good.test
    -s {long} -l may cert-good.test
    -s {long} -l may -g bogus cert-good.test
    -s {long} -l may -p bogus cert-good.test
    -s {long} -l may -p >=0305 cert-good.test
    -s {long} -l may -o tls_medium_cipherlist=bogus cert-good.test
    -t 1 greeting-none.test
    -t 9x good311.test
    -T 1 ehlo-none.test
    -T 1 tls-silent.test
    -T 9x good311.test
    -v -X -r 1 good311.test
    -w -l none good311.test
    -w -T 1 good311.test
    """,
)

DESTINATIONS = _table(
    "destination",
    """
    good311.test:
    good311.test:25
    good311.test:smtp
    good311.test:submission
    good311.test:0
    good311.test:65536
    good311.test:nosuch
    good311.test:25x
    [mx.good311.test]
    [mx.good311.test]:
    [mx.good311.test]:25
    [MX.Good311.Test]:smtp
    [mx.good311.test
    [mx.good311.test]x
    []
    :25
    [10.16.0.25]
    10.16.0.25
    10.16.0.25:25
    [ipv6:fd4d:7878:1::19]
    [IPv6:fd4d:7878:1::25]:25
    [fd4d:7878:1::25]
    [ipv6:10.0.0.1]
    fd4d:7878:1::25
    inet:good311.test
    unix:/nowhere
    good311.test.
    -.test
    a..test
    12345
    münchen.test
    ä.bc--de.example
    ä.xn--zz.test
    ää..test
    0x7f.1
    [mx.münchen.test]
    no-such-domain.test:2525
    good311.test good211.test
    -- good311.test
    """,
)

SERVERS = _table(
    "server",
    """
    -r 1 -l may [127.66.0.1]
    -r 1 -l dane -F {root} good311.test
    -r 1 -l dane bad311.test
    -r 1 -l secure -F {root} [127.66.0.1] mx.cert-good.test
    -r 1 -l may [127.66.0.2]
    -r 1 -m 1 -l may [127.66.0.3]
    -r 1 -m 2 -l secure -F {root} [127.66.0.4] mx.cert-good.test
    -r 1 -l may [127.66.0.5]
    -r 1 -l may [127.66.0.6]
    -r 1 -l secure -F {root} [127.66.0.6] mx.cert-good.test
    -r 1 -c -l may [127.66.0.1]
    -r 1 -m 0 -l may [127.66.0.1]
    -r 1 no-starttls.test
    -r 1 greeting-554.test
    -r 1 insecure-mx.test
    -r 1 unusable-mtype.test
    -S -l may [127.66.0.7]
    -S -l may 127.66.0.7
    -S -l may inet:127.66.0.7
    -S -l may inet:[127.66.0.7]:24
    -S -l secure -F {root} [127.66.0.7]:24 mx.cert-good.test
    -S [127.66.0.7]:2424
    -S good311.test
    -S good311.test:25
    -S inet:mx.good311.test:25
    -S -r 1 -l may [127.66.0.7]
    -S -l secure unix:{work}/none.sock
    -S -C -l may [127.66.0.7]:24
    -w -l may [127.66.0.8]:465
    -w -l secure -F {root} [127.66.0.8]:smtps mx.cert-good.test
    -w [127.66.0.8]:submissions
    -w -l may [127.66.0.8]
    -w -C -l may [127.66.0.8]:465
    -w -r 1 -l may [127.66.0.8]:465
    -l may [127.66.0.8]:465
    -l may [127.66.0.11]
    -l may [127.66.0.12]
    -l may [127.66.0.13]
    -l may [127.66.0.14]
    -l may [127.66.0.15]
    -l may [127.66.0.16]
    -l dane [127.66.0.16]
    -l may [127.66.0.17]
    -l may [127.66.0.18]
    -l may [127.66.0.19]
    -l may [127.66.0.21]
    -o smtputf8_enable=no -l may [127.66.0.21]
    -l may [127.66.0.99]
    """,
)

MORE = [
    PairCase(f"more-{n:02}", ("-l", level, domain), tuple(shlex.split(extra)))
    for n, (extra, level, domain) in enumerate(
        (
            (extra, level, domain)
            for extra in ("-v", "-v -v", "-L 2", "-L routine,verbose", "-L routine,certmatch,ssl-debug,cache,dane")
            for level, domain in (("dane", "good311.test"), ("dane", "bad311.test"), ("may", "cert-rsa.test"))
        ),
        1,
    )
]

DUMPS = [
    PairCase(f"dump-{n:02}", ("-L", *shlex.split(line)))
    for n, line in enumerate(
        (
            "3 -l dane ee-rsa.test",
            "4 -l dane ee-rsa.test",
            "ssl-handshake-packet-dump -l may cert-rsa.test",
            "ssl-session-packet-dump -l may cert-rsa.test",
            "ssl-session-packet-dump -p TLSv1.2 -l may cert-rsa.test",
            "ssl-session-packet-dump -l may anonymous-plain.test",
        ),
        1,
    )
]

CASES = (
    *(*_every_domain(), *LEVELS, *FINGERPRINTS, *MATCHES, *OPTIONS, *DESTINATIONS, *SERVERS),
    *(*MORE, *DUMPS, *_table("fatal", FATAL_LINES)),
)
