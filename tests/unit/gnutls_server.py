"""A ``gnutls-serv`` for one test: an echo server with a raw public key or with a certificate of the same key."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.unit.mailserver import certificate, key

RAW_KEYS = "NORMAL:-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"
X509 = "NORMAL"


def spki(kind: str = "p256") -> bytes:
    """Return the DER of the SubjectPublicKeyInfo of a server."""
    return key(kind).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _files(kind: str, place: Path) -> dict[str, Path]:
    public = key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    contents = {
        "key": key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "raw": public,
        "certificate": certificate(kind).public_bytes(Encoding.PEM),
    }
    for name, octets in contents.items():
        (place / name).write_bytes(octets)
    return {name: place / name for name in contents}


@contextmanager
def gnutls_server(place: Path, priority: str, kind: str = "p256") -> Iterator[int]:
    """Run a server in a directory for its files, and yield its port on 127.0.0.1."""
    assert shutil.which("gnutls-serv"), "gnutls-serv is not installed (tests/lab/packages.sh)"
    files = _files(kind, place)
    raw = ("--rawpkkeyfile", files["key"], "--rawpkfile", files["raw"])
    x509 = ("--x509keyfile", files["key"], "--x509certfile", files["certificate"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["gnutls-serv", "--echo", "--nodb", "--port", str(port), "--priority", priority]
    process = subprocess.Popen(
        [*command, *map(str, raw if "RAWPK" in priority else x509)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while not _accepts(port):
            assert time.monotonic() < until
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.communicate()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
