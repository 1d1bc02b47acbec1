"""The lab's DNS as text: zone files, signatures, and the configurations of knot, unbound and the odd server.

Every zone is signed beforehand by ldns-signzone, which, unlike an online signer, also signs into the past. One key
pair serves all zones: a lab need not rotate keys.
"""

import base64
import re
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdata
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.lab.layout import DNS_CHILD, DNS_ODD, DNS_PARENT, Placed
from tests.lab.model import Scenario, Zone
from tests.lab.pki import Bundle, association

TTL = 60  # seconds; long enough for a scan, short enough for a changed lab
SIGNERS = 4
EXPIRED = ("20200101", "20200201")


@dataclass(slots=True)
class ZoneFile:
    """One zone before it is signed; ``server`` is the address that it is delegated to."""

    origin: str
    kind: Zone
    server: str = DNS_CHILD
    ttl: int = TTL
    lines: list[str] = field(default_factory=list)
    tampered: list[tuple[str, str]] = field(default_factory=list)

    @property
    def signed(self) -> bool:
        """Return whether the zone has signatures, valid or not."""
        return self.kind != "unsigned"

    def text(self) -> str:
        """Return the zone in master-file form."""
        soa = f"{self.origin}. SOA ns.nic.test. hostmaster.nic.test. 1 3600 600 86400 {TTL}"
        return "\n".join((f"$TTL {self.ttl}", soa, f"{self.origin}. NS {server_name(self.server)}", *self.lines, ""))


def server_name(address: str) -> str:
    """Return the name of a name server of the lab."""
    return f"ns-{address.replace('.', '-')}.nic.test."


