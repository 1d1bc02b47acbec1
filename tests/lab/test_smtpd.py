"""Manners of the scripted server that the table does not show."""

import io
import json

import trio
from trio.testing import open_stream_to_socket_listener

from tests.lab.server_tls import Contexts
from tests.lab.smtpd import Behaviour, Log, Session, listen


async def serve_one(behaviour: Behaviour, out: io.StringIO, nursery: trio.Nursery) -> trio.SocketListener:
    listener = listen("127.0.0.1", 0)
    log, contexts = Log(out), Contexts()

    async def handle(stream: trio.SocketStream) -> None:
        await Session(stream, behaviour, contexts, log).run()

    nursery.start_soon(trio.serve_listeners, handle, [listener])
    return listener


async def test_connections_beyond_the_limit_are_turned_away() -> None:
    out = io.StringIO()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            listener = await serve_one(Behaviour(limit=1), out, nursery)
            first = await open_stream_to_socket_listener(listener)
            assert (await first.receive_some())[:3] == b"220"
            second = await open_stream_to_socket_listener(listener)
            assert (await second.receive_some())[:3] == b"421"
            nursery.cancel_scope.cancel()
    counts = [e["concurrent"] for e in map(json.loads, out.getvalue().splitlines()) if e["event"] == "connect"]
    assert counts == [1, 2]


async def test_no_mail_is_taken() -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            listener = await serve_one(Behaviour(), io.StringIO(), nursery)
            stream = await open_stream_to_socket_listener(listener)
            await stream.receive_some()
            await stream.send_all(b"MAIL FROM:<a@example.test>\r\n")
            assert (await stream.receive_some())[:3] == b"502"
            nursery.cancel_scope.cancel()
