"""A made-up network for the processes of the jobs of a scan with ``--dask``.

Ten domains share an MX host ``mxN.example``. The IPv4 addresses of 250 hosts are in one network, and three of five
hosts also have an IPv6 address in a network of their own. Every fifth host has a TLSA record that matches. Each address
sends its own certificate: the same certificate with another end of the signature. The environment variable
``MXSWEEP_MADE_UP`` names the directory of the certificate.
"""

import atexit
import hashlib
import os
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import trio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scanner.cli import tools
from scanner.core.pkix import TrustStore
from scanner.facts import Answer, Endpoint, Handshake, Probe
from scanner.net.probe import ProbeResult
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import Settings
from scanner.vocabulary import CertAlg, Outcome, Security, StartTLS
from targets.scope import Scope
from tests.unit.fakes import ALGORITHMS, breaks_handshake
from tests.unit.pki import CHAIN, NOW

PLACE = "MXSWEEP_MADE_UP"
"""The environment variable with the directory of the certificate and of the figures."""

PER_HOST, NETWORK, SIGNED = 10, 250, 5
TWO_ADDRESSES = (0, 2, 4)
"""Remainders of the number of a host modulo five with which a host has an IPv6 address."""

_TRANSCRIPT = tuple(f"< 250-EXTENSION{number} with its parameters" for number in range(16))


class Used(NamedTuple):
    """Figures of an ended process: the time of its start, its processor time and its largest memory in MB."""

    began: float
    seconds: float
    peak: float


def prepare(place: Path) -> dict[str, str]:
    """Write the certificate of all addresses to a directory, and return the environment for the scan."""
    (place / "usage").mkdir(parents=True)
    (place / "leaf.der").write_bytes(CHAIN[0].der)
    root = Path(__file__).parents[2]
    path = os.pathsep.join(map(str, (Path(__file__).parent / "hook", root)))
    return {**os.environ, PLACE: str(place), "PYTHONPATH": path}


def figures(place: Path) -> list[Used]:
    """Return the figures of the processes of all jobs, in the order of their starts."""
    lines = (path.read_text().split() for path in (place / "usage").iterdir())
    return sorted(Used(*map(float, line)) for line in lines)


def install() -> None:
    """Replace the network of this process, and write its figures to a file at its end."""
    tools.wired = wired  # type: ignore[assignment] # the same arguments
    atexit.register(_write_figures, time.time())


def _write_figures(began: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = peak_of(os.getpid())
    line = f"{began} {used.ru_utime + used.ru_stime} {peak}"
    (Path(os.environ[PLACE]) / "usage" / str(os.getpid())).write_text(line)


def peak_of(pid: int) -> float:
    """Return the largest resident memory of a process so far in MB, 0 if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


@asynccontextmanager
async def wired(
    settings: Settings, trust: TrustStore, scope: Scope, _resolved: Any, stats: Stats, *_: Any, **_more: Any
) -> AsyncIterator[Ports]:
    """Yield the ports of the made-up network."""
    yield Ports(settings, lookup, probe, trust, scope, stats, lambda _: True)


# --- DNS --------------------------------------------------------------------------------------------------------


def names(count: int) -> Iterator[bytes]:
    """Return the lines of a list of domains."""
    return (b"d%d.example\n" % number for number in range(count))


def addresses_of(host: int) -> tuple[str, ...]:
    """Return the addresses of a host by its number."""
    network, place = divmod(host, NETWORK)
    first = f"10.{network >> 8}.{network & 255}.{place + 1}"
    return (first, f"2001:{host >> 16:x}:{host & 0xFFFF:x}::25") if host % 5 in TWO_ADDRESSES else (first,)


async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
    """Return the DNS answers of the made-up domains and hosts."""
    del fresh
    await trio.lowlevel.checkpoint()
    number = int("".join(filter(str.isdigit, name.split(".")[-2])))
    if rtype == "MX":
        return _data(name, rtype, f"10 mx{number // PER_HOST}.example")
    if rtype in ("A", "AAAA"):
        found = [address for address in addresses_of(number) if (":" in address) == (rtype == "AAAA")]
        return _data(name, rtype, *found)
    return _data(name, rtype, *([f"030101{_key()}"] if number % SIGNED == 0 else []))


def _data(name: str, rtype: str, *records: str) -> Answer:
    return Answer(name, rtype, Outcome.DATA if records else Outcome.NODATA, Security.SECURE, records, rname=name)


# --- servers ----------------------------------------------------------------------------------------------------


@cache
def _leaf() -> bytes:
    return (Path(os.environ[PLACE]) / "leaf.der").read_bytes()


@cache
def _key() -> str:
    key = x509.load_der_x509_certificate(_leaf()).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def certificate_of(address: str) -> bytes:
    """Return the certificate of an address, whose signature ends in a hash of the address."""
    return _leaf()[:-8] + hashlib.blake2b(address.encode(), digest_size=8).digest()


async def probe(endpoint: Endpoint, host: str) -> ProbeResult:
    """Return a probe with a handshake for any endpoint."""
    del host
    await trio.lowlevel.checkpoint()
    der = certificate_of(endpoint.address)
    digest = hashlib.sha256(der).hexdigest()
    shake = Handshake(
        "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, None, "ecdsa_secp256r1_sha256", endpoint.sni, (digest,)
    )
    if ALGORITHMS.get(endpoint.profile, CertAlg.ECDSA) is not CertAlg.ECDSA:
        return breaks_handshake(endpoint)
    found = Probe(endpoint, NOW, {}, StartTLS.OFFERED, handshake=shake)
    return ProbeResult(replace(found, transcript=_TRANSCRIPT), (der,))
