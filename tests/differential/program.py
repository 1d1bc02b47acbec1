"""The openssl program as a judge: s_server shows a chain on loopback, s_client lists every error it finds with it.

It is another release of OpenSSL than the library's, the one that Postfix uses on the same system, and it knows DANE.
"""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scanner.facts import TLSARecord
from tests.differential import judges
from tests.differential.chains import HOST, ChainCase
from tests.differential.judges import Found
from tests.unit import oracle


@dataclass(frozen=True)
class Shown:
    """What s_client says: its errors, nearest to the leaf first, and the TLSA record that matched with its depth."""

    errors: tuple[Found, ...]
    matched: tuple[str, int] | None = None


def judge(case: ChainCase, questions: Sequence[Sequence[str]]) -> list[Shown] | None:
    """Ask several questions, each with options of its own; None if TLS itself refuses the chain."""
    with tempfile.TemporaryDirectory() as folder:
        _write(case, Path(folder))
        port = oracle.free_port()
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "leaf.pem", "-key", "leaf.pem"]
        more = ["-cert_chain", "chain.pem"] if case.chain[1:] else []
        server = subprocess.Popen(
            [*command, "-cipher", "DEFAULT:@SECLEVEL=0", "-quiet", *more], cwd=folder, stderr=subprocess.DEVNULL
        )
        try:
            texts = [_asked(server, port, folder, options) for options in questions]
        finally:
            server.kill()
            server.wait()
    return None if None in texts else [_shown(text or "") for text in texts]


def by_store(case: ChainCase) -> list[str]:
    """Return the options for the path check."""
    return [*(("-CAfile", "roots.pem") if case.roots else ("-no-CAfile",)), "-no-CApath", "-no-CAstore"]


def by_records(records: Sequence[TLSARecord]) -> list[str]:
    """Return the options for DANE."""
    texts = [f"{r.usage} {r.selector} {r.matching_type} {r.data}" for r in records]
    rrset = [part for text in texts for part in ("-dane_tlsa_rrdata", text)]
    return ["-dane_tlsa_domain", HOST, "-dane_ee_no_namechecks", *rrset]


def _write(case: ChainCase, folder: Path) -> None:
    leaf, *others = map(judges.pem, case.chain)
    (folder / "leaf.pem").write_bytes(case.key_pem + leaf)
    (folder / "chain.pem").write_bytes(b"".join(others))
    (folder / "roots.pem").write_bytes(b"".join(map(judges.pem, case.roots)))


def _asked(server: "subprocess.Popen[bytes]", port: int, folder: str, options: Sequence[str]) -> str | None:
    here = [str(Path(folder, option)) if option == "roots.pem" else option for option in options]
    with suppress(AssertionError):
        text = oracle.ask(port, *here, alive=lambda: server.poll() is None)
        return text if "Verification" in text else None
    return None


def _shown(text: str) -> Shown:
    matched = re.search(r"DANE TLSA (\d \d \d) .* at depth (\d+)", text)
    return Shown(judges.in_order(oracle.errors(text)), (matched[1], int(matched[2])) if matched else None)
