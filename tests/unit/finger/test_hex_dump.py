"""Dumps of TLS records, as OpenSSL 3 formats them."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.finger.hex_dump import Dump


def test_a_dump_in_openssls_shape() -> None:
    """The rows of ``openssl s_client -debug``, without the addresses of memory."""
    data = bytes.fromhex("160301000f") + b"ABCDEFG|\xffxyz01" + b"\0\0"
    assert list(Dump().lines(sent=True, data=data[:-2])) == [
        "write to BIO (19 bytes => 19 (0x13))",
        "0000 16 03 01 00 0f 41 42 43|44 45 46 47 7c ff 78 79  .....ABC DEFG|.xy",
        "0010 7a 30 31                                         z01",
    ]
    assert list(Dump().lines(sent=True, data=b"a" + bytes(20))) == [
        "write to BIO (21 bytes => 21 (0x15))",
        "0000 61                                               a",
        "0015 - <SPACES/NULLS>",
    ]


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.lists(st.integers(1, 30), min_size=1))
def test_records_are_read_whole_however_they_come(bodies: list[bytes], cuts: list[int]) -> None:
    data = b"".join(b"\x17\x03\x03" + len(body).to_bytes(2) + body for body in bodies)
    whole = list(Dump().lines(sent=False, data=data))
    pieces, rest = [], data
    for cut in cuts * len(data):
        pieces.append(rest[:cut])
        rest = rest[cut:]
    dump = Dump()
    assert [line for piece in pieces for line in dump.lines(sent=False, data=piece)] == whole
    heads = [line for line in whole if line.startswith("read from BIO (")]
    assert heads[1::2] == [f"read from BIO ({n} bytes => {n} (0x{n:X}))" for n in map(len, bodies)]
