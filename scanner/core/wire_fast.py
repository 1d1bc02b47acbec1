"""The fast decoder of DNS replies, limited to the forms that nearly all replies of a scan have.

The decoder handles messages with at most one question, of a type in ``TYPES``; answers of types A, AAAA, CNAME, DNAME,
MX, RRSIG, TLSA and TXT; names of letters, digits, ``_`` and ``-``; rcodes up to REFUSED; any authority and additional
section, in which only SOA, NS and OPT are decoded. For a message that the decoder does not handle, ``decode`` raises
``UnusualError``, and the caller uses the decoder ``wire_any``.

The work of the decoder is bounded: compression pointers lead only backwards and each target is decoded once, a name has
at most 255 octets, and a message has at most ``MAX_MESSAGE`` octets, ``MAX_RECORDS`` records and ``MAX_STEPS`` labels
and pointers in its answers.
"""

import ipaddress
import re
import struct
from collections.abc import Callable

from scanner.core.wire_message import (
    AA,
    AD,
    IN,
    MAX_EDE,
    MAX_EDE_TEXT,
    MAX_MESSAGE,
    MAX_RECORDS,
    MAX_TTL,
    NS,
    OPCODE,
    OPT,
    QR,
    RA,
    SOA,
    TC,
    TYPES,
    Message,
    Question,
    Record,
    WireError,
)
from scanner.core.wire_names import Names, UnusualError, skip
from scanner.facts import EDE

__all__ = ["UnusualError", "decode"]

_TYPE_NAMES = {number: name for name, number in TYPES.items()}
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
_EDE_OPTION = 15  # RFC 8914 section 2
_SOA_LEAST = 22  # octets: two names and five 32-bit numbers, RFC 1035 section 3.3.13

_TXT_MESSAGE = 8192  # octets of a message with TXT records; no message about one name is longer
_UNESCAPED = re.compile(r"[ !#-\[\]-~]*")

_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_PAIR = struct.Struct("!HH")


def decode(wire: bytes, known: tuple[Question, int] | None = None) -> Message:
    """Decode a DNS message; arguments and result are those of ``wire.decode``.

    Raises:
        UnusualError: the message has a form that this decoder does not handle.
        WireError: the message violates the DNS format, is not a standard query or reply, or exceeds a limit.
    """
    try:
        return _decode(wire, known)
    except (IndexError, struct.error):
        raise WireError("message ends too soon") from None


def _decode(wire: bytes, known: tuple[Question, int] | None) -> Message:
    if len(wire) > MAX_MESSAGE:
        raise WireError("message longer than 65535 octets")
    msg_id, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    if flags & OPCODE or questions > 1 or answers + authorities + additionals > MAX_RECORDS:
        raise WireError("no standard query, several questions or too many records")
    names = Names(wire)
    if known is not None:
        names.know(_HEADER.size, known[0].name, known[1] - _QUESTION.size)
    question, at = known or (_question(wire, names) if questions else (None, _HEADER.size))
    records, at = _answers(wire, names, at, answers)
    negative_ttl, delegation, at = _authority(wire, at, authorities)
    high, ede = _additional(wire, at, additionals)
    rcode = high << 4 | flags & 15
    if rcode >= len(_RCODES):
        raise UnusualError
    return Message(
        id=msg_id,
        qr=flags & QR != 0,
        tc=flags & TC != 0,
        aa=flags & AA != 0,
        ra=flags & RA != 0,
        ad=flags & AD != 0,
        rcode=_RCODES[rcode],
        question=question,
        answers=records,
        ede=ede,
        negative_ttl=negative_ttl,
        delegation=delegation,
    )


def _question(wire: bytes, names: Names) -> tuple[Question, int]:
    name, at = names.read(_HEADER.size)
    rtype, rclass = _QUESTION.unpack_from(wire, at)
    known = _TYPE_NAMES.get(rtype)
    if known is None:
        raise UnusualError
    return Question(name, known, rclass), at + _QUESTION.size


