"""TLS server programs for one test; a ``gnutls-serv`` with a raw public key, or with a certificate of the same key."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
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
def serving(command: Callable[[int], Sequence[str]]) -> Iterator[int]:
    """Run the TLS server program of a port, and yield the port on 127.0.0.1 when the server accepts connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv, none = command(port), subprocess.DEVNULL
    assert shutil.which(argv[0]), f"{argv[0]} is not installed (tests/lab/packages.sh)"
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=none, stderr=none) as process:
        try:
            until = time.monotonic() + 20
            while not _accepts(port):
                assert time.monotonic() < until
                time.sleep(0.02)
            yield port
        finally:
            process.kill()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def gnutls_serv(port: int, priority: str, *files: str | Path) -> list[str]:
    """Return the command of an echo server; ``files`` are options for keys and certificates, and their files."""
    return ["gnutls-serv", "--echo", "--nodb", "--port", str(port), "--priority", priority, *map(str, files)]


def gnutls_server(place: Path, priority: str, kind: str = "p256") -> AbstractContextManager[int]:
    """Run a ``gnutls-serv`` with a key in a directory for its files, and yield its port on 127.0.0.1."""
    files = _files(kind, place)
    raw = ("--rawpkkeyfile", files["key"], "--rawpkfile", files["raw"])
    x509 = ("--x509keyfile", files["key"], "--x509certfile", files["certificate"])
    return serving(lambda port: gnutls_serv(port, priority, *(raw if "RAWPK" in priority else x509)))
