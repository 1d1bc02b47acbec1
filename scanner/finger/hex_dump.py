"""Hex dumps of TLS records in the format of OpenSSL's own dumps.

The octets of one write call are dumped together. Received octets are joined to whole TLS records. The header and the
body of a received record are dumped separately, because OpenSSL reads the header and the body separately. Unlike
OpenSSL's dumps, the dumps of this module contain no memory addresses, which the Python binding does not provide.
"""

from collections.abc import Iterator

_ROW = 16
_HALF = 8
_HEADER = 5
_HEX_WIDTH = 3 * _ROW - 1
_PRINTABLE = range(0x20, 0x7F)


class Dump:
    """Formatter of the octets sent and received on one connection."""

    def __init__(self) -> None:
        self._unread = b""

    def lines(self, *, sent: bool, data: bytes) -> Iterator[str]:
        """Return the dump lines of octets that were sent or received after the octets of earlier calls."""
        if sent:
            yield from _block("write to", data)
            return
        self._unread += data
        while len(self._unread) >= _HEADER:
            end = _HEADER + int.from_bytes(self._unread[3:_HEADER])
            if len(self._unread) < end:
                return
            record, self._unread = self._unread[:end], self._unread[end:]
            yield from _block("read from", record[:_HEADER])
            yield from _block("read from", record[_HEADER:])


def _block(what: str, data: bytes) -> Iterator[str]:
    yield f"{what} BIO ({len(data)} bytes => {len(data)} (0x{len(data):X}))"
    shown = data.rstrip(b"\0 ")
    for at in range(0, len(shown), _ROW):
        yield f"{at:04x} {_row(shown[at : at + _ROW])}"
    if len(shown) < len(data):
        yield f"{len(data):04x} - <SPACES/NULLS>"


def _row(octets: bytes) -> str:
    pairs = [f"{octet:02x}" for octet in octets]
    digits = " ".join(pairs[:_HALF])
    if len(pairs) > _HALF:
        digits += "|" + " ".join(pairs[_HALF:])
    text = "".join(chr(octet) if octet in _PRINTABLE else "." for octet in octets)
    return f"{digits:{_HEX_WIDTH}}  {text[:_HALF]} {text[_HALF:]}".rstrip()
