"""Rules for whether a resolver on loopback validates DNSSEC itself, or passes on the AD bit of another resolver.

A stub such as Docker's DNS server (127.0.0.11), dnsmasq or systemd-resolved may only forward questions. The AD bit in
the replies of a stub that only forwards comes from a resolver on another machine, and anyone on the path to that
resolver can forge the AD bit. No DNS answer distinguishes a stub from a validating resolver, so mxsweep decides by the
address of the stub, its answer to ``version.bind`` (RFC 4892) and its configuration file.
"""

import ipaddress
import re
from dataclasses import dataclass

from scanner.core.preflight import Check, State
from scanner.vocabulary import Validation

DOCKER = "127.0.0.11"
RESOLVED, RESOLVED_PROXY = "127.0.0.53", "127.0.0.54"
"""Addresses of systemd-resolved; at the second address, it forwards questions without validation."""

VALIDATING = ("unbound", "bind", "named", "9.", "knot resolver", "powerdns recursor")
"""Beginnings of the version texts of resolvers that set the AD bit only for answers that they validated.

The version text of BIND begins with a number.
"""

FORWARDING = ("coredns",)
"""Beginnings of the version texts of programs that never validate DNSSEC."""

_SETTING = re.compile(r"^\s*DNSSEC\s*=\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_DNSMASQ = re.compile(r"^\s*(dnssec|proxy-dnssec)\s*$", re.MULTILINE)
_YES = ("yes", "true", "1", "on")
_ADVICE = "docs/resolvers.md describes this resolver; --resolver unbound validates on this machine"


@dataclass(frozen=True, slots=True)
class Stub:
    """Observations about a resolver on loopback.

    ``version`` is the answer of the resolver to ``version.bind``; ``resolved`` and ``dnsmasq`` are the configuration
    files of systemd-resolved and dnsmasq on this machine, empty if they cannot be read.
    """

    address: str
    version: str = ""
    resolved: str = ""
    dnsmasq: str = ""


def validation_of(stub: Stub) -> tuple[Validation, str]:
    """Return whether the resolver itself validates its answers, and the name of the resolver's program.

    The program name is empty if the resolver does not answer ``version.bind`` and its address is of no known program.
    """
    version = stub.version.lower()
    if stub.address == DOCKER:
        return Validation.PASSES_ON, "the DNS server of Docker"
    if stub.address == RESOLVED_PROXY:
        return Validation.PASSES_ON, "systemd-resolved"
    if stub.address == RESOLVED:
        return _of_resolved(stub.resolved), "systemd-resolved"
    if version.startswith("dnsmasq"):
        return _of_dnsmasq(stub.dnsmasq), "dnsmasq"
    if version.startswith(FORWARDING):
        return Validation.PASSES_ON, stub.version
    return Validation.ITSELF if version.startswith(VALIDATING) else Validation.UNKNOWN, stub.version


def _of_resolved(text: str) -> Validation:
    """Return whether systemd-resolved validates, by the last line ``DNSSEC=`` of its configuration."""
    settings = _SETTING.findall(text)
    if not settings:
        return Validation.UNKNOWN
    if settings[-1].lower() in _YES:
        return Validation.ITSELF
    return Validation.UNKNOWN if settings[-1].lower() == "allow-downgrade" else Validation.PASSES_ON


def _of_dnsmasq(text: str) -> Validation:
    found = set(_DNSMASQ.findall(text))
    if "dnssec" in found:
        return Validation.ITSELF
    return Validation.PASSES_ON if "proxy-dnssec" in found else Validation.UNKNOWN


def row(resolver: str, validation: Validation, program: str) -> Check:
    """Return the row of the table of checks for a resolver that passed the preflight checks."""
    name = f" ({program})" if program else ""
    if validation is Validation.ITSELF:
        return Check("validates", resolver, State.OK, f"itself{name}")
    if validation is Validation.PASSES_ON:
        text = f"no{name}: it passes on the AD bit of another resolver, which could be changed on the network"
        return Check("validates", resolver, State.WARN, text, _ADVICE)
    text = f"not known whether itself or another resolver{name}"
    return Check("validates", resolver, State.OK, text, _ADVICE)


def joint(found: list[Validation]) -> Validation:
    """Return ``PASSES_ON`` if any resolver passes on the AD bit, else ``UNKNOWN`` if any resolver is ``UNKNOWN``."""
    order = (Validation.PASSES_ON, Validation.UNKNOWN, Validation.ITSELF)
    return min(found, key=order.index, default=Validation.UNKNOWN)


def is_loopback(address: str) -> bool:
    """Return whether an address is a loopback address; the rules of this module apply only to loopback."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
