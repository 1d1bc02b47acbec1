r"""The few DNS messages that are needed, octets to values and back (RFC 1035 section 4, RFC 6891, RFC 8914).

``query`` writes one question; ``decode`` reads a reply into a frozen ``Message``. Only what answers are made
of is kept: the records of class IN in the answer section, the extended errors, and from the authority section
whether an SOA or NS stands there. Signatures are not checked here or anywhere else: that is the validating
resolver's work.

A message that breaks the format raises ``WireError`` and nothing else. The work is bounded: pointers lead
only backwards and each place is read once, a name has at most 255 octets, a message ``MAX_MESSAGE`` octets,
``MAX_RECORDS`` records and ``MAX_STEPS`` labels and pointers.
"""

import ipaddress
import struct
from collections.abc import Callable
from typing import NamedTuple

from scanner.core.wire_names import Names, WireError, encode_name, spelled
from scanner.facts import EDE

__all__ = ["IN", "TYPES", "Message", "Question", "Record", "WireError", "asked", "decode", "query"]

MAX_MESSAGE = 65535  # what a TCP length prefix can say, RFC 1035 section 4.2.2
MAX_RECORDS = 4096  # a full TCP message of the shortest useful record (A behind a pointer, 16 octets)
MAX_EDE = 8  # extended errors kept; resolvers send one or two
MAX_EDE_TEXT = 256  # octets kept of each; it is prose for people
UDP_PAYLOAD = 1232  # fits the least IPv6 MTU unfragmented (DNS flag day 2020)

MAX_TTL = 0x7FFFFFFF  # a TTL beyond counts as zero, RFC 2181 section 8

IN = 1
TYPES: dict[str, int] = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "DNAME": 39,
    "OPT": 41,
    "DS": 43,
    "RRSIG": 46,
    "NSEC": 47,
    "DNSKEY": 48,
    "NSEC3": 50,
    "TLSA": 52,
}
_NS, _SOA = TYPES["NS"], TYPES["SOA"]
_TYPE_NAMES = {number: name for name, number in TYPES.items()}
_RCODES = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
    16: "BADVERS",
}

_QR, _AA, _TC, _RD, _RA, _AD, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_OPCODE = 0x7800
_DO = 0x8000
_EDE_OPTION = 15  # RFC 8914 section 2

_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_OPT = struct.Struct("!BHHIH")
_PAIR = struct.Struct("!HH")
_TRIPLE = struct.Struct("!HHH")


class Question(NamedTuple):
    """What was asked: name, type (``MX``, ``TYPE999``) and class."""

    name: str
    rtype: str
    rclass: int = IN


class Record(NamedTuple):
    """A record of class IN; ``rdata`` is text for the known types and lower-case hex for all others."""

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


def query(name: str, rtype: str, msg_id: int, *, dnssec: bool = True, cd: bool = False) -> bytes:
    r"""Write one recursive question.

    Args:
        name: absolute domain name; ``\DDD`` and ``\X`` escapes are understood.
        rtype: type of the records wanted, ``MX`` or ``TYPE15``.
        msg_id: message id, 0 to 65535.
        dnssec: ask for validation (AD, RFC 6840 section 5.7; DO, RFC 3225), else send a plain query.
        cd: ask the resolver not to validate (RFC 4035 section 3.2.2); the AD bit is then left clear.

    Returns:
        The message as it goes into a datagram.

    Raises:
        WireError: for a name or type that cannot be asked for.
    """
    flags = _RD | (_CD if cd else 0) | (_AD if dnssec and not cd else 0)
    header = _HEADER.pack(msg_id, flags, 1, 0, 0, 1 if dnssec else 0)
    asked = encode_name(name) + _QUESTION.pack(_type_number(rtype), IN)
    opt = _OPT.pack(0, TYPES["OPT"], UDP_PAYLOAD, _DO, 0) if dnssec else b""
    return header + asked + opt