def _frame(wire: bytes, at: int) -> tuple[int, int, int, int, int]:
    """Decode the fields of a record after the owner: type, class, TTL, and the start and end offsets of the rdata."""
    rtype, rclass, ttl, length = _RECORD.unpack_from(wire, at)
    begin = at + 10
    end = begin + length
    if end > len(wire):
        raise WireError("message ends too soon")
    return rtype, rclass, ttl if ttl <= MAX_TTL else 0, begin, end


def _answers(wire: bytes, names: Names, at: int, count: int) -> tuple[tuple[Record, ...], int]:
    records = []
    for _ in range(count):
        owner, at = names.read(at)
        number, rclass, ttl, begin, at = _frame(wire, at)
        if rclass != IN:
            continue
        known = _BY_NUMBER.get(number)
        if known is None:
            raise UnusualError
        rtype, read = known
        records.append(Record(owner, rtype, ttl, read(wire, names, begin, at)))
    return tuple(records), at


def _authority(wire: bytes, at: int, count: int) -> tuple[int | None, bool, int]:
    negative_ttl = None
    delegation = False
    for _ in range(count):
        rtype, rclass, ttl, begin, at = _frame(wire, skip(wire, at))
        if rtype == SOA and rclass == IN:
            negative_ttl = min(ttl, _soa_minimum(wire, begin, at))
        delegation = delegation or rtype == NS
    return negative_ttl, delegation, at


def _soa_minimum(wire: bytes, begin: int, end: int) -> int:
    """Return the MINIMUM field of an SOA record, skipping the names in the record."""
    if end - begin < _SOA_LEAST:
        raise WireError("malformed SOA")
    minimum = int.from_bytes(wire[end - 4 : end])
    return minimum if minimum <= MAX_TTL else 0


def _additional(wire: bytes, at: int, count: int) -> tuple[int, tuple[EDE, ...]]:
    """Decode the OPT record: the high bits of the rcode and the extended DNS errors."""
    found = None
    for _ in range(count):
        rtype, _, _, begin, at = _frame(wire, skip(wire, at))
        if rtype == OPT:
            if found is not None:
                raise WireError("several OPT records")  # RFC 6891 section 6.1.1
            found = begin, at
    # the first octet of the TTL field of an OPT record contains the high bits of the rcode
    return (0, ()) if found is None else (wire[found[0] - 6], _extended_errors(wire, *found))


def _extended_errors(wire: bytes, at: int, end: int) -> tuple[EDE, ...]:
    """Decode the extended DNS errors of an OPT record.

    Error text that is not UTF-8 is accepted, since the rest of the reply is usable; dnspython would reject the whole
    reply.
    """
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


def _txt(wire: bytes, _names: Names, begin: int, end: int) -> str:
    """Return the strings of a TXT record in presentation format (RFC 1035 section 5.1), as dnspython does."""
    if len(wire) > _TXT_MESSAGE:
        raise UnusualError
    strings = []
    while begin < end:
        after = begin + 1 + wire[begin]
        strings.append(_quoted(wire[begin + 1 : after]))
        begin = after
    if begin != end or not strings:
        raise WireError("malformed TXT record")
    return " ".join(strings)


def _quoted(octets: bytes) -> str:
    text = octets.decode("latin-1")
    return f'"{text if _UNESCAPED.fullmatch(text) else "".join(map(_escaped, octets))}"'


def _escaped(octet: int) -> str:
    character = chr(octet)
    if _UNESCAPED.fullmatch(character):
        return character
    return f"\\{character}" if character in '"\\' else f"\\{octet:03d}"


_DECODERS: dict[str, Callable[[bytes, Names, int, int], str]] = {
    "A": _a,
    "AAAA": _aaaa,
    "CNAME": _target,
    "DNAME": _target,
    "MX": _mx,
    "RRSIG": _hex,
    "TLSA": _hex,
    "TXT": _txt,
}
_BY_NUMBER = {TYPES[rtype]: (rtype, decoder) for rtype, decoder in _DECODERS.items()}
