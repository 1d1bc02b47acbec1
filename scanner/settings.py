"""The settings of a run as immutable objects; comments in this file give the reasons for the defaults.

The command ``scan`` takes the settings from its options and a TOML file, ``finger`` from its options. All times in the
settings are in seconds.
"""

from dataclasses import dataclass, field, replace

from scanner.cipher_grades import MEDIUM
from scanner.vocabulary import CertAlg, Family, Level, Mode


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits for the stages of a probe, in seconds.

    Each time limit is for a whole stage of a probe, so that a slow peer cannot extend the stage.
    """

    connect: float = 30.0  # Postfix's smtp_connect_timeout
    greeting: float = 60.0  # greet delays of 15 s are common; below 20 s good hosts look dead
    command: float = 30.0  # EHLO, STARTTLS, EHLO after TLS: posttls-finger's -T
    handshake: float = 30.0  # posttls-finger's -T
    quit: float = 2.0  # the reply to QUIT is not used; without waiting, the peer would log a "lost connection"
    probe: float = 150.0  # less than the sum: the longest time that an endpoint occupies a slot


@dataclass(frozen=True, slots=True)
class DNSSettings:
    """The settings of DNS questions.

    ``servers`` contains pairs (address, port); if ``servers`` is empty, the servers in resolv.conf are used.
    ``confirm`` contains further resolvers (address, port), which are queried if all ``servers`` fail.
    """

    servers: tuple[tuple[str, int], ...] = ()
    trust: bool = False  # the AD bit of a resolver that is not on loopback may have been changed in transit
    attempt: float = 5.0  # a recursive resolver with a cold cache needs seconds
    total: float = 20.0  # seconds for all attempts of one question
    in_flight: int = 256  # below the default socket buffers' worth of replies
    rate: float = 500.0  # queries a second, every retry counted: what one resolver answers from cold without strain
    confirm: tuple[tuple[str, int], ...] = ()
    bind: str | None = None


@dataclass(frozen=True, slots=True)
class TLSProfile:
    """The TLS versions, ciphers and key exchange groups that the client offers, in OpenSSL's notation."""

    name: str
    ciphers: str
    security_level: int
    min_version: str | None = "TLSv1"
    max_version: str | None = None
    groups: str | None = None  # None = the library's own default, post-quantum included
    options: int = 0  # OpenSSL's SSL_OP_ bits to set besides Postfix's own
    without: int = 0  # SSL_OP_ bits that Postfix sets, to leave out
    largest_prime: int | None = None  # bits of a Diffie-Hellman prime above which the handshake is refused
    sigalgs: str | None = None  # signature algorithms, which select the server's certificate; None = the library's own


CLASSICAL_GROUPS = "X25519:X448:P-256:P-384:P-521"
"""Classical (not post-quantum) key exchange groups, with which the TLS ClientHello fits into one TCP segment."""

LARGEST_PRIME = 4096
"""Bits of the largest Diffie-Hellman prime that a scan accepts.

A TLS handshake with a prime of 10,000 bits takes a second of processor time.
"""

OPPORTUNISTIC = TLSProfile("opportunistic", f"{MEDIUM}:!eNULL", security_level=0, largest_prime=LARGEST_PRIME)
AUTHENTICATED = TLSProfile("authenticated", f"{MEDIUM}:!aNULL", security_level=1, largest_prime=LARGEST_PRIME)
OPPORTUNISTIC_CLASSICAL = replace(OPPORTUNISTIC, name="opportunistic-classical", groups=CLASSICAL_GROUPS)
AUTHENTICATED_CLASSICAL = replace(AUTHENTICATED, name="authenticated-classical", groups=CLASSICAL_GROUPS)

CLASSICAL = {OPPORTUNISTIC.name: OPPORTUNISTIC_CLASSICAL.name, AUTHENTICATED.name: AUTHENTICATED_CLASSICAL.name}
"""Names of TLS profiles, each with the name of its variant that offers only classical key exchange groups."""

WITHOUT_AUTHENTICATION = (OPPORTUNISTIC, OPPORTUNISTIC_CLASSICAL)
WITH_AUTHENTICATION = (AUTHENTICATED, AUTHENTICATED_CLASSICAL, OPPORTUNISTIC_CLASSICAL)
"""The TLS profiles that are tried in this order at an address, each after a failed handshake with the previous profile.

If a handshake fails with the first profile and succeeds with the second, the server does not accept a large
ClientHello. If a handshake succeeds only with the third profile, the server supports only obsolete, weak or anonymous
TLS.
"""

