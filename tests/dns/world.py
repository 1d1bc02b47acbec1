"""A small internet for DNS alone: correct and faulty servers, and resolvers of every kind.

knot is the root, ``test.`` and everything below; ``odd`` stands beside it; the resolvers are in the client's
namespace. Namespaces, keys and signatures are the lab's.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.lab import zones
from tests.lab.control import ROOT, client_environment
from tests.lab.layout import CLIENT_V4, DNS_CHILD, DNS_PARENT, Layout
from tests.lab.model import Zone
from tests.lab.netns import Namespaces, in_namespaces
from tests.lab.zones import ZoneFile, server_name
from tests.unit.mailserver import certificate

READY = 20.0  # seconds for all servers
DEAD = "10.53.0.9"
LAME, UPWARD, MUTE, GARBAGE = "10.53.1.1", "10.53.1.2", "10.53.1.3", "10.53.1.4"
TRUNCATE, EDNS_FORMERR, EDNS_DROP = "10.53.1.5", "10.53.1.6", "10.53.1.7"
MANNERS = {
    LAME: "refuse",
    UPWARD: "upward",
    MUTE: "mute",
    GARBAGE: "garbage",
    TRUNCATE: "truncate",
    EDNS_FORMERR: "edns-formerr",
    EDNS_DROP: "edns-drop",
}

VALIDATING, PLAIN, STRIPPING, REFUSING, MORTAL = (f"127.0.0.{n}" for n in range(1, 6))
REMOTE = CLIENT_V4
"""Resolvers: unbound that validates, unbound that does not, a forwarder that clears AD, unbound that refuses us,
unbound to be killed; and the first one once more, at an address that is not on loopback."""

DER = certificate("p256").public_bytes(Encoding.DER)
KEY_DIGEST = hashlib.sha256(
    certificate("p256").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).hexdigest()


def mail(origin: str, kind: Zone = "nsec", server: str = DNS_CHILD, *, tlsa: bool = True) -> ZoneFile:
    """A mail domain with one host, and TLSA that the fake server's certificate matches."""
    zone = ZoneFile(origin, kind, server)
    zone.lines += [f"{origin}. MX 10 mx.{origin}.", f"mx.{origin}. A 10.99.0.1"]
    if tlsa:
        zone.lines.append(f"_25._tcp.mx.{origin}. TLSA 3 1 1 {KEY_DIGEST}")
    return zone


def all_zones() -> list[ZoneFile]:
    """Everything below ``test.`` that ``test.`` delegates."""
    bad_mx, bad_tlsa, bad_a = mail("badsig.test"), mail("badtlsa.test"), mail("bada.test")
    bad_mx.tampered.append(("badsig.test", "MX"))
    bad_tlsa.tampered.append(("_25._tcp.mx.badtlsa.test", "TLSA"))
    bad_a.tampered.append(("mx.bada.test", "A"))
    optout = mail("optout.test", "nsec3", tlsa=False)
    optout.lines.append(f"child.optout.test. NS {server_name(DNS_CHILD)}")
    unsigned = mail("unsigned.test", "unsigned")
    unsigned.lines += ["out.unsigned.test. CNAME mx.good.test.", "tree.unsigned.test. DNAME good.test."]
    big = ZoneFile("big.test", "nsec")
    big.lines += ["big.test. MX 10 mx.big.test.", "mx.big.test. A 10.99.0.1"]
    big.lines += [f"_25._tcp.mx.big.test. TLSA 3 1 1 {n:064x}" for n in range(99)]
    big.lines.append(f"_25._tcp.mx.big.test. TLSA 3 1 1 {KEY_DIGEST}")
    return [
        mail("good.test"),
        mail("good3.test", "nsec3"),
        mail("plain.test", tlsa=False),
        mail("plain3.test", "nsec3", tlsa=False),
        optout,
        unsigned,
        bad_mx,
        bad_tlsa,
        bad_a,
        mail("expired.test", "expired"),
        mail("wrongds.test", "wrong-ds"),
        mail("nokey.test"),
        big,
        aliases(),
        mail("lame.test", server=LAME),
        mail("upward.test", server=UPWARD),
        mail("mute.test", server=MUTE),
        mail("garbage.test", server=GARBAGE),
        mail("tc.test", server=TRUNCATE),
        mail("formerr.test", "unsigned", EDNS_FORMERR),
        mail("formerr-signed.test", "nsec", EDNS_FORMERR),
        mail("drop.test", "unsigned", EDNS_DROP),
        mail("drop-signed.test", "nsec", EDNS_DROP),
        mail("halfdead.test"),
        mail("halflame.test"),
    ]


def aliases() -> ZoneFile:
    """Aliases of every kind, themselves signed."""
    zone = ZoneFile("alias.test", "nsec")
    zone.lines += [
        "one.alias.test. CNAME two.alias.test.",
        "two.alias.test. CNAME mx.good.test.",
        "into.alias.test. CNAME mx.unsigned.test.",
        "mixed.alias.test. CNAME out.unsigned.test.",
        "tree.alias.test. DNAME good.test.",
        "bad.alias.test. CNAME mx.bada.test.",
        "gone.alias.test. CNAME nothing.good.test.",
        "ring.alias.test. CNAME ring2.alias.test.",
        "ring2.alias.test. CNAME ring.alias.test.",
        "domain.alias.test. CNAME good.test.",
    ]
    return zone


