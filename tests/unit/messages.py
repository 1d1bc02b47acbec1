"""DNS messages in octets, well formed by dnspython or malformed by hand."""

import struct

import dns.flags
import dns.message
import dns.name

from scanner.core.wire import Question


def reply(question: Question, **flags: bool) -> dns.message.Message:
    """An empty reply to a question."""
    asked = dns.message.make_query(dns.name.from_text(question.name), question.rtype)
    made = dns.message.make_response(asked)
    for flag, on in flags.items():
        made.flags = made.flags | dns.flags.Flag[flag.upper()] if on else made.flags
    return made


def header(questions: int = 0, answers: int = 0, additionals: int = 0, flags: int = 0x8000) -> bytes:
    """The header of a reply."""
    return struct.pack("!6H", 1, flags, questions, answers, 0, additionals)


def record(owner: bytes, rtype: int, rdata: bytes, rclass: int = 1, ttl: int = 5) -> bytes:
    """A record, its owner in octets."""
    return owner + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata)) + rdata


OPT = record(b"\0", 41, b"", 1232, 0)

"""An OPT record without options."""