_RSA_PKCS1 = "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
_RSA_PSS = ":".join(f"rsa_pss_{key}_sha{bits}" for key in ("rsae", "pss") for bits in (256, 384, 512))
_OFFERS = {
    CertAlg.RSA: ("!aECDSA", f"{_RSA_PSS}:{_RSA_PKCS1}:rsa_pkcs1_sha224:rsa_pkcs1_sha1", "TLSv1"),
    # the rsa_pkcs1 ones allow a chain that an RSA key signed; in TLS 1.3 they cannot sign a handshake
    CertAlg.ECDSA: (
        "!aRSA:!kRSA",
        f"ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:{_RSA_PKCS1}",
        "TLSv1",
    ),
    CertAlg.EDDSA: ("!aRSA:!kRSA", "ed25519:ed448", "TLSv1.2"),
    CertAlg.MLDSA: ("!aRSA:!kRSA", "mldsa44:mldsa65:mldsa87", "TLSv1.3"),
}
"""TLS settings for each algorithm of a server's key: excluded ciphers, signature algorithms, lowest TLS version."""

OF_ALGORITHM: dict[tuple[CertAlg, str | None], TLSProfile] = {
    (alg, groups): replace(
        AUTHENTICATED,
        name=f"{alg}-classical" if groups else alg.value,
        ciphers=f"{AUTHENTICATED.ciphers}:{excluded}",
        sigalgs=sigalgs,
        min_version=version,
        groups=groups,
    )
    for alg, (excluded, sigalgs, version) in _OFFERS.items()
    for groups in (None, CLASSICAL_GROUPS)
}
"""TLS profiles that accept only certificates with a key of one algorithm, by the algorithm and key exchange groups."""

POST_QUANTUM = replace(
    AUTHENTICATED,
    name="post-quantum",
    min_version="TLSv1.3",
    groups="X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024:MLKEM768",
)
"""The TLS profile that accepts only post-quantum key exchange."""

PROFILES: dict[str, TLSProfile] = {
    p.name: p for p in (*WITHOUT_AUTHENTICATION, *WITH_AUTHENTICATION, *OF_ALGORITHM.values(), POST_QUANTUM)
}

CERT_ALGS = (CertAlg.RSA, CertAlg.ECDSA)
"""The key algorithms of the server certificates that a scan asks for by default."""


HOSTS = 100
"""Default maximum number of MX hosts examined of one domain: well-run domains have at most some twenty MX hosts."""

ADDRESSES = 40
"""Default maximum number of addresses probed of one MX host.

MX hosts of the largest providers have some twenty addresses.
"""

DOMAIN_ADDRESSES = 200
"""Default maximum number of addresses probed of one domain."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits on simultaneous connections and on the rate of new connections."""

    total: int = 512
    per_address: int = 1  # at most one connection of this scanner to a server at a time
    per_network: int = 4  # /24 or /48
    per_provider: int = 8  # a registrable domain of MX names: the large ones have dozens of addresses
    rate: float = 100.0  # new connections a second: a million addresses in three hours, and no firewall fills up
    spacing: float = 1.0  # seconds between the starts of two connections to one address, more would look like an attack
    per_domain: int = 16  # probes for one scanned domain, so that a domain with many hosts does not take all slots


@dataclass(frozen=True, slots=True)
class Retries:
    """The settings of the retry passes of a scan, which repeat inconclusive lookups and probes."""

    times: int = 2  # the first pass is after the usual greylisting, the second after a restart or overload
    after: float = 300.0  # the delay that most greylisting asks for; also the longest back-off of a provider


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run."""

    level: Level = Level.DANE
    mode: Mode = Mode.SMTP
    port: int = 25
    sni: str = "auto"  # auto | mx | none
    sni_sample: int = 0  # hosts of each group with equal addresses and TLSA records to probe, 0 = all
    ehlo: str = "localhost"
    bind: str | None = None
    family: Family = Family.ANY
    hosts: int = HOSTS
    addresses: int | None = ADDRESSES  # None = all
    domain_addresses: int = DOMAIN_ADDRESSES
    first_answer: bool = False  # stop at the first address that accepts a connection, as posttls-finger does
    allow_private: bool = False
    cert_algs: tuple[CertAlg, ...] = CERT_ALGS  # a sender may get either certificate of a server that has both
    pq: bool = False  # one more connection to each address that negotiates a classical group in TLS 1.3
    sts: bool = False  # MTA-STS and TLSRPT cost two DNS questions a domain
    ca_file: str | None = None
    ca_path: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    dns: DNSSettings = field(default_factory=DNSSettings)
    caps: Caps = field(default_factory=Caps)
    retries: Retries = field(default_factory=Retries)

    @property
    def samples_hosts(self) -> bool:
        """True if a scan probes only a sample of the MX hosts with equal addresses and TLSA records (``sni_sample``).

        Without SNI, all MX hosts with the same address share one probe, so that sampling would save no probes. At a TLS
        security level without DANE, no TLSA records are compared, and hosts are not sampled.
        """
        return self.sni_sample > 0 and self.sni != "none" and self.level.dane_based
