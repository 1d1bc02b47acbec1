"""A DNS message as values, and the numbers of its format (RFC 1035 section 4, RFC 6891, RFC 8914)."""

from typing import NamedTuple

from scanner.facts import EDE

MAX_MESSAGE = 65535  # what a TCP length prefix can say, RFC 1035 section 4.2.2
MAX_RECORDS = 4096  # a full TCP message of the shortest useful record (A behind a pointer, 16 octets)
MAX_EDE = 8  # extended errors kept; resolvers send one or two
MAX_EDE_TEXT = 256  # octets kept of each; it is prose for people
MAX_TTL = 0x7FFFFFFF  # a greater TTL counts as zero, RFC 2181 section 8

IN = 1
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
OPCODE = 0x7800

A, NS, CNAME, SOA, MX, AAAA, DNAME, OPT, RRSIG, TLSA = 1, 2, 5, 6, 15, 28, 39, 41, 46, 52
TYPES = {
    "A": A,
    "NS": NS,
    "CNAME": CNAME,
    "SOA": SOA,
    "PTR": 12,
    "MX": MX,
    "TXT": 16,
    "AAAA": AAAA,
    "SRV": 33,
    "DNAME": DNAME,
    "RRSIG": RRSIG,
    "DNSKEY": 48,
    "TLSA": TLSA,
}
"""The types that mxsweep asks for or meets; dnspython knows the others."""


class WireError(ValueError):
    """A message or name that breaks the DNS wire format or exceeds a limit."""


class Question(NamedTuple):
    """What was asked: name, type (``MX``, ``TYPE999``) and class."""

    name: str
    rtype: str
    rclass: int = IN


class Record(NamedTuple):
    """A record of class IN.

    ``rdata`` is ``10 mx.example`` for MX, an address for A and AAAA, a name for CNAME, DNAME, NS and PTR, ``0 0 25
    mx.example`` for SRV, lower-case hex for TLSA and RRSIG (undecoded: a malformed TLSA record is a fact too), and
    the presentation format of every other type. Names are lower case, without the final dot.
    """

    owner: str
    rtype: str
    ttl: int
    rdata: str


class Message(NamedTuple):
    """A decoded message. ``rcode`` includes the extended bits (RFC 6891 section 6.1.3).

    ``negative_ttl`` is the lesser of TTL and minimum of an SOA in the authority section (RFC 2308 section 5),
    None without one. ``delegation`` is true when NS records stand there.
    """

    id: int
    qr: bool
    tc: bool
    aa: bool
    ra: bool
    ad: bool
    cd: bool
    rcode: str
    question: Question | None
    answers: tuple[Record, ...] = ()
    ede: tuple[EDE, ...] = ()
    negative_ttl: int | None = None
    delegation: bool = False

    @property
    def referral(self) -> bool:
        """True for a reply that only points elsewhere (RFC 2308 section 2.2): it proves nothing."""
        return self.rcode == "NOERROR" and not self.answers and self.delegation and self.negative_ttl is None
