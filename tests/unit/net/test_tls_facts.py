"""Facts of a TLS connection: the size of a Diffie-Hellman prime, which is refused before the key exchange."""

import time
from dataclasses import replace

import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from scanner.net import tls_facts
from scanner.net.failures import PrimeTooLargeError
from scanner.net.tls import TLSStream, context_for
from scanner.settings import AUTHENTICATED, LARGEST_PRIME, TLSProfile
from tests.hostile import tls_by_hand
from tests.hostile.tls_by_hand import DHE_RSA, ECDHE_RSA, PrivateKey
from tests.unit import mailserver

UNLIMITED = replace(AUTHENTICATED, largest_prime=None)


async def meet(cipher: bytes, params: bytes, profile: TLSProfile = AUTHENTICATED, size: int = 1 << 20) -> float:
    """Send a flight to a client in pieces of a size, and close; return the client's processor time in seconds."""
    ours, theirs = trio.testing.memory_stream_pair()
    key = mailserver.key("rsa")
    assert isinstance(key, PrivateKey)
    chain = (mailserver.certificate("rsa").public_bytes(Encoding.DER),)

    async def serve() -> None:
        hello = bytes(await theirs.receive_some())
        flight = tls_by_hand.flight(hello, key, chain, cipher, params)
        for at in range(0, len(flight), size):
            await theirs.send_all(flight[at : at + size])
        await theirs.send_eof()

    client = TLSStream(ours, context_for(profile), None, largest_prime=profile.largest_prime)
    began = time.thread_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            await client.handshake()
        except EOFError:  # the flight was accepted and the client waits for the next one
            return time.thread_time() - began
    raise AssertionError("the handshake cannot be complete")


# sizes around the limit, and OpenSSL's own limit (OPENSSL_DH_MAX_MODULUS_BITS) of 10,000 bits
@pytest.mark.parametrize("bits", [2048, LARGEST_PRIME])
async def test_a_usual_prime_is_accepted(bits: int) -> None:
    await meet(DHE_RSA, tls_by_hand.dh_params(bits))


@pytest.mark.parametrize("size", [1 << 20, 999])
@pytest.mark.parametrize("bits", [LARGEST_PRIME + 1, 8192, 10_000])
async def test_a_large_prime_is_refused(bits: int, size: int) -> None:
    """The messages share records, and arrive at once or in pieces: neither makes a difference."""
    with pytest.raises(ExceptionGroup) as caught:
        await meet(DHE_RSA, tls_by_hand.dh_params(bits), size=size)
    (error,) = caught.value.exceptions
    assert isinstance(error, PrimeTooLargeError)
    assert f"prime has {bits} bits" in str(error)


async def test_a_refusal_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = await meet(DHE_RSA, tls_by_hand.dh_params(8192), UNLIMITED)
    began = time.thread_time()
    with pytest.raises(ExceptionGroup):
        await meet(DHE_RSA, tls_by_hand.dh_params(8192))
    assert time.thread_time() - began < accepted / 4


async def test_a_point_on_a_curve_is_no_prime() -> None:
    """The parameters of a curve begin with 03 00, which as the size of a prime would be 6,144 bits."""
    await meet(ECDHE_RSA, tls_by_hand.ecdh_params())


def test_a_message_that_is_cut_off_has_no_prime() -> None:
    connection = SSL.Connection(context_for(AUTHENTICATED), None)
    hello = tls_by_hand.server_hello(bytes(32), DHE_RSA)
    whole = tls_by_hand.message(12, tls_by_hand.dh_params(8192))
    assert tls_facts.prime_bits(connection._ssl, hello, whole) == 8192
    for octets in (0, 4, 5, 40):
        assert tls_facts.prime_bits(connection._ssl, hello[:octets], whole) == 0
        assert tls_facts.prime_bits(connection._ssl, hello, whole[:octets]) == 0
