"""Signature schemes read from handshake messages."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.net.signature_schemes import scheme_of


def test_scheme_of_a_message() -> None:
    verify = bytes.fromhex("0f 000048 0403 0044")
    assert scheme_of(verify, "TLSv1.3", "") == "ecdsa_secp256r1_sha256"
    assert scheme_of(bytes.fromhex("0f 000048 fe01 0044"), "TLSv1.3", "") == "0xfe01"
    assert scheme_of(verify, "TLSv1.2", "ECDHE-X") != "ecdsa_secp256r1_sha256"
    assert scheme_of(b"\x0c" + bytes(20), "TLSv1.2", "AECDH-AES256-SHA") is None
    assert scheme_of(b"\x0c" + bytes(20), "TLSv1", "ECDHE-RSA-AES256-SHA") is None


@given(st.binary(max_size=60), st.sampled_from(["TLSv1.2", "TLSv1.3"]), st.sampled_from(["ECDHE-X", "DHE-X", "A"]))
def test_any_octets_give_a_name_or_none(message: bytes, version: str, cipher: str) -> None:
    assert isinstance(scheme_of(message, version, cipher), str | None)
