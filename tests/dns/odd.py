"""DNS servers with faults, each in front of a correct one.

``python -m tests.dns.odd UPSTREAM ADDRESS=MANNER ...`` serves UDP and TCP port 53 of each address:

refuse         REFUSED to everything: a lame server that says so
upward         a referral to the root: a lame server of the old kind
mute           no reply
garbage        octets that are no DNS
truncate       an empty truncated reply over UDP, the real one over TCP
edns-formerr   FORMERR to a query with EDNS (RFC 6891 section 7), the real reply without
edns-drop      silence to a query with EDNS, the real reply without
strip-ad       the real reply with its AD bit cleared
"""

import socket
import sys
import threading
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

LIMIT = 65535
WAIT = 15.0  # seconds for the good server, which may be a resolver


def reply(query: bytes, manner: str, upstream: str, *, tcp: bool) -> bytes | None:
    """Return the reply, None for none."""
    asked = dns.message.from_wire(query)
    made = dns.message.make_response(asked)
    match manner:
        case "mute":
            return None
        case "garbage":
            return b"\x93garbage" * 9
        case "refuse":
            made.set_rcode(dns.rcode.REFUSED)
        case "upward":
            made.authority.append(dns.rrset.from_text(".", 3600, "IN", "NS", "a.root.test."))
        case "truncate" if not tcp:
            made.flags |= dns.flags.TC
        case "edns-formerr" if asked.edns >= 0:
            made.use_edns(-1)
            made.set_rcode(dns.rcode.FORMERR)
        case "edns-drop" if asked.edns >= 0:
            return None
        case _:
            return _upstream(query, upstream, strip=manner == "strip-ad")
    return made.to_wire()


def _upstream(query: bytes, upstream: str, *, strip: bool) -> bytes | None:
    """Return the real reply, fetched over TCP so that it is complete."""
    try:
        with socket.create_connection((upstream, 53), timeout=WAIT) as sock:
            sock.sendall(len(query).to_bytes(2) + query)
            real = bytearray(_message(sock))
    except OSError:
        return None
    if strip:
        real[3] &= ~0x20  # AD, RFC 4035 section 3.2.3
    return bytes(real)


def _message(sock: socket.socket) -> bytes:
    with sock.makefile("rb") as file:
        return file.read(int.from_bytes(file.read(2)))


def _one_datagram(sock: socket.socket, query: bytes, client: Any, manner: str, upstream: str) -> None:
    made = reply(query, manner, upstream, tcp=False)
    if made is not None:
        sock.sendto(made, client)


def serve_udp(address: str, manner: str, upstream: str) -> None:
    """Answer datagrams without end, each in a thread of its own, because the correct server may be slow."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 53))
    while True:
        query, client = sock.recvfrom(LIMIT)
        threading.Thread(target=_one_datagram, args=(sock, query, client, manner, upstream)).start()


def serve_tcp(address: str, manner: str, upstream: str) -> None:
    """Answer one question of each connection without end."""
    listener = socket.create_server((address, 53))
    while True:
        sock, _ = listener.accept()
        with sock:
            made = reply(_message(sock), manner, upstream, tcp=True)
            if made is not None:
                sock.sendall(len(made).to_bytes(2) + made)


def main() -> None:
    """Serve according to the command line."""
    upstream, *servers = sys.argv[1:]
    for server in servers:
        address, manner = server.split("=")
        for serve in (serve_udp, serve_tcp):
            threading.Thread(target=serve, args=(address, manner, upstream)).start()


if __name__ == "__main__":
    main()
