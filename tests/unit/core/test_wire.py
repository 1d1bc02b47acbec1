import contextlib
import ipaddress
import struct
import subprocess
import sys
from typing import Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.core.wire import Message, Question, Record, WireError, asked, decode, query
from scanner.core.wire_message import MAX_RECORDS
from scanner.core.wire_names import MAX_NAME
from scanner.facts import EDE
from tests.unit.messages import OPT, header, record, reply

# dnspython is the independent reader and writer that everything is held against.

label_octets = st.binary(min_size=1, max_size=12)
names = st.lists(label_octets, max_size=5).map(lambda labels: dns.name.Name([*labels, b""]))
u16 = st.integers(0, 0xFFFF)


def rdata_of(rtype: str, wire: bytes) -> dns.rdata.Rdata:
    if rtype == "TLSA":  # dnspython refuses digests of a wrong length, which are a fact to us
        return dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.TLSA, wire)
    return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.from_text(rtype), wire, 0, len(wire))


def rdata_text(rtype: str, rdata: Any) -> str:
    """Spell rdata as the decoder should, from dnspython's fields."""
    match rtype:
        case "A" | "AAAA":
            return str(ipaddress.ip_address(rdata.address))
        case "MX":
            return f"{rdata.preference} {name_text(rdata.exchange)}"
        case "SRV":
            return f"{rdata.priority} {rdata.weight} {rdata.port} {name_text(rdata.target)}"
        case "CNAME" | "DNAME" | "NS" | "PTR":
            return name_text(rdata.target)
    return str(rdata.to_wire().hex()) if rtype == "TLSA" else str(rdata.to_text())


def name_text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


rdatas = st.one_of(
    st.tuples(st.just("A"), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just("AAAA"), st.binary(min_size=16, max_size=16)),
    st.tuples(st.just("MX"), st.builds(lambda p, n: struct.pack("!H", p) + n.to_wire(), u16, names)),
    st.tuples(
        st.just("SRV"),
        st.builds(lambda a, b, c, n: struct.pack("!HHH", a, b, c) + n.to_wire(), u16, u16, u16, names),
    ),
    st.tuples(st.sampled_from(["CNAME", "DNAME", "NS", "PTR"]), names.map(lambda n: n.to_wire())),
    st.tuples(st.just("TLSA"), st.binary(min_size=32, max_size=32).map(lambda digest: b"\3\1\1" + digest)),
    st.tuples(st.just("TXT"), st.binary(max_size=9).map(lambda text: bytes((len(text),)) + text)),
    st.tuples(st.sampled_from(["TYPE999", "TYPE65280"]), st.binary(max_size=40)),
)
rrsets = st.tuples(names, st.integers(0, 0x7FFFFFFF), rdatas)
edes = st.lists(st.tuples(u16, st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)), max_size=3)


@given(
    name=names,
    flags=st.sets(st.sampled_from(["AA", "TC", "RA", "AD", "CD", "QR"])),
    rcode=st.integers(0, 0xFFF),
    sections=st.lists(rrsets, max_size=6),
    errors=edes,
    msg_id=u16,
)
def test_reads_what_dnspython_writes(
    name: dns.name.Name,
    flags: set[str],
    rcode: int,
    sections: list[tuple[dns.name.Name, int, tuple[str, bytes]]],
    errors: list[tuple[int, str]],
    msg_id: int,
) -> None:
    made = dns.message.Message(id=msg_id)
    made.question = [dns.rrset.RRset(name, dns.rdataclass.IN, dns.rdatatype.MX)]
    for flag in flags:
        made.flags |= dns.flags.Flag[flag]
    expected = []
    for owner, ttl, (rtype, octets) in sections:
        rdata = rdata_of(rtype, octets)
        made.answer.append(dns.rrset.from_rdata(owner, ttl, rdata))
        expected.append(Record(name_text(owner), rtype, ttl, rdata_text(rtype, rdata)))
    made.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.make(code), text or None) for code, text in errors])
    made.set_rcode(dns.rcode.Rcode(rcode))
    read = decode(made.to_wire())
    assert read.id == msg_id
    assert {f for f in ("AA", "TC", "RA", "AD", "QR") if getattr(read, f.lower())} == flags - {"CD"}
    assert read.question == Question(name_text(name), "MX")
    assert list(read.answers) == expected
    assert read.ede == tuple(EDE(code, text) for code, text in errors)
    number = int(read.rcode.removeprefix("RCODE")) if read.rcode.startswith("RCODE") else None
    assert (dns.rcode.from_text(read.rcode) if number is None else number) == rcode
    known = Question(name_text(name), "MX"), 12 + sum(1 + len(label) for label in name.labels) + 4
    assert decode(made.to_wire(), known) == read


