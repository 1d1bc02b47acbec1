"""Addresses of the lab's internet and files of its state directory."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.lab.model import Address, Host, Scenario

CLIENT_V4, SERVER_V4 = "10.0.0.1", "10.0.0.2"
CLIENT_V6, SERVER_V6 = "fd00::1", "fd00::2"
NET_V4, NET_V6 = "10.0.0.0/8", "fd4d:7878::/32"
DNS_PARENT = "10.53.0.1"  # the root and test.
DNS_CHILD = "10.53.0.2"  # everything below test.
DNS_ODD = "10.53.1."  # an address for each zone with a misbehaving server, which keeps resolvers' grudges apart
RESOLVER = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Placed:
    """An address of a host and the behaviour of the server there."""

    address: str
    host: Host
    domain: str
    kind: Address


def place(scenarios: tuple[Scenario, ...]) -> tuple[Placed, ...]:
    """Assign a /24 and a /48 to every host, in the order of the table."""
    hosts = [(scenario.domain, host) for scenario in scenarios for host in scenario.hosts]
    placed: list[Placed] = []
    for n, (domain, host) in enumerate(hosts):
        v4 = [(f"10.{16 + n // 256}.{n % 256}.{25 + i}", kind) for i, kind in enumerate(host.v4)]
        v6 = [(f"fd4d:7878:{n + 1:x}::{25 + i}", kind) for i, kind in enumerate(host.v6)]
        placed.extend(Placed(address, host, domain, kind) for address, kind in (*v4, *v6))
    return tuple(placed)


def default_state() -> Path:
    """Return the default state directory."""
    return Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / f"mxsweep-lab-{os.getuid()}"  # noqa: S108 - named by uid, made 0755 and checked for its owner


@dataclass(frozen=True, slots=True)
class Layout:
    """Files below a state directory."""

    state: Path

    @property
    def record(self) -> Path:
        """File with process ids and namespaces."""
        return self.state / "lab.json"

    @property
    def root_pem(self) -> Path:
        """The lab's root certificate, the trust store of the expectations."""
        return self.state / "root.pem"

    @property
    def resolv_conf(self) -> Path:
        """File that replaces /etc/resolv.conf in the client's namespace."""
        return self.state / "resolv.conf"

    @property
    def mail_config(self) -> Path:
        """MAIL_CONFIG for posttls-finger."""
        return self.state / "client-postfix"

    @property
    def postfix(self) -> Path:
        """Configuration, queue and data of the real Postfix."""
        return self.state / "postfix"

    @property
    def zones(self) -> Path:
        """Zone files and keys."""
        return self.state / "zones"

    @property
    def certs(self) -> Path:
        """Keys with chains, a PEM file for each host."""
        return self.state / "certs"

    @property
    def logs(self) -> Path:
        """Directory with one log for each server."""
        return self.state / "log"

    @property
    def smtpd_log(self) -> Path:
        """JSON lines of the scripted SMTP server."""
        return self.logs / "smtpd.jsonl"

    @property
    def bulk(self) -> Path:
        """Program and files of the server for benchmarks."""
        return self.state / "bulk"

    @property
    def smtpd_config(self) -> Path:
        """Addresses and behaviours."""
        return self.state / "smtpd.json"

    @property
    def httpsd_config(self) -> Path:
        """Addresses, certificates and responses of the policy hosts."""
        return self.state / "httpsd.json"

    @property
    def httpsd_log(self) -> Path:
        """JSON lines of the HTTPS server."""
        return self.logs / "httpsd.jsonl"

    def make(self) -> None:
        """Make the directories. They are readable for all, because posttls-finger and Postfix drop their privileges."""
        for path in (self.state, self.mail_config, self.postfix, self.zones, self.certs, self.logs, self.bulk):
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
