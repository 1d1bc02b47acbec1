"""The receipt of encrypted octets: what each TLS library gets, and the limits."""

import pytest

from scanner.net.failures import LimitExceededError
from scanner.net.tls_wire import CHUNK, LARGE, WIRE_LIMIT, EncryptedStream, TLSListener


class ChunkSource:
    """A stream that sends full chunks, as many as given, and then ends."""

    def __init__(self, chunks: int) -> None:
        self._left = chunks

    async def send_all(self, data: bytes) -> None:
        raise AssertionError(data)

    async def receive_some(self, max_bytes: int) -> bytes:
        self._left -= 1
        return b"x" * max_bytes if self._left >= 0 else b""


class CountingStream(EncryptedStream, TLSListener):
    """A stream that counts the octets for its TLS library and for its listener, and the calls of ``when_large``."""

    def __init__(self, chunks: int) -> None:
        super().__init__(ChunkSource(chunks), self, self._become_large)
        self.decrypted = self.heard = 0
        self.large_at: list[int] = []

    async def _become_large(self) -> None:
        self.large_at.append(self.decrypted)

    def wire(self, *, sent: bool, data: bytes) -> None:
        assert not sent
        self.heard += len(data)

    def _decrypt(self, data: bytes) -> None:
        self.decrypted += len(data)

    async def feed(self, times: int) -> None:
        for _ in range(times):
            await self._feed()


async def test_octets_reach_the_library_and_the_listener_until_the_end() -> None:
    stream = CountingStream(3)
    await stream.feed(3)
    assert stream.decrypted == stream.heard == 3 * CHUNK
    with pytest.raises(EOFError):
        await stream.feed(1)


async def test_a_large_connection_is_reported_once_and_before_its_octets_are_decrypted() -> None:
    stream = CountingStream(5)
    await stream.feed(5)
    assert stream.large_at == [LARGE]


async def test_octets_beyond_the_limit_do_not_reach_the_library() -> None:
    stream = CountingStream(WIRE_LIMIT // CHUNK + 1)
    with pytest.raises(LimitExceededError, match=str(WIRE_LIMIT)):
        await stream.feed(WIRE_LIMIT // CHUNK + 1)
    assert stream.decrypted == WIRE_LIMIT