@given(name=names, msg_id=u16, dnssec=st.booleans(), cd=st.booleans())
def test_dnspython_reads_what_is_asked(name: dns.name.Name, msg_id: int, dnssec: bool, cd: bool) -> None:  # noqa: FBT001 - drawn
    read = dns.message.from_wire(query(name.to_text(), "TLSA", msg_id, dnssec=dnssec, cd=cd))
    assert read.question[0].name == name
    assert (read.question[0].rdtype, read.question[0].rdclass) == (dns.rdatatype.TLSA, dns.rdataclass.IN)
    assert (read.id, read.opcode()) == (msg_id, 0)
    assert bool(read.flags & dns.flags.RD)
    assert bool(read.flags & dns.flags.CD) is cd
    assert bool(read.flags & dns.flags.AD) is (dnssec and not cd)
    assert (read.edns, read.payload if dnssec else 1232) == ((0, 1232) if dnssec else (-1, 1232))
    assert bool(read.ednsflags & dns.flags.DO) is dnssec


@given(names)
def test_a_name_survives_the_round_trip(name: dns.name.Name) -> None:
    question = decode(query(name.to_text(), "A", 1)).question
    assert question is not None
    assert decode(query(question.name, "A", 1)).question == question
    assert asked(name.to_text(), "TYPE1") == question


# A host name is taken as it stands, within the limits of RFC 1035 section 2.3.4.
@pytest.mark.parametrize(
    "name",
    [
        *("", "a.", "A.Example", "a..example", ".", "_25._tcp.a.example", "a b", "\\097", "a\n", "\u00e4"),
        *("a" * 63, "a" * 64, "a." * 126 + "b", "a." * 127, "a." * 126 + "bb"),
    ],
)
def test_a_question_is_spelled_as_its_reply_is(name: str) -> None:
    try:
        expected = decode(query(name, "MX", 1)).question
    except WireError:
        with pytest.raises(WireError):
            asked(name, "MX")
    else:
        assert asked(name, "MX") == expected


def compressed() -> bytes:
    made = reply(Question("mx.example.", "MX"), ra=True)
    for text in ("10 a.mx.example.", "20 b.a.mx.example.", "0 ."):
        made.answer.append(dns.rrset.from_text("mx.example.", 60, "IN", "MX", text))
    made.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.NO_REACHABLE_AUTHORITY, "at the end")])
    return made.to_wire()


@given(st.binary(max_size=80))
@example(b"")
def test_no_octets_do_worse_than_a_wire_error(junk: bytes) -> None:
    for wire in (junk, compressed()[:12] + junk, compressed()[:40] + junk):
        with contextlib.suppress(WireError):
            assert isinstance(decode(wire), Message)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4), st.integers(0, 200))
def test_a_damaged_message_does_no_worse_than_a_wire_error(damage: list[tuple[int, int]], cut: int) -> None:
    wire = bytearray(compressed())
    for at, octet in damage:
        wire[at % len(wire)] = octet
    with contextlib.suppress(WireError):
        assert isinstance(decode(bytes(wire[: max(0, len(wire) - cut)])), Message)


def test_every_cut_of_a_message_is_a_wire_error() -> None:
    wire = compressed()
    for end in range(len(wire)):
        with pytest.raises(WireError):
            decode(wire[:end])
    assert decode(wire + b"rest") == decode(wire)


