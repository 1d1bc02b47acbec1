"""The data types of DNS messages and the constants of their format (RFC 1035 section 4, RFC 6891, RFC 8914)."""

from typing import NamedTuple

from scanner.facts import EDE

MAX_MESSAGE = 65535  # octets: the maximum of a TCP length prefix, RFC 1035 section 4.2.2
MAX_RECORDS = 4096  # a full TCP message of the shortest useful records (A with a compressed owner, 16 octets)
MAX_EDE = 8  # extended errors kept of a message; resolvers send one or two
MAX_EDE_TEXT = 256  # octets kept of the text of an extended error
MAX_TTL = 0x7FFFFFFF  # a greater TTL counts as zero, RFC 2181 section 8

IN = 1
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
OPCODE = 0x7800

NS, SOA, OPT = 2, 6, 41
TYPES = {
    "A": 1,
    "NS": NS,
    "CNAME": 5,
    "SOA": SOA,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "DNAME": 39,
    "RRSIG": 46,
    "DNSKEY": 48,
    "TLSA": 52,
}
"""Numbers of the record types that mxsweep queries or receives; dnspython converts all other types."""


class WireError(ValueError):
    """Error: a message or name violates the DNS wire format or exceeds a limit."""


class Question(NamedTuple):
    """The question of a DNS message: name, type (``MX``, ``TYPE999``) and class."""

    name: str
    rtype: str
    rclass: int = IN


class Record(NamedTuple):
    """A resource record of class IN.

    ``rdata`` is ``10 mx.example`` for MX, an address for A and AAAA, a name for CNAME, DNAME, NS and PTR, ``0 0 25
    mx.example`` for SRV, lower-case hex for TLSA and RRSIG (undecoded, so that malformed TLSA records are recorded
    too), and the presentation format of every other type. Domain names in rdata are lower case, without the final dot.
    """

    owner: str
    rtype: str
    ttl: int
    rdata: str


class Message(NamedTuple):
    """A decoded message. ``rcode`` includes the extended bits (RFC 6891 section 6.1.3).

    ``negative_ttl`` is the lesser of the TTL and the MINIMUM field of the SOA in the authority section (RFC 2308
    section 5), None without an SOA. ``delegation`` is true if the authority section contains NS records.
    """

    id: int
    qr: bool
    tc: bool
    aa: bool
    ra: bool
    ad: bool
    rcode: str
    question: Question | None
    answers: tuple[Record, ...] = ()
    ede: tuple[EDE, ...] = ()
    negative_ttl: int | None = None
    delegation: bool = False

    @property
    def referral(self) -> bool:
        """True if the message is a referral to other name servers (RFC 2308 section 2.2), which answers no question."""
        return self.rcode == "NOERROR" and not self.answers and self.delegation and self.negative_ttl is None
