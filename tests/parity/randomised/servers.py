"""Scripted DNS and SMTP servers of the randomised pairs."""

import os
import socket
import ssl
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import trio

DNS_ADDRESS = "127.77.255.1"
_CHUNK = 16384
_PATIENCE = 30.0  # seconds; both programs give up long before


# --- DNS ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """The answer to one question: RRs as (owner, type, text or octets), the AD bit, the rcode."""

    records: tuple[tuple[str, str, str | bytes], ...] = ()
    secure: bool = True
    rcode: int = 0


Zone = dict[tuple[str, str], ScriptedAnswer]


def _answer(query: bytes, zone: Mapping[tuple[str, str], ScriptedAnswer]) -> bytes | None:
    asked = dns.message.from_wire(query)
    question = asked.question[0]
    name, rtype = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
    script = zone.get((name, rtype))
    if script is None:
        known = any(owner == name for owner, _ in zone)
        script = ScriptedAnswer(rcode=0 if known or name == "" else 3)
    reply = dns.message.make_response(asked, recursion_available=True)
    reply.set_rcode(dns.rcode.Rcode(script.rcode))
    wants = asked.flags & dns.flags.AD or asked.ednsflags & dns.flags.DO
    if script.secure and wants and script.rcode in (0, 3):
        reply.flags |= dns.flags.AD
    for owner, kind, data in sorted(script.records, key=_sorting):
        rdtype = dns.rdatatype.from_text(kind)
        if isinstance(data, bytes):
            rdata: Any = dns.rdata.GenericRdata(dns.rdataclass.IN, rdtype, data)
        else:
            rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, data)
        reply.find_rrset(reply.answer, dns.name.from_text(owner), dns.rdataclass.IN, rdtype, create=True).add(
            rdata, 300
        )
    return reply.to_wire(max_size=65535, want_shuffle=False)


def _sorting(record: tuple[str, str, str | bytes]) -> tuple[bool, bytes]:
    """Sort TLSA records of an RRset, as mxsweep stores them; their order has no meaning."""
    _, kind, data = record
    return kind == "TLSA", data if isinstance(data, bytes) and kind == "TLSA" else b""


async def _udp(zone: Zone) -> None:
    endpoint = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    await endpoint.bind((DNS_ADDRESS, 53))
    while True:
        query, peer = await endpoint.recvfrom(4096)
        reply = _answer(query, zone)
        if reply is not None:
            if len(reply) > 1232:
                reply = (
                    reply[:2] + bytes((reply[2] | 2, *reply[3:6])) + bytes(6) + query[12 : query.index(b"\0", 12) + 5]
                )
            await endpoint.sendto(reply, peer)


async def _tcp(stream: trio.SocketStream, zone: Zone) -> None:
    got = b""
    while more := await stream.receive_some(_CHUNK):
        got += more
        while len(got) >= 2 and len(got) >= 2 + int.from_bytes(got[:2]):
            size = 2 + int.from_bytes(got[:2])
            query, got = got[2:size], got[size:]
            if reply := _answer(query, zone):
                await stream.send_all(len(reply).to_bytes(2) + reply)


# --- SMTP -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SMTPScript:
    """What a server says at each stage: octets, followed by ``close``, ``reset``, ``silent`` or nothing.

    ``tls`` is ok, close, reset, silent, plain, tls12, tls10 or anonymous. ``chain`` is the file of its certificate.
    """

    greeting: bytes
    ehlo: bytes
    starttls: bytes
    ehlo_tls: bytes
    quit: bytes
    then: dict[str, str] = field(default_factory=dict)
    tls: str = "ok"
    chain: str = ""
    wrapper: bool = False
    tickets: bool = True


class _Over(Exception):  # noqa: N818 - the end of a session is no error
    """The script is over."""


def _context(script: SMTPScript) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    if script.tls == "anonymous":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH:@SECLEVEL=0")
    else:
        context.load_cert_chain(script.chain)
    if script.tls == "tls12":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if script.tls == "tls10":
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1
    if not script.tickets:
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
    return context


