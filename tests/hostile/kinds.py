"""The kinds of attack by peers, certificates and zones: for each, its domains with their DNS answers and servers."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from scanner.facts import Alias, Answer
from scanner.vocabulary import Outcome, Security
from tests.hostile import certificates

Record = str
"""The rdata of a TLSA record in hex."""


@dataclass(frozen=True, slots=True)
class AttackKind:
    """A kind of attack.

    ``manner`` is that of all servers, ``records`` are the TLSA records of each host. Each of ``domains`` domains has a
    host of its own with ``addresses`` addresses, behind ``aliases`` CNAME records.
    """

    name: str
    manner: str
    domains: int = 2
    addresses: int = 1
    records: Callable[[], Sequence[Record]] = tuple
    aliases: int = 0


@dataclass(frozen=True, slots=True)
class HostileDomain:
    """A domain of an attack, its host and the addresses of the host."""

    name: str
    host: str
    addresses: tuple[str, ...]
    kind: AttackKind


@cache
def issuer() -> tuple[Record, ...]:
    """Return the record of the issuer of most hostile leaves: the chain matches, and names are then compared."""
    return ("020101" + hashlib.sha256(certificates.spki(certificates.ISSUER)).hexdigest(),)


@cache
def wrong() -> tuple[Record, ...]:
    return ("020101" + "00" * 32,)


@cache
def bare_keys() -> tuple[Record, ...]:
    """Return 76 keys, as many as a DNS message has room for; each is tried on the topmost certificate."""
    return tuple("020100" + certificates.slow_key(number).hex() for number in range(76))


@cache
def two_thousand() -> tuple[Record, ...]:
    return tuple("020101" + secrets.token_hex(32) for _ in range(2000))


KINDS = (
    AttackKind("32,000 names on 240 addresses", "short-names", 1, 240, issuer),
    AttackKind("hosts with a 90 KB certificate each", "many-names", 40, 1, issuer),
    AttackKind("Diffie-Hellman prime of 10,000 bits", "prime", 10),
    AttackKind("object identifier of 94 KB", "long-oid", records=issuer),
    AttackKind("arcs of 4,400 digits", "long-arcs", records=issuer),
    AttackKind("path length of 2^64", "endless-path", records=issuer),
    AttackKind("subject of 6,000 attributes", "many-attributes", records=issuer),
    AttackKind("7,000 extensions", "many-extensions", records=issuer),
    AttackKind("names nested 20,000 deep", "deep-nesting", records=issuer),
    AttackKind("chain of 400 equal issuers", "small-chain", records=wrong),
    AttackKind("76 bare keys in a TLSA set", "signed-by-rsa", 2, 2, bare_keys),
    AttackKind("2,000 TLSA records", "plain", records=two_thousand),
    AttackKind("chain of 400 aliases", "plain", records=issuer, aliases=400),
    AttackKind("explicit curve parameters", "explicit-curve"),
    AttackKind("chain of 10,000 certificates", "chain-of-10000"),
    AttackKind("handshake message of 16 MB", "huge-message"),
    AttackKind("loop of HelloRetryRequests", "retry-loop"),
    AttackKind("1,000 renegotiations", "renegotiation"),
    AttackKind("compressed certificate", "compressed-certificate"),
    AttackKind("endless reply", "endless-reply"),
    AttackKind("endless line", "endless-line"),
    AttackKind("dripping greeting", "dripping"),
    AttackKind("silence", "silent"),
    AttackKind("240 silent addresses", "silent", 5, 240),
)


def domains_of(kind: AttackKind) -> list[HostileDomain]:
    """Return the domains of a kind; a kind has a network of 127.0.0.0/8 of its own."""
    network = 100 + KINDS.index(kind)
    return [
        HostileDomain(
            f"d{number}.k{network}.test",
            f"mx.d{number}.k{network}.test",
            tuple(f"127.{network}.{number}.{last}" for last in range(1, kind.addresses + 1)),
            kind,
        )
        for number in range(kind.domains)
    ]


Table = dict[tuple[str, str], Answer]


def answers(domain: HostileDomain) -> Table:
    """Return the DNS answers of a domain, all secure."""
    host, last = domain.host, domain.host
    aliases: tuple[Alias, ...] = ()
    if domain.kind.aliases:
        steps = [host, *(f"a{number}.{host}" for number in range(domain.kind.aliases))]
        aliases = tuple(Alias(*pair, Security.SECURE) for pair in pairwise(steps))
        last = steps[-1]
    records = tuple(sorted(domain.kind.records()))
    found = [
        Answer(domain.name, "MX", Outcome.DATA, Security.SECURE, (f"10 {host}",), rname=domain.name),
        Answer(host, "A", Outcome.DATA, Security.SECURE, domain.addresses, rname=last, aliases=aliases),
        Answer(host, "AAAA", Outcome.NODATA, Security.SECURE, rname=last, aliases=aliases),
    ]
    outcome = Outcome.DATA if records else Outcome.NODATA
    owners = (f"_25._tcp.{last}", f"_25._tcp.{host}")
    found += [Answer(name, "TLSA", outcome, Security.SECURE, records, rname=name) for name in owners]
    return {(answer.name, answer.rtype): answer for answer in found}