@dataclass
class DNSWorld:
    """The running servers; ``processes`` by name."""

    directory: Path
    spaces: Namespaces
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def launch(self, where: int, name: str, *command: str, **pipes: Any) -> "subprocess.Popen[Any]":
        """Start a program in a namespace."""
        environment = client_environment(Layout(self.directory)) | {"PYTHONPATH": str(ROOT)}
        log = (self.directory / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [*self.spaces.enter(where), *command],
            cwd=ROOT,
            env=environment,
            stdin=pipes.get("stdin", subprocess.DEVNULL),
            stdout=pipes.get("stdout", log),
            stderr=log,
            start_new_session=True,
        )
        self.processes[name] = process
        return process

    def ask(self, **request: Any) -> dict[str, list[dict[str, Any]]]:
        """Hand a request to the client, see ``client``."""
        client = self.processes["client"]
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(json.dumps(request).encode() + b"\n")
        client.stdin.flush()
        found: dict[str, list[dict[str, Any]]] = json.loads(client.stdout.readline())
        return found

    def end(self, name: str) -> None:
        """Kill a server."""
        self.processes[name].kill()
        self.processes[name].wait()


@contextmanager
def world(directory: Path) -> Iterator[DNSWorld]:
    """Run all servers for the time of the block."""
    spaces = Namespaces.make({"MXSWEEP_LAB": str(directory)})
    here = DNSWorld(directory, spaces)
    try:
        spaces.link((DEAD,))
        _write(directory)
        _start(here)
        yield here
    finally:
        _stop(here)


def _write(directory: Path) -> None:
    key = zones.ZoneKey()
    children = all_zones()
    root, test = zones.parents(children, key)
    test.lines.append(f"{server_name(DEAD)} A {DEAD}")
    test.lines.append(f"halfdead.test. NS {server_name(DEAD)}")
    test.lines.append(f"halflame.test. NS {server_name(LAME)}")
    upper = zones.sign_all([root, test], key, directory)
    lower = zones.sign_all([*children, mail("child.optout.test", "unsigned")], key, directory)
    _opt_out(lower["optout.test"], key, directory)
    _without_key(lower["nokey.test"])
    (directory / "parent.conf").write_text(zones.knot_conf("parent", DNS_PARENT, upper, directory))
    (directory / "child.conf").write_text(zones.knot_conf("child", DNS_CHILD, lower, directory))
    (directory / "certificate.der").write_bytes(DER)
    for address, text in _resolvers(zones.unbound_conf(directory, key)).items():
        (directory / f"{address}.conf").write_text(text)


def _opt_out(path: Path, key: zones.ZoneKey, directory: Path) -> None:
    """Sign once more, with the opt-out flag in every NSEC3 record (RFC 5155 section 6)."""
    base = key.write(directory, "optout.test")
    plain = directory / "optout.test.zone"
    command = ["ldns-signzone", "-n", "-p", "-t", "0", "-o", "optout.test", "-f", str(path), str(plain), str(base)]
    subprocess.run(command, check=True, capture_output=True)


def _without_key(path: Path) -> None:
    """Take the DNSKEY RRset and its signature out of a signed zone."""
    kept = [line for line in path.read_text().splitlines() if not re.search(r"\sDNSKEY\s", line)]
    path.write_text("\n".join((*kept, "")))


def _resolvers(lab: str) -> dict[str, str]:
    """Configurations of unbound by address, made of the lab's."""

    def at(address: str, *more: str) -> str:
        text = re.sub(r"    interface: .*\n", "", lab).replace("do-ip6: yes", "do-ip6: no")
        return text.replace("server:\n", "\n".join(("server:", f"    interface: {address}", *more, "")), 1)

    return {
        VALIDATING: at(VALIDATING, f"    interface: {REMOTE}", "    access-control: 10.0.0.0/8 allow"),
        PLAIN: at(PLAIN).replace('"validator iterator"', '"iterator"'),
        REFUSING: at(REFUSING).replace("127.0.0.0/8 allow", "127.0.0.0/8 refuse"),
        MORTAL: at(MORTAL),
    }


def _start(here: DNSWorld) -> None:
    server, client = here.spaces.server, here.spaces.client
    for name in ("parent", "child"):
        here.launch(server, f"knot-{name}", "knotd", "-c", str(here.directory / f"{name}.conf"))
    manners = [f"{address}={manner}" for address, manner in MANNERS.items()]
    here.launch(server, "odd", sys.executable, "-m", "tests.dns.odd", DNS_CHILD, *manners)
    for address in (VALIDATING, PLAIN, REFUSING, MORTAL):
        here.launch(client, address, "unbound", "-d", "-p", "-c", str(here.directory / f"{address}.conf"))
    here.launch(client, "strip", sys.executable, "-m", "tests.dns.odd", VALIDATING, f"{STRIPPING}=strip-ad")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    der = str(here.directory / "certificate.der")
    here.launch(client, "client", sys.executable, "-m", "tests.dns.client", der, **pipes)
    _await(here)


def _await(here: DNSWorld) -> None:
    """Wait until every resolver answers; by then the servers behind them do too."""
    until = time.monotonic() + READY
    waiting = {VALIDATING, PLAIN, REFUSING, MORTAL, STRIPPING}
    while waiting:
        for address in sorted(waiting):
            found = here.ask(servers=[[address, 53]], asks=[["good.test", "MX"]], attempt=0.5, total=0.5)
            if found["answers"][0]["rcode"] in ("NOERROR", "REFUSED"):
                waiting.remove(address)
        if time.monotonic() > until:
            raise RuntimeError(f"no answer from {', '.join(waiting)}, see {here.directory}")


def _stop(here: DNSWorld) -> None:
    """Kill everything in the two namespaces, which are ours alone; the holders are among them."""
    for process in here.processes.values():
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    for pid in in_namespaces(here.spaces.nets):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for process in here.processes.values():
        process.wait()
    for pid in (here.spaces.client, here.spaces.server):
        os.waitpid(pid, 0)