class ScriptedServer:
    """One address: serves its connections as the script says."""

    def __init__(self, script: SMTPScript) -> None:
        self._script = script
        self._made: ssl.SSLContext | None = None

    async def __call__(self, stream: trio.SocketStream) -> None:
        """Serve one connection."""
        try:
            with trio.move_on_after(_PATIENCE):
                await self._dialogue(stream)
        except (_Over, OSError, ssl.SSLError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _dialogue(self, stream: trio.SocketStream) -> None:
        script = self._script
        secured: trio.abc.Stream = stream
        encrypted = script.wrapper
        if script.wrapper:
            secured = await self._secure(stream)
        await self._say(secured, stream, "greeting", script.greeting)
        buffer = b""
        while True:
            while b"\n" not in buffer:
                more = await secured.receive_some(_CHUNK)
                if not more:
                    return
                buffer += more
            line, _, buffer = buffer.partition(b"\n")
            verb = line.strip()[:4].upper()
            if verb in (b"EHLO", b"LHLO"):
                stage = "ehlo_tls" if encrypted else "ehlo"
                await self._say(secured, stream, stage, getattr(script, stage))
            elif verb == b"STAR":
                await self._say(secured, stream, "starttls", script.starttls)
                if script.starttls.split(b"\n")[-2][:1] == b"2":
                    secured, encrypted, buffer = await self._secure(stream), True, b""
            elif verb == b"QUIT":
                await self._say(secured, stream, "quit", script.quit)
                return

    async def _say(self, secured: trio.abc.Stream, stream: trio.SocketStream, stage: str, octets: bytes) -> None:
        if octets:
            await secured.send_all(octets)
        await self._end(stream, self._script.then.get(stage, ""))

    async def _end(self, stream: trio.SocketStream, how: str) -> None:
        if how == "close":
            await trio.sleep(0.05)
            raise _Over
        if how == "reset":
            await trio.sleep(0.05)  # what was said arrives first
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise _Over
        if how == "silent":
            while await stream.receive_some(_CHUNK):
                pass
            raise _Over

    async def _secure(self, stream: trio.SocketStream) -> trio.abc.Stream:
        how = self._script.tls
        if how in ("close", "reset", "silent", "plain"):
            await self._client_hello(stream)
            if how == "plain":
                await stream.send_all(b"220 this is not TLS\r\n")
                how = "silent"
            await self._end(stream, how)
        self._made = self._made or _context(self._script)
        secure = trio.SSLStream(stream, self._made, server_side=True, https_compatible=True)
        session: Any = secure
        try:
            await secure.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await stream.send_all(session._outgoing.read())
            raise _Over from None
        return secure

    @staticmethod
    async def _client_hello(stream: trio.SocketStream) -> None:
        got = b""
        while len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5]):
            more = await stream.receive_some(_CHUNK)
            if not more:
                raise _Over
            got += more


async def serve(zone: Zone, scripts: Iterable[tuple[str, int, SMTPScript]], ready: int) -> None:
    """Serve all of them until cancelled; an octet on the descriptor says that they listen."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_udp, zone)
        tcp = await trio.open_tcp_listeners(53, host=DNS_ADDRESS)

        async def answer(stream: trio.SocketStream) -> None:
            await _tcp(stream, zone)

        nursery.start_soon(trio.serve_listeners, answer, tcp)
        for address, port, script in scripts:
            listeners = await trio.open_tcp_listeners(port, host=address)
            nursery.start_soon(trio.serve_listeners, ScriptedServer(script), listeners)
        os.write(ready, b"!")
        await trio.sleep_forever()


def resolv_conf(directory: Path) -> Path:
    """Write a resolv.conf that names the scripted resolver."""
    path = directory / "resolv.conf"
    path.write_text(f"nameserver {DNS_ADDRESS}\noptions timeout:2 attempts:1\n")
    path.chmod(0o644)
    return path
