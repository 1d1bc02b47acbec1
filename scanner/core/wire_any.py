"""The dnspython decoder for DNS messages, names and types that the fast decoder ``wire_fast`` does not handle.

``decode`` refuses a message of more than ``MAX_OCTETS`` octets or ``MAX_RECORDS`` records: dnspython compares the names
of a message label by label, and takes 25 s for a hostile message of 64 KiB (measured; 0.8 s for a message at the
limits). Every exception of dnspython on received octets becomes a ``WireError``.
"""

import ipaddress
from typing import Any

import dns.edns
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from scanner.core.wire_message import (
    AA,
    AD,
    MAX_EDE,
    MAX_EDE_TEXT,
    MAX_TTL,
    QR,
    RA,
    TC,
    Message,
    Question,
    Record,
    WireError,
)
from scanner.facts import EDE

MAX_OCTETS = 8192  # octets: twice the longest datagram; root keys with signatures have 1,200
MAX_RECORDS = 128  # records in all sections; more than any TXT, SRV, PTR or DNSKEY RRset that is queried

_NAMED = ("CNAME", "DNAME", "NS", "PTR")
_UNDECODED = ("TLSA", "RRSIG")


def decode(wire: bytes) -> Message:
    """Decode any DNS message; the result and the error are those of ``wire.decode``.

    A TLSA record whose digest has a wrong length causes a ``WireError``, since dnspython refuses this record. In a
    message with usual names, a TLSA record of any length causes no error, because ``wire_fast`` decodes the message.
    """
    if len(wire) > MAX_OCTETS or sum(int.from_bytes(wire[at : at + 2]) for at in (6, 8, 10)) > MAX_RECORDS:
        raise WireError("unusual message beyond the limits")
    try:
        return _message(dns.message.from_wire(wire, ignore_trailing=True, one_rr_per_rrset=True))
    except Exception as error:  # hostile octets: dnspython also raises ValueError, struct.error and others
        raise WireError(f"malformed message: {type(error).__name__}") from error


def _message(read: dns.message.Message) -> Message:
    if read.opcode() is not dns.opcode.QUERY or len(read.question) > 1:
        raise WireError("no standard query or several questions")
    flags = int(read.flags)
    return Message(
        id=read.id,
        qr=flags & QR != 0,
        tc=flags & TC != 0,
        aa=flags & AA != 0,
        ra=flags & RA != 0,
        ad=flags & AD != 0,
        rcode=_rcode(read.rcode()),
        question=_question(read.question[0]) if read.question else None,
        answers=tuple(_record(rrset) for rrset in read.answer if rrset.rdclass is dns.rdataclass.IN),
        ede=tuple(EDE(int(each.code), _cut(each.text or "")) for each in read.extended_errors()[:MAX_EDE]),
        negative_ttl=_negative_ttl(read.authority),
        delegation=any(rrset.rdtype is dns.rdatatype.NS for rrset in read.authority),
    )


def _question(asked: dns.rrset.RRset) -> Question:
    return Question(_name(asked.name), _type(asked.rdtype), int(asked.rdclass))


def _rcode(number: dns.rcode.Rcode) -> str:
    text = dns.rcode.to_text(number)
    return f"RCODE{text}" if text.isdecimal() else text


def _cut(text: str) -> str:
    return text.encode()[:MAX_EDE_TEXT].decode("utf-8", "replace")


def _negative_ttl(authority: list[dns.rrset.RRset]) -> int | None:
    soas = [rrset for rrset in authority if (rrset.rdclass, rrset.rdtype) == (dns.rdataclass.IN, dns.rdatatype.SOA)]
    if not soas:
        return None
    minimum = soas[-1][0].minimum
    return min(soas[-1].ttl, minimum if minimum <= MAX_TTL else 0)


def _record(rrset: dns.rrset.RRset) -> Record:
    rtype = _type(rrset.rdtype)
    return Record(_name(rrset.name), rtype, rrset.ttl, _rdata(rtype, rrset[0]))


def _rdata(rtype: str, rdata: Any) -> str:
    """Return rdata as text, in the format of ``Record.rdata``."""
    if rtype in ("A", "AAAA"):
        return str(ipaddress.ip_address(rdata.address))
    if rtype == "MX":
        return f"{rdata.preference} {_name(rdata.exchange)}"
    if rtype == "SRV":
        return f"{rdata.priority} {rdata.weight} {rdata.port} {_name(rdata.target)}"
    if rtype in _NAMED:
        return _name(rdata.target)
    return str(rdata.to_wire().hex() if rtype in _UNDECODED else rdata.to_text())


def _type(number: dns.rdatatype.RdataType) -> str:
    return dns.rdatatype.to_text(number)


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def rdata_type(text: str) -> tuple[int, str]:
    """Return the number and name of a record type, given as ``CAA`` or ``TYPE257``.

    Raises:
        WireError: the text is not a record type.
    """
    try:
        number = dns.rdatatype.from_text(text)
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise WireError(f"unknown record type {text!r}") from None
    name = _type(number)
    if text != name and not text.startswith("TYPE"):
        raise WireError(f"unknown record type {text!r}")
    return number, name


def encode_name(name: str) -> bytes:
    r"""Encode an absolute name in ASCII, possibly with ``\DDD`` and ``\X`` escapes.

    Raises:
        WireError: the text is not a domain name.
    """
    return _parsed(name).to_wire() or b""  # never None without a file to write to


def spelled(name: str) -> str:
    """Return a domain name as text, in the format of ``Record``; the errors are those of ``encode_name``."""
    return _name(_parsed(name))


def _parsed(text: str) -> dns.name.Name:
    if not text.isascii() or text in ("", "@"):  # dnspython interprets these as an IDN and as the origin
        raise WireError("no domain name")
    try:
        return dns.name.from_text(text)
    except Exception as error:
        raise WireError(f"no domain name: {type(error).__name__}") from error


def explain(code: int) -> str:
    """Return the meaning of an extended DNS error (RFC 8914 section 4), such as ``EDE 7 (Signature Expired)``."""
    return dns.edns.EDEOption(dns.edns.EDECode.make(code)).to_text()
