"""The openssl program as a second opinion: s_server shows a chain on loopback, s_client lists the errors it finds.

s_client goes on after each error as Postfix does, so that its list can be compared with ours, order and all.
"""

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.unit.pki import NOW, Made

_WEAK = ("-cipher", "DEFAULT:@SECLEVEL=0")  # else OpenSSL would not even load a weak certificate
_TRIES, _PAUSE = 500, 0.02  # ten seconds for a server to start on a busy machine


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def showing(chain: tuple[Made, ...], folder: Path, port: int) -> Iterator[None]:
    """Show a chain to one client; the server ends with the block."""
    leaf = chain[0]
    private = leaf.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "leaf.pem").write_bytes(private + leaf.pem)
    (folder / "chain.pem").write_bytes(b"".join(made.pem for made in chain[1:]))
    more = ["-cert_chain", "chain.pem"] if chain[1:] else []
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "leaf.pem", "-key", "leaf.pem"]
    server = subprocess.Popen(
        [*command, *_WEAK, "-naccept", "1", "-quiet", *more], cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        server.kill()
        server.wait()


def ask(port: int, *options: str, alive: Callable[[], bool] = lambda: True) -> str:
    """Return the output of s_client at the lab's time and security level 1, with the depth limit of Postfix.

    Args:
        port: where s_server listens on loopback.
        options: s_client's further options.
        alive: whether s_server still runs.
    """
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *_WEAK, "-auth_level", "1"]
    command += ["-verify_depth", "10", "-attime", str(int(NOW.timestamp())), "-no_ign_eof", *options]
    for _ in range(_TRIES):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        text = (done.stdout + done.stderr).decode(errors="replace")
        if "connect:errno" not in text:
            return text
        if not alive():
            break
        time.sleep(_PAUSE)  # the socket is a real one: there is no other sign that it listens
    raise AssertionError("openssl s_server did not start")


def errors(text: str) -> list[tuple[int, int]]:
    """Return the (number, depth) of each error in s_client's output, nearest to the leaf first."""
    found = re.findall(r"^depth=(\d+).*\nverify error:num=(\d+)", text, re.MULTILINE)
    return sorted(((int(num), int(depth)) for depth, num in found), key=lambda error: error[1])