ASK = struct.pack("!HH", 1, 1)
# RFC 1035 section 4.1.4 allows "a prior occurrence" only; sections 2.3.4 and 3.1 the lengths.
MALFORMED = {
    "pointer to itself": header(1) + b"\xc0\x0c" + ASK,
    "pointer forward": header(1) + b"\xc0\x20" + ASK + b"\0" * 40,
    "pointers in a ring": header(1) + b"\x01a\xc0\x0c" + ASK,
    "label type 01": header(1) + b"\x41a\0" + ASK,
    "name of 256 octets": header(1) + (b"\x3d" + b"a" * 61) * 4 + b"\x06" + b"b" * 6 + b"\0" + ASK,
    "A of 3 octets": header(0, 1) + record(b"\0", 1, b"abc"),
    "A of 5 octets": header(0, 1) + record(b"\0", 1, b"abcde"),
    "AAAA of 4 octets": header(0, 1) + record(b"\0", 28, b"abcd"),
    "MX without a name": header(0, 1) + record(b"\0", 15, b"\0\0") + b"",
    "MX with more than a name": header(0, 1) + record(b"\0", 15, b"\0\0\0\0"),
    "MX whose name runs on": header(0, 1) + record(b"\0", 15, b"\0\0\x01") + b"\0\0\0",
    "two questions": header(2) + (b"\0" + ASK) * 2,
    "opcode NOTIFY": header(flags=0xA000),
    "SOA without numbers": struct.pack("!6H", 1, 0x8000, 0, 0, 1, 0) + record(b"\0", 6, b"\0\0"),
    "two OPT records": header(0, 0, 2) + OPT * 2,
    "option beyond OPT": header(0, 0, 1) + record(b"\0", 41, b"\0\x0f\0\x09\0\x06", 1232),
    "extended error of 1 octet": header(0, 0, 1) + record(b"\0", 41, b"\0\x0f\0\x01\0", 1232),
    "more octets than TCP can say": header() + bytes(65535),
    "more records than fit": header(0, MAX_RECORDS + 1) + record(b"\0", 1, b"abcd") * (MAX_RECORDS + 1),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_messages(case: str) -> None:
    with pytest.raises(WireError):
        decode(MALFORMED[case])


def test_tlsa_rdata_of_any_length_is_a_fact() -> None:
    for rdata in (b"", b"\x03", bytes(range(200))):
        assert decode(header(0, 1) + record(b"\0", 52, rdata)).answers == (Record(".", "TLSA", 5, rdata.hex()),)


def test_a_record_of_another_class_is_left_out() -> None:
    assert decode(header(0, 1) + record(b"\0", 1, b"abcd", rclass=3)).answers == ()


def test_a_ttl_with_the_top_bit_is_zero() -> None:  # RFC 2181 section 8
    (only,) = decode(header(0, 1) + record(b"\0", 1, b"abcd", ttl=0x80000000)).answers
    assert only.ttl == 0


def test_a_name_of_255_octets_is_read() -> None:
    longest = (b"\x3d" + b"a" * 61) * 4 + b"\x05" + b"b" * 5 + b"\0"
    assert len(longest) == MAX_NAME
    question = decode(header(1) + longest + ASK).question
    assert question is not None
    assert query(question.name, "A", 1)[12 : 12 + MAX_NAME] == longest


def test_the_soa_of_a_negative_answer_bounds_its_life() -> None:  # RFC 2308 section 5
    for ttl, minimum, life in ((3600, 60, 60), (30, 900, 30)):
        made = reply(Question("a.example.", "A"))
        soa = f"ns. root. 1 2 3 4 {minimum}"
        made.authority.append(dns.rrset.from_text("example.", ttl, "IN", "SOA", soa))
        assert decode(made.to_wire()).negative_ttl == life


def test_a_referral_is_told_from_an_empty_answer() -> None:  # RFC 2308 section 2.2
    made = reply(Question("a.example.", "A"))
    assert not decode(made.to_wire()).referral
    made.authority.append(dns.rrset.from_text("example.", 5, "IN", "NS", "ns.example."))
    assert decode(made.to_wire()).referral
    made.authority.append(dns.rrset.from_text("example.", 5, "IN", "SOA", "ns. root. 1 2 3 4 5"))
    assert not decode(made.to_wire()).referral


def test_the_opt_record_is_found_behind_another() -> None:  # RFC 6891 section 6.1.1: anywhere in the section
    opt = record(b"\0", 41, b"\0\x0f\0\x02\0\x07", 1232, ttl=0x01000000)
    read = decode(header(0, 0, 2) + record(b"\0", 1, b"abcd") + opt)
    assert (read.rcode, read.ede) == ("BADVERS", (EDE(7, ""),))


def test_extended_errors_are_bounded() -> None:
    option = b"\0\x0f" + struct.pack("!HH", 1002, 6) + b"x" * 1000
    (first, *others) = decode(header(0, 0, 1) + record(b"\0", 41, option * 20, 1232)).ede
    assert (first, len(others)) == (EDE(6, "x" * 256), 7)


@pytest.mark.parametrize("rtype", ["NONSENSE", "TYPE65536", "TYPE", "TYPE-1", "mx"])
def test_types_that_cannot_be_asked_for(rtype: str) -> None:
    with pytest.raises(WireError):
        query("a.example", rtype, 1)


def test_types_by_number() -> None:
    assert decode(query(".", "TYPE999", 1)).question == Question(".", "TYPE999")


@pytest.mark.parametrize("module", ["scanner.cli.scan", "scanner.cli.finger"])
def test_dnspython_is_not_loaded_before_it_is_needed(module: str) -> None:
    """Its import takes as long as 1,300 replies."""
    use = "from scanner.core.wire import decode, query; decode(query('a.example', 'MX', 1))"
    code = f"import {module}, sys; {use}; print('dns' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
