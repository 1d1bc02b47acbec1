"""A name server that answers some questions with an error and passes the others on to the real one.

``python -m tests.lab.odddns CONFIG UPSTREAM`` where CONFIG is JSON: for each address to listen on, a map from
``"NAME TYPE"`` to the name of an rcode. UDP only: nothing behind it is large. What is passed on is not touched, so
signatures stay whole.
"""

import json
import socket
import sys
import threading
from pathlib import Path

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

MESSAGE_LIMIT = 65535
UPSTREAM_WAIT = 1.0  # seconds; the real server is next door


def answer(query: bytes, rules: dict[str, str], upstream: str) -> bytes | None:
    """Return the reply to a query, None for none."""
    try:
        message = dns.message.from_wire(query)
    except dns.exception.DNSException:
        return None
    question = message.question[0]
    rcode = rules.get(f"{question.name.to_text().lower()} {dns.rdatatype.to_text(question.rdtype)}")
    if rcode is None:
        return _ask(query, upstream)
    reply = dns.message.make_response(message)
    reply.set_rcode(dns.rcode.from_text(rcode))
    return reply.to_wire()


def _ask(query: bytes, upstream: str) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(UPSTREAM_WAIT)
        sock.connect((upstream, 53))
        sock.send(query)
        try:
            return sock.recv(MESSAGE_LIMIT)
        except OSError:
            return None


def serve(sock: socket.socket, rules: dict[str, str], upstream: str) -> None:
    """Answer queries one after the other without end."""
    while True:
        query, client = sock.recvfrom(MESSAGE_LIMIT)
        reply = answer(query, rules, upstream)
        if reply is not None:
            sock.sendto(reply, client)


def main() -> None:
    """Serve the addresses of the command line, a thread each."""
    config, upstream = sys.argv[1:]
    threads = []
    for address, rules in json.loads(Path(config).read_text()).items():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, 53))
        threads.append(threading.Thread(target=serve, args=(sock, rules, upstream)))
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
