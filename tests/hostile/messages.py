"""DNS messages of the greatest size: the processor time of decoding each, which is one step of the event loop."""

import struct
import time
from collections.abc import Iterable

from scanner.core import answers, wire
from scanner.core.wire import WireError
from scanner.core.wire_names import encode_name
from tests.bench.model import Row
from tests.hostile.meter import LONGEST

_ASKED = b"\xc0\x0c"
"""A pointer to the name in the question (RFC 1035 section 4.1.4)."""

_TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28, "TLSA": 52}
_LONG = ".".join(["a" * 61] * 4)

Case = tuple[str, str, bytes]
"""The question (name and type) and the reply."""


def _record(owner: bytes, rtype: str, rdata: bytes) -> bytes:
    return owner + struct.pack("!HHIH", _TYPES[rtype], 1, 60, len(rdata)) + rdata


def _reply(name: str, rtype: str, records: Iterable[bytes]) -> Case:
    listed = list(records)
    header = struct.pack("!6H", 1, 0x81A0, 1, len(listed), 0, 0)
    question = encode_name(name) + struct.pack("!HH", _TYPES[rtype], 1)
    return name, rtype, header + question + b"".join(listed)


def _aliases(names: list[str]) -> Iterable[bytes]:
    for owner, target in zip(names, names[1:] + names[:1], strict=True):
        yield _record(encode_name(owner), "CNAME", encode_name(target))


def cases() -> dict[str, Case]:
    """Return replies of at most 65,535 octets by their description."""
    tlsa, loop = "_25._tcp.a.b", [f"n{number}.b" for number in range(2000)]
    return {
        "1,370 TLSA records": _reply(
            tlsa, "TLSA", (_record(_ASKED, "TLSA", b"\x03\x01\x01" + n.to_bytes(32)) for n in range(1370))
        ),
        "3,800 short TLSA records": _reply(
            tlsa, "TLSA", (_record(_ASKED, "TLSA", b"\x03\x01\x01" + n.to_bytes(2)) for n in range(3800))
        ),
        "loop of 2,000 aliases": _reply("n0.b", "A", _aliases(loop)),
        "the same in reverse order": _reply("n0.b", "A", reversed(list(_aliases(loop)))),
        "4,000 addresses": _reply("a.b", "A", (_record(_ASKED, "A", n.to_bytes(4)) for n in range(4000))),
        "2,300 IPv6 addresses": _reply("a.b", "AAAA", (_record(_ASKED, "AAAA", n.to_bytes(16)) for n in range(2300))),
        "240 MX hosts with long names": _reply(
            _LONG, "MX", (_record(_ASKED, "MX", n.to_bytes(2) + encode_name(_LONG)) for n in range(240))
        ),
    }


def spent(case: Case) -> float:
    """Return the processor time in seconds of decoding a reply."""
    name, rtype, octets = case
    began = time.thread_time()
    try:
        answers.interpret(wire.decode(octets), name, rtype, trusted=True)
    except WireError as error:
        raise RuntimeError("the message is not what it was made to be") from error
    return time.thread_time() - began


def rows() -> list[Row]:
    """Decode each message once."""
    taken = {name: spent(case) for name, case in cases().items()}
    target = f"at most {LONGEST} s"
    return [
        Row(name, f"{seconds:.3f} s of processor time", target, seconds <= LONGEST) for name, seconds in taken.items()
    ]
