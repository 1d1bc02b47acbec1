"""The key exchange groups in the ClientHello of a TLS profile, which depend on the TLS library."""

from OpenSSL import SSL

from scanner.net.tls import context_for
from scanner.settings import TLSProfile

_GROUPS = {
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001A: "brainpoolP256r1",
    0x001B: "brainpoolP384r1",
    0x001C: "brainpoolP512r1",
    0x001D: "x25519",
    0x001E: "x448",
    0x001F: "brainpoolP256r1tls13",
    0x0020: "brainpoolP384r1tls13",
    0x0021: "brainpoolP512r1tls13",
    0x0029: "curveSM2",
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x0102: "ffdhe4096",
    0x0103: "ffdhe6144",
    0x0104: "ffdhe8192",
    0x0200: "MLKEM512",
    0x0201: "MLKEM768",
    0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x11EE: "curveSM2MLKEM768",
}
"""Names of the IANA registry "TLS Supported Groups" by number; other groups are represented by their number."""

_SUPPORTED_GROUPS = 10  # RFC 8446 section 4.2.7
_HEADERS = 5 + 4  # of a TLS record and of a handshake message
_CHUNK = 16 * 1024


def offered_groups(profile: TLSProfile) -> tuple[str, ...]:
    """Return the names of the key exchange groups that a client with this profile offers, the preferred group first."""
    connection = SSL.Connection(context_for(profile), None)
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        hello = connection.bio_read(_CHUNK)
    data = _extensions(hello).get(_SUPPORTED_GROUPS, b"")
    numbers = [int.from_bytes(data[at : at + 2]) for at in range(2, len(data) - 1, 2)]
    return tuple(_GROUPS.get(number, f"0x{number:04x}") for number in numbers)


def _extensions(hello: bytes) -> dict[int, bytes]:
    """Return the extensions by number of a ClientHello that is contained in one TLS record (RFC 8446 section 4.1.2)."""
    at = _HEADERS + 2 + 32
    for size in (1, 2, 1):  # session id, cipher suites, compression methods
        at += size + int.from_bytes(hello[at : at + size])
    at += 2
    found = {}
    while at + 4 <= len(hello):
        number, size = int.from_bytes(hello[at : at + 2]), int.from_bytes(hello[at + 2 : at + 4])
        found[number] = hello[at + 4 : at + 4 + size]
        at += 4 + size
    return found