class ZoneKey:
    """The lab's zone-signing key (ECDSA P-256, RFC 6605)."""

    def __init__(self) -> None:
        """Make it."""
        key = ec.generate_private_key(ec.SECP256R1())
        numbers = key.private_numbers()
        point = numbers.public_numbers
        self._private = base64.b64encode(numbers.private_value.to_bytes(32, "big")).decode()
        public = base64.b64encode(point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")).decode()
        self.dnskey = f"257 3 13 {public}"
        rdata = dns.rdata.from_text("IN", "DNSKEY", self.dnskey)
        assert isinstance(rdata, DNSKEY)
        self._rdata = rdata

    def write(self, directory: Path, origin: str) -> Path:
        """Write it in BIND's form for ``origin``; returns the base name that ldns-signzone wants."""
        base = directory / f"K{origin}.+013+{dns.dnssec.key_id(self._rdata):05d}"
        Path(f"{base}.key").write_text(f"{origin}. {TTL} IN DNSKEY {self.dnskey}\n")
        private = f"Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: {self._private}\n"
        Path(f"{base}.private").write_text(private)
        return base

    def ds(self, origin: str, *, wrong: bool = False) -> str:
        """Return the DS rdata for ``origin``; a wrong one has another digest."""
        text = dns.dnssec.make_ds(dns.name.from_text(origin), self._rdata, "SHA256").to_text()
        return text[:-8] + "00000000" if wrong else text


# --- what is published ----------------------------------------------------------------------------------------


def tlsa_rdata(spec: str, bundle: Bundle) -> str:
    """TLSA rdata for ``USAGE SELECTOR MTYPE OF``, see ``model.Host``."""
    usage, selector, matching_type, of = spec.split()
    size = 64 if matching_type == "2" else 32
    if of == "wrong":
        data = b"\x5a" * size
    elif of == "short":
        data = b"\x5a" * (size // 2)
    else:
        data = association(bundle.named[of], int(selector), int(matching_type))
    return f"{usage} {selector} {matching_type} {data.hex()}"


def build(
    scenarios: tuple[Scenario, ...], placed: tuple[Placed, ...], bundles: dict[str, Bundle]
) -> tuple[list[ZoneFile], dict[str, dict[str, str]]]:
    """All child zones, and for the odd server its addresses with ``"NAME TYPE": RCODE``."""
    zones: list[ZoneFile] = []
    odd: dict[str, dict[str, str]] = {}
    for scenario in scenarios:
        own = {origin: ZoneFile(origin, kind) for origin, kind in scenario.all_zones.items()}
        for line in _lines(scenario, placed, bundles):
            _zone_of(own, line.split()[0]).lines.append(line)
        for owner, rtype in scenario.tampered:
            _zone_of(own, owner).tampered.append((owner, rtype))
        for (owner, rtype), rcode in scenario.rcodes.items():
            zone = _zone_of(own, owner)
            if zone.server == DNS_CHILD:
                zone.server = f"{DNS_ODD}{len(odd) + 1}"
            odd.setdefault(zone.server, {})[f"{owner}. {rtype}"] = rcode
        zones.extend(own.values())
    return zones, odd


def _zone_of(zones: dict[str, ZoneFile], owner: str) -> ZoneFile:
    name = owner.rstrip(".")
    fitting = [origin for origin in zones if name == origin or name.endswith("." + origin)]
    return zones[max(fitting, key=len)]


def _lines(scenario: Scenario, placed: tuple[Placed, ...], bundles: dict[str, Bundle]) -> Iterable[str]:
    for rdata in scenario.mx_records:
        yield f"{scenario.domain}. MX {_filled(rdata, scenario, placed)}"
    for host in scenario.hosts:
        for here in placed:
            if here.host is host:
                yield f"{host.name}. {'AAAA' if ':' in here.address else 'A'} {here.address}"
        for spec in host.tlsa:
            yield f"_25._tcp.{host.tlsa_at or host.name}. TLSA {tlsa_rdata(spec, bundles[host.name])}"
    for line in scenario.records:
        yield _filled(line, scenario, placed)


def _filled(text: str, scenario: Scenario, placed: tuple[Placed, ...]) -> str:
    for n, host in enumerate(scenario.hosts):
        first = next((here.address for here in placed if here.host is host and ":" not in here.address), "")
        text = text.replace(f"{{{n}.4}}", first)
    return text


def parents(children: list[ZoneFile], key: ZoneKey) -> list[ZoneFile]:
    """The root and ``test.`` with their delegations; what is not below ``test.`` is delegated by the root."""
    root = ZoneFile("", "nsec", DNS_PARENT)
    test = ZoneFile("test", "nsec", DNS_PARENT)
    root.lines += [f"test. NS {server_name(DNS_PARENT)}", f"test. DS {key.ds('test')}"]
    root.lines.append(f"{server_name(DNS_PARENT)} A {DNS_PARENT}")
    servers = {DNS_PARENT, DNS_CHILD} | {zone.server for zone in children}
    test.lines += [f"{server_name(address)} A {address}" for address in sorted(servers)]
    test.lines.append(f"ns.nic.test. A {DNS_PARENT}")
    for zone in children:
        parent = test if zone.origin.endswith(".test") else root
        parent.lines.append(f"{zone.origin}. NS {server_name(zone.server)}")
        if zone.signed:
            parent.lines.append(f"{zone.origin}. DS {key.ds(zone.origin, wrong=zone.kind == 'wrong-ds')}")
    return [root, test]


# --- signing --------------------------------------------------------------------------------------------------


def sign_all(zones: list[ZoneFile], key: ZoneKey, directory: Path) -> dict[str, Path]:
    """Write and sign every zone; returns the file to serve for each origin."""
    with ThreadPoolExecutor(SIGNERS) as pool:
        return dict(pool.map(lambda zone: (zone.origin, _sign(zone, key, directory)), zones))


def _sign(zone: ZoneFile, key: ZoneKey, directory: Path) -> Path:
    plain = directory / f"{zone.origin or 'root'}.zone"
    plain.write_text(zone.text())
    if not zone.signed:
        return plain
    signed = plain.with_suffix(".signed")
    base = key.write(directory, zone.origin)
    options = ["-n", "-t", "0"] if zone.kind == "nsec3" else []
    if zone.kind == "expired":
        options += ["-i", EXPIRED[0], "-e", EXPIRED[1]]
    command = ["ldns-signzone", *options, "-o", zone.origin or ".", "-f", str(signed), str(plain), str(base)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    for owner, rtype in zone.tampered:
        _tamper(signed, owner, rtype)
    return signed


def _tamper(path: Path, owner: str, rtype: str) -> None:
    """Damage the signature of an RRset."""
    pattern = rf"(?m)^({re.escape(owner)}\.\s.*\sRRSIG\s+{rtype}\s.*\s)[A-Za-z0-9+/]{{8}}([A-Za-z0-9+/=]+)$"
    text, count = re.subn(pattern, r"\g<1>AAAAAAAA\g<2>", path.read_text())
    if count != 1:
        raise RuntimeError(f"no single signature of {owner} {rtype} in {path}")
    path.write_text(text)


# --- configurations -------------------------------------------------------------------------------------------


def knot_conf(name: str, address: str, files: dict[str, Path], directory: Path) -> str:
    """Return the configuration of a knot that serves ``files`` unchanged."""
    (directory / f"{name}.run").mkdir(exist_ok=True)
    zones = "\n".join(f'  - domain: "{origin}."\n    file: "{path}"' for origin, path in files.items())
    return f"""server:
    rundir: "{directory}/{name}.run"
    listen: {address}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
control:
    listen: "{name}.sock"
log:
  - target: stdout
    any: info
database:
    storage: "{directory}/{name}.db"
template:
  - id: default
    storage: "{directory}"
    journal-content: none
    zonefile-sync: -1
    semantic-checks: off
zone:
{zones}
"""


def unbound_conf(directory: Path, key: ZoneKey) -> str:
    """A validating resolver with the lab's trust anchor, on loopback so that its AD bit is to be believed."""
    (directory / "anchor").write_text(f". {TTL} IN DNSKEY {key.dnskey}\n")
    name = server_name(DNS_PARENT)
    (directory / "hints").write_text(f". 3600 IN NS {name}\n{name} 3600 IN A {DNS_PARENT}\n")
    return f"""server:
    directory: "{directory}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    verbosity: 1
    do-daemonize: no
    num-threads: 1
    interface: 127.0.0.1
    interface: ::1
    do-ip6: yes
    access-control: 127.0.0.0/8 allow
    access-control: ::1/128 allow
    root-hints: "{directory}/hints"
    trust-anchor-file: "{directory}/anchor"
    module-config: "validator iterator"
    local-zone: "test." nodefault
    local-zone: "10.in-addr.arpa." nodefault
    local-zone: "d.f.ip6.arpa." nodefault
    qname-minimisation: no
    aggressive-nsec: no
    do-not-query-localhost: no
    outgoing-range: 4096
    num-queries-per-thread: 4096
    msg-cache-size: 128m
    rrset-cache-size: 256m
    so-rcvbuf: 0
    so-sndbuf: 0
    ede: yes
    val-log-level: 1
    cache-max-negative-ttl: {TTL}
remote-control:
    control-enable: no
"""
