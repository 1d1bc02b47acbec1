"""Facts about a resolver on loopback: the version of the resolver, and the configuration files of known programs."""

import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import trio

from scanner.core.forwarders import Stub

LIMIT = 2.0  # seconds for the answer to ``version.bind``; a resolver that forwards the question may never answer

RESOLVED_FILES = tuple(
    Path(path)
    for path in ("/usr/lib/systemd/resolved.conf.d", "/etc/systemd/resolved.conf", "/etc/systemd/resolved.conf.d")
)
DNSMASQ_FILES = (Path("/etc/dnsmasq.conf"), Path("/etc/dnsmasq.d"))

MAX_CONFIGURATION = 256 * 1024
"""Maximum number of octets read of one configuration file, many times the usual size of such a file."""

_QUESTION = b"\7version\4bind\0\0\x10\0\3"  # type TXT, class CH
_HEADER = 12
_MAX_DATAGRAM = 4096


async def stub_at(server: tuple[str, int]) -> Stub:
    """Return the known facts about the resolver at an address and port of loopback."""
    return Stub(server[0], await _version(server), _texts(RESOLVED_FILES), _texts(DNSMASQ_FILES))


async def _version(server: tuple[str, int]) -> str:
    """Return the answer to the question ``version.bind``; an empty text without an answer."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    wire = secrets.token_bytes(2) + b"\1\0\0\1\0\0\0\0\0\0" + _QUESTION
    with trio.move_on_after(LIMIT), suppress(OSError), trio.socket.socket(family, socket.SOCK_DGRAM) as sock:
        await sock.connect(server)
        await sock.send(wire)
        while True:
            reply = await sock.recv(_MAX_DATAGRAM)
            if reply[:2] == wire[:2]:
                return text_of(reply)
    return ""


def text_of(reply: bytes) -> str:
    """Return the first string of the answer to ``version.bind``; an empty text if the reply has another form."""
    question = reply[_HEADER : _HEADER + len(_QUESTION)]
    rest = reply[_HEADER + len(_QUESTION) :]
    if question.lower() != _QUESTION or reply[6:8] == b"\0\0":
        return ""
    name = 2 if rest[:1] >= b"\xc0" else rest.find(b"\0") + 1
    record = rest[name:]  # type, class, TTL, length, text
    if record[:4] != b"\0\x10\0\3":
        return ""
    size = record[10:11]
    return record[11 : 11 + size[0]].decode("ascii", "replace") if size else ""


def _texts(paths: Iterable[Path]) -> str:
    """Return the joined text of the readable files; a directory stands for its files ``*.conf``, sorted by name."""
    found = []
    for path in paths:
        with suppress(OSError):
            files = sorted(path.glob("*.conf")) if path.is_dir() else [path]
            for file in files:
                with file.open("rb") as content:
                    found.append(content.read(MAX_CONFIGURATION).decode("utf-8", "replace"))
    return "\n".join(found)
