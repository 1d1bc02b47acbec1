"""Hostile MTA-STS policy hosts on loopback: ``python -m tests.hostile.policy_hosts PORT CHAIN``.

CHAIN is a PEM file of key and certificates. The process reads lines ``ADDRESS MANNER`` from its input, prints
``listening`` and serves until it is ended. A manner is a function of this module's table that returns the parts of a
response and the seconds between them.
"""

import contextlib
import gzip
import itertools
import ssl
import sys
from collections.abc import Iterable
from functools import partial

import trio

from tests.lab.httpsd import read_request

LIMIT = 64 * 1024  # octets of a policy that a client accepts

Parts = tuple[Iterable[bytes], float]
"""The parts of a response, and the seconds between them."""

_PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_CHUNKED = _PLAIN + b"Transfer-Encoding: chunked\r\n\r\n"
_POLICY = b"version: STSv1\nmode: enforce\nmax_age: 604800\n"
_FOREVER = 3600.0


def _whole(body: bytes, head: bytes = _PLAIN) -> Parts:
    return (head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body,), 0


def _patterns(count: int) -> bytes:
    return _POLICY + b"".join(f"mx: {number}.x\n".encode() for number in range(count))


MANNERS: dict[str, Parts] = {
    "endless-body": (itertools.chain([_CHUNKED], itertools.repeat(b"2000\r\n" + b"x" * 8192 + b"\r\n")), 0),
    "one-octet-chunks": ((_CHUNKED, b"1\r\nx\r\n" * LIMIT), 0),
    "dripping": (itertools.chain([_CHUNKED], itertools.repeat(b"1\r\nx\r\n")), 0.2),
    "silent": ((b"",), _FOREVER),
    "redirect-loop": _whole(b"", b"HTTP/1.1 302 Found\r\nLocation: /.well-known/mta-sts.txt\r\n"),
    "huge-header": (itertools.chain([_PLAIN], itertools.repeat(b"X: " + b"y" * 1000 + b"\r\n")), 0),
    "many-headers": ((_PLAIN, b"x:\r\n" * LIMIT), 0),
    "interim": (itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 400), 0),
    "10000-patterns": _whole(_patterns(10_000)),
    "5500-patterns": _whole(_patterns(5500)),
    "fields": _whole(b"a:\n" * (LIMIT // 3)),
    "one-line": _whole(b"mx: " + b"*." * (LIMIT // 2 - 2)),
    "compressed": _whole(gzip.compress(bytes(10_000_000)), _PLAIN + b"Content-Encoding: gzip\r\n"),
    "policy": _whole(_patterns(1)),
}
"""The manners of policy hosts."""


async def _answer(parts: Parts, stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Read a request and send the parts of the response; the client may leave at any time."""
    left = (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError)
    with contextlib.suppress(*left):
        if not await read_request(stream):
            return
        sent, pause = parts
        for part in sent:
            if part:
                await stream.send_all(part)
            await trio.sleep(pause)
    with contextlib.suppress(*left):
        await stream.aclose()


async def main(port: int, chain: str, lines: Iterable[str]) -> None:
    """Serve all addresses until the end of the process."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    async with trio.open_nursery() as nursery:
        for address, manner in map(str.split, lines):
            answer = partial(_answer, MANNERS[manner])
            await nursery.start(partial(trio.serve_ssl_over_tcp, answer, port, context, host=address))
        print("listening", flush=True)  # noqa: T201 - the process that started this one waits for it


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), sys.argv[2], list(sys.stdin))
