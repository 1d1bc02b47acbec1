"""The HTTPS server of the lab's policy hosts: ``python -m tests.lab.httpsd CONFIG LOG``.

CONFIG is a JSON list of addresses, each with a PEM file of key and chain, and the response in base64. LOG gets a line
for each request.
"""

import base64
import contextlib
import json
import ssl
import sys
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import trio

PORT = 443
REQUEST_LIMIT = 16 * 1024


async def main(entries: list[dict[str, Any]], lines: TextIO) -> None:
    """Serve all addresses until the end of the process."""
    async with trio.open_nursery() as nursery:
        for entry in entries:
            await nursery.start(_listen, entry, lines)
        lines.write('"listening"\n')


async def _listen(entry: dict[str, Any], lines: TextIO, task_status: Any) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(entry["chain"])
    serve = partial(trio.serve_ssl_over_tcp, partial(_answer, entry, lines), PORT, context, host=entry["address"])
    await serve(task_status=task_status)


async def read_request(stream: trio.SSLStream[trio.SocketStream]) -> bytes:
    """Return a request up to its empty line, at most ``REQUEST_LIMIT`` octets; empty if the client has left."""
    request = b""
    while b"\r\n\r\n" not in request and len(request) < REQUEST_LIMIT:
        data = await stream.receive_some()
        if not data:
            return b""
        request += data
    return request


async def _answer(entry: dict[str, Any], lines: TextIO, stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Read a request, log it, and send the response; the client may leave at any time."""
    with contextlib.suppress(trio.BrokenResourceError, ssl.SSLError):
        request = await read_request(stream)
        if not request:
            return
        lines.write(json.dumps({"address": entry["address"], "request": request.decode("latin-1")}) + "\n")
        await stream.send_all(base64.b64decode(entry["response"]))
    with contextlib.suppress(trio.BrokenResourceError):
        await stream.aclose()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a", buffering=1) as log:
        trio.run(main, json.loads(Path(sys.argv[1]).read_text()), log)