def _type_number(rtype: str) -> int:
    known = TYPES.get(rtype)
    if known is not None:
        return known
    digits = rtype.removeprefix("TYPE")
    if not (rtype.startswith("TYPE") and digits.isdecimal() and int(digits) <= 0xFFFF):  # noqa: PLR2004 - 16 bits
        raise WireError(f"unknown record type {rtype!r}")
    return int(digits)


def asked(name: str, rtype: str) -> Question:
    """Spell a question as ``decode`` does.

    Raises:
        WireError: for a name or type that cannot be asked for.
    """
    return Question(spelled(name), _type_name(_type_number(rtype)))


def decode(wire: bytes, known: tuple[Question, int] | None = None) -> Message:
    """Read a message.

    Args:
        wire: one message, without the TCP length prefix; what follows its last record is ignored.
        known: its question and where that ends, where this has been seen already.

    Returns:
        The message.

    Raises:
        WireError: when the octets break the format, are no standard query or reply, or exceed a limit.
    """
    try:
        return _decode(wire, known)
    except (IndexError, struct.error):
        raise WireError("message ends too soon") from None


def _decode(wire: bytes, known: tuple[Question, int] | None) -> Message:
    if len(wire) > MAX_MESSAGE:
        raise WireError("message longer than 65535 octets")
    msg_id, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    if flags & _OPCODE or questions > 1 or answers + authorities + additionals > MAX_RECORDS:
        raise WireError("no standard query, several questions or too many records")
    names = Names(wire)
    if known is not None:
        names.know(_HEADER.size, known[0].name, known[1] - _QUESTION.size)
    question, at = known or (_question(wire, names) if questions else (None, _HEADER.size))
    records, at = _answers(wire, names, at, answers)
    negative_ttl, delegation, at = _authority(wire, names, at, authorities)
    high, ede = _additional(wire, names, at, additionals)
    return Message(
        id=msg_id,
        qr=flags & _QR != 0,
        tc=flags & _TC != 0,
        aa=flags & _AA != 0,
        ra=flags & _RA != 0,
        ad=flags & _AD != 0,
        cd=flags & _CD != 0,
        rcode=_rcode(high << 4 | flags & 15),
        question=question,
        answers=records,
        ede=ede,
        negative_ttl=negative_ttl,
        delegation=delegation,
    )


def _rcode(number: int) -> str:
    return _RCODES.get(number) or f"RCODE{number}"


def _type_name(number: int) -> str:
    return _TYPE_NAMES.get(number) or f"TYPE{number}"


def _question(wire: bytes, names: Names) -> tuple[Question, int]:
    name, at = names.read(_HEADER.size)
    rtype, rclass = _QUESTION.unpack_from(wire, at)
    return Question(name, _type_name(rtype), rclass), at + _QUESTION.size


def _frame(wire: bytes, names: Names, at: int) -> tuple[str, int, int, int, int, int]:
    """Read what is around a record's rdata: owner, type, class, TTL, where it begins and where it ends."""
    owner, at = names.read(at)
    rtype, rclass, ttl, length = _RECORD.unpack_from(wire, at)
    begin = at + 10
    end = begin + length
    if end > len(wire):
        raise WireError("message ends too soon")
    return owner, rtype, rclass, ttl if ttl <= MAX_TTL else 0, begin, end


def _answers(wire: bytes, names: Names, at: int, count: int) -> tuple[tuple[Record, ...], int]:
    records = []
    for _ in range(count):
        owner, rtype, rclass, ttl, begin, at = _frame(wire, names, at)
        if rclass == IN:
            rdata = _RDATA.get(rtype, _hex)(wire, names, begin, at)
            records.append(Record(owner, _type_name(rtype), ttl, rdata))
    return tuple(records), at


