"""Domains and mail hosts by the thousand, for benchmarks: the files of the server ``bulk_server.c``, and the zones.

``SCALE`` domains share a tenth as many MX hosts, by Zipf's law, so that a few hosts serve many domains and most serve
few; each host serves at least one. Domains are ``d17.z0.bulk``, 1,000 a zone; hosts are ``mx17.bulk``, each a
provider, a /24, a key and a certificate of its own. All zones are signed, and each host has a matching TLSA record
3 1 1.

In a crowded lab, where the caps of a scan can be seen, hosts are ``mx17.p3.bulk``, with so many a provider; two of them
share an address, many a /24; they greet late, so that connections pile up, and the server logs each. Those of the
provider ``p0.bulk`` turn everyone away for a while when they are told to.
"""

import random
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.lab.layout import DNS_CHILD
from tests.lab.pki import PKI
from tests.lab.zones import ZoneFile, ZoneKey, server_name, tlsa_rdata

DOMAINS_A_HOST = 10
DOMAINS_A_ZONE = 1000
HOSTS_A_PROVIDER, HOSTS_AN_ADDRESS, ADDRESSES_A_NETWORK = 100, 2, 25
"""Layout of a crowded lab."""

LONG_TTL = 3600
"""TTL longer than any benchmark, so that a warm cache stays warm."""

SOURCE = Path(__file__).with_name("bulk_server.c")
PORT = 25
_NETS_TAKEN = 64  # 10.0 to 10.63 are the other hosts' and the name servers'
_NETS = (256 - _NETS_TAKEN) * 256


@dataclass(frozen=True, slots=True)
class BulkHost:
    """A mail host with the fault that the server plays for it."""

    name: str
    address: str
    manner: str = "serve"
    port: int = PORT


# --- who is there -----------------------------------------------------------------------------------------------


def hosts(scale: int, *, crowded: bool = False) -> list[BulkHost]:
    """Return the mail hosts of a lab with ``scale`` domains; hosts of one address are neighbours."""
    count = max(1, scale // DOMAINS_A_HOST)
    if not crowded:
        return [BulkHost(f"mx{n}.bulk", _address(n)) for n in range(count)]
    return [_crowded_host(n, max(1, count // HOSTS_A_PROVIDER)) for n in range(count)]


def _crowded_host(n: int, providers: int) -> BulkHost:
    provider = n // HOSTS_AN_ADDRESS % providers
    network, last = divmod(n // HOSTS_AN_ADDRESS, ADDRESSES_A_NETWORK)
    address = f"10.{_NETS_TAKEN + network // 256}.{network % 256}.{25 + last}"
    return BulkHost(f"mx{n}.p{provider}.bulk", address, "late" if provider else "moody")


def _address(n: int) -> str:
    return f"10.{_NETS_TAKEN + n // 256 % (256 - _NETS_TAKEN)}.{n % 256}.{25 + n // _NETS}"


def domain(n: int) -> str:
    """Return the name of a domain by number, from 0."""
    return f"d{n}.z{n // DOMAINS_A_ZONE}.bulk"


def mail_host_of(scale: int) -> list[int]:
    """Return the number of the mail host of each domain; the first domains have one each."""
    count = max(1, scale // DOMAINS_A_HOST)
    weights = list(accumulate(1 / (rank + 1) for rank in range(count)))
    drawn = random.Random(1).choices(range(count), cum_weights=weights, k=scale - count)
    return [*range(count), *drawn]


# --- zones --------------------------------------------------------------------------------------------------------


def zones(records: Mapping[BulkHost, str], scale: int, key: ZoneKey) -> list[ZoneFile]:
    """Return the zone ``bulk`` with the mail hosts and their TLSA records, and the zones of the domains below it."""
    top = ZoneFile("bulk", "nsec", ttl=LONG_TTL)
    for host, tlsa in records.items():
        top.lines += [f"{host.name}. A {host.address}", f"_25._tcp.{host.name}. TLSA {tlsa}"]
    children = _domain_zones(list(records), scale)
    for zone in children:
        top.lines += [f"{zone.origin}. NS {server_name(DNS_CHILD)}", f"{zone.origin}. DS {key.ds(zone.origin)}"]
    return [top, *children]


def _domain_zones(served: Sequence[BulkHost], scale: int) -> list[ZoneFile]:
    made = [ZoneFile(f"z{n}.bulk", "nsec", ttl=LONG_TTL) for n in range(-(-scale // DOMAINS_A_ZONE))]
    for n, host in enumerate(mail_host_of(scale)):
        made[n // DOMAINS_A_ZONE].lines.append(f"{domain(n)}. MX 10 {served[host].name}.")
    return made


# --- the server ---------------------------------------------------------------------------------------------------


def _compile(directory: Path) -> None:
    if shutil.which("cc") is None:
        raise RuntimeError("no C compiler (apt-get install gcc libc6-dev libssl-dev)")
    compiling = ["cc", "-O2", "-o", str(directory / "bulk_server"), str(SOURCE), "-lssl", "-lcrypto"]
    done = subprocess.run(compiling, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(compiling)}: {done.stderr} (apt-get install gcc libc6-dev libssl-dev)")


def command(directory: Path, *, logged: bool = False) -> list[str]:
    """Return the command of the server that ``configure`` prepared, with its log if one is wanted."""
    names = ("bulk_server", "hosts", "leaves.pem", "chain.pem", *(("connections",) if logged else ()))
    return [str(directory / name) for name in names]


def configure(directory: Path, served: Iterable[BulkHost], pki: PKI) -> dict[BulkHost, str]:
    """Compile the server and write its files.

    Returns:
        The TLSA record of each host, in the order of ``served``.

    Raises:
        RuntimeError: there is no C compiler or no OpenSSL to compile with.
    """
    _compile(directory)
    lines: list[str] = []
    leaves: list[bytes] = []
    records: dict[BulkHost, str] = {}
    for host in served:
        bundle = pki.make("good", host.name, host.name)
        leaves.append(bundle.sent[0].public_bytes(Encoding.PEM))
        leaves.append(bundle.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        lines.append(f"{host.address} {host.port} {host.name} {host.manner}\n")
        records[host] = tlsa_rdata("3 1 1 leaf", bundle)
    chain = [pki.intermediate.cert.public_bytes(Encoding.PEM)]
    files = {"hosts": "".join(lines).encode(), "leaves.pem": b"".join(leaves), "chain.pem": b"".join(chain)}
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return records
