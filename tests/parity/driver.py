"""Runs command lines in the lab, many at once: ``python -m tests.parity.driver STATE < LINES > OUTCOMES``.

LINES is a JSON object ``{name: [PROGRAM, ARGUMENT...]}``, OUTCOMES ``{name: {"status", "out", "err"}}``. PROGRAM is
``debian``, the installed posttls-finger, or ``mxsweep``, which is forked from this process under the name
posttls-finger, because starting Python takes longer than a run. Command lines whose names differ only in the program
run one after the other. ``{name}`` in an argument is filled in, see ``_words``.
"""

import fcntl
import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scanner.cli.finger import main as finger
from scanner.finger import logged_probe
from tests.lab.layout import Layout
from tests.parity import servers

LOADED = logged_probe  # and the TLS library with it, which would otherwise be loaded in each child
DEBIAN = "/usr/sbin/posttls-finger"
AT_ONCE = 16  # many of them wait for a server that says nothing
LIMIT = 60  # seconds; whatever takes longer hangs, and SIGALRM ends it
ROOT = "/etc/postfix/root.pem"  # readable for posttls-finger after it gave up its rights

Outcomes = dict[str, dict[str, Any]]


def _digests(pem: str) -> dict[str, str]:
    """Return the digests of the first certificate of a file and of its key, with colons."""
    leaf = x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    der = leaf.public_bytes(Encoding.DER)
    return {
        f"{what}_{name}": hashlib.new(name, data).hexdigest().upper()
        for what, data in (("cert", der), ("key", key))
        for name in ("sha1", "sha256", "sha512")
    }


def _words(layout: Layout, work: Path) -> dict[str, str]:
    """Return the words that arguments are filled in with, and make the files that they name."""
    (work / "roots").mkdir(mode=0o755)
    (work / "roots" / "lab.pem").write_text(layout.root_pem.read_text())
    subprocess.run(["openssl", "rehash", work / "roots"], check=True, capture_output=True)
    bundle = (layout.certs / "mx.good201.test.pem").read_text()
    at = bundle.index("-----BEGIN CERT")
    for name, text in {"key.pem": bundle[:at], "cert.pem": bundle[at:], "both.pem": bundle}.items():
        (work / name).write_text(text)
    anchor = x509.load_pem_x509_certificates(bundle[at:].encode())[1]
    (work / "intermediate.pem").write_bytes(anchor.public_bytes(Encoding.PEM))
    (work / "anchor-key.pem").write_bytes(
        anchor.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    fingerprints = _digests((layout.certs / "mx.cert-good.test.pem").read_text())
    return {"root": ROOT, "work": str(work), "long": ".".join(["x" * 60] * 5), **fingerprints}


def _become(argv: list[str], program: str, out: Path, err: Path) -> None:
    """In a child: run the command line, with its outputs in files."""
    signal.alarm(LIMIT)
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    if program == "debian":
        os.execv(DEBIAN, ["posttls-finger", *argv])  # noqa: S606 - no shell is wanted
    sys.argv = ["posttls-finger", *argv]
    status = finger(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _start(name: str, argv: list[str], work: Path) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _become(argv[1:], argv[0], work / f"{name}.out", work / f"{name}.err")
    except BaseException:  # noqa: BLE001 - whatever it is, a child must not go on as its parent
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(99)


def run(lines: dict[str, list[str]], work: Path) -> Outcomes:
    """Run every command line; those that share the part of the name before the last dot never run at once."""
    waiting = list(lines)
    going: dict[int, str] = {}
    done: Outcomes = {}
    while waiting or going:
        busy = {name.rpartition(".")[0] for name in going.values()}
        name = next((name for name in waiting if name.rpartition(".")[0] not in busy), None)
        if name is not None and len(going) < AT_ONCE:
            waiting.remove(name)
            going[_start(name, lines[name], work)] = name
            continue
        pid, status = os.wait()
        name = going.pop(pid, None)
        if name is not None:
            out, err = ((work / f"{name}.{kind}").read_bytes().decode("utf-8", "replace") for kind in ("out", "err"))
            done[name] = {"status": os.waitstatus_to_exitcode(status), "out": out, "err": err}
    return done


def main() -> None:
    """Run the command lines of standard input."""
    layout = Layout(Path(sys.argv[1]))
    lines: dict[str, list[str]] = json.load(sys.stdin)
    with (layout.state / "parity.lock").open("w") as lock, tempfile.TemporaryDirectory() as directory:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the servers' addresses are there once
        os.set_inheritable(lock.fileno(), False)  # noqa: FBT003 - the argument has no name
        work = Path(directory)
        work.chmod(0o755)
        words = _words(layout, work)
        gc.freeze()
        filled = {name: [part.format_map(words) for part in line] for name, line in lines.items()}
        with servers.running(layout.certs / "mx.cert-good.test.pem", layout.root_pem, work / "lmtp.sock"):
            done = run(filled, work)
    for outcome in done.values():
        for key in ("out", "err"):
            outcome[key] = outcome[key].replace(str(work), "{work}")
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()