def _authority(wire: bytes, names: Names, at: int, count: int) -> tuple[int | None, bool, int]:
    negative_ttl = None
    delegation = False
    for _ in range(count):
        _, rtype, rclass, ttl, begin, at = _frame(wire, names, at)
        if rtype == _SOA and rclass == IN:
            negative_ttl = min(ttl, _soa_minimum(wire, names, begin, at))
        delegation = delegation or rtype == _NS
    return negative_ttl, delegation, at


def _soa_minimum(wire: bytes, names: Names, begin: int, end: int) -> int:
    _, at = names.read(begin)
    _, at = names.read(at)
    if end - at != 20:  # noqa: PLR2004 - five 32-bit numbers, RFC 1035 section 3.3.13
        raise WireError("malformed SOA")
    minimum = int.from_bytes(wire[end - 4 : end])
    return minimum if minimum <= MAX_TTL else 0


def _additional(wire: bytes, names: Names, at: int, count: int) -> tuple[int, tuple[EDE, ...]]:
    """Find the OPT record: the high bits of the rcode and the extended errors."""
    found = None
    for _ in range(count):
        _, rtype, _, _, begin, at = _frame(wire, names, at)
        if rtype == TYPES["OPT"]:
            if found is not None:
                raise WireError("several OPT records")  # RFC 6891 section 6.1.1
            found = begin, at
    # the high bits of the rcode are the first octet of what is the TTL elsewhere
    return (0, ()) if found is None else (wire[found[0] - 6], _extended_errors(wire, *found))


def _extended_errors(wire: bytes, at: int, end: int) -> tuple[EDE, ...]:
    errors: list[EDE] = []
    while at < end:
        code, length = _PAIR.unpack_from(wire, at)
        at += _PAIR.size
        if at + length > end:
            raise WireError("malformed EDNS option")
        if code == _EDE_OPTION and len(errors) < MAX_EDE:
            errors.append(_extended_error(wire[at : at + length]))
        at += length
    return tuple(errors)


def _extended_error(option: bytes) -> EDE:
    if len(option) < 2:  # noqa: PLR2004 - the info-code, RFC 8914 section 2
        raise WireError("malformed extended error")
    text = option[2 : 2 + MAX_EDE_TEXT].decode("utf-8", "replace")
    return EDE(int.from_bytes(option[:2]), text.rstrip("\0"))


def _hex(wire: bytes, _names: Names, begin: int, end: int) -> str:
    return wire[begin:end].hex()


def _a(wire: bytes, _names: Names, begin: int, end: int) -> str:
    if end - begin != 4:  # noqa: PLR2004 - octets of an IPv4 address
        raise WireError("malformed address record")
    return ".".join(map(str, wire[begin:end]))


def _aaaa(wire: bytes, _names: Names, begin: int, end: int) -> str:
    if end - begin != 16:  # noqa: PLR2004 - octets of an IPv6 address
        raise WireError("malformed address record")
    return str(ipaddress.IPv6Address(wire[begin:end]))


def _target(_wire: bytes, names: Names, begin: int, end: int) -> str:
    name, after = names.read(begin)
    if after != end:
        raise WireError("name does not fill its record")
    return name


def _mx(wire: bytes, names: Names, begin: int, end: int) -> str:
    preference = int.from_bytes(wire[begin : begin + 2])
    return f"{preference} {_target(wire, names, begin + 2, end)}"


def _srv(wire: bytes, names: Names, begin: int, end: int) -> str:
    priority, weight, port = _TRIPLE.unpack_from(wire, begin)
    return f"{priority} {weight} {port} {_target(wire, names, begin + _TRIPLE.size, end)}"


_RDATA: dict[int, Callable[[bytes, Names, int, int], str]] = {
    TYPES["A"]: _a,
    TYPES["AAAA"]: _aaaa,
    TYPES["NS"]: _target,
    TYPES["CNAME"]: _target,
    TYPES["PTR"]: _target,
    TYPES["DNAME"]: _target,
    TYPES["MX"]: _mx,
    TYPES["SRV"]: _srv,
}
