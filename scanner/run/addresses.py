"""The addresses of an MX host: the lookup of the addresses, and the choice of the addresses to probe."""

import socket
from dataclasses import dataclass

from scanner.core.names import is_address
from scanner.facts import Answer
from scanner.model import Skipped
from scanner.reasons import Reason
from scanner.run.ports import Ports
from scanner.vocabulary import Family

CONSIDERED = 400
"""Maximum number of addresses of a host that are checked one by one for a reason to skip the address.

Further addresses are skipped without a check.
"""

_IPV6 = {Family.ANY: (False, True), Family.IPV4: (False,), Family.IPV6: (True,)}
"""For each value of the setting ``family``, the address families to probe (False for IPv4, True for IPv6).
"""


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """The A and AAAA answers of a host, or the address itself if the host is an address literal."""

    a: Answer | None
    aaaa: Answer | None
    literals: tuple[str, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The A and AAAA answers; empty for an address literal."""
        return tuple(answer for answer in (self.a, self.aaaa) if answer is not None)

    @property
    def all(self) -> tuple[str, ...]:
        """All addresses of the host, sorted by address family and octets."""
        listed = [record for answer in self.answers for record in answer.records]
        every = {*self.literals, *listed}
        return tuple(sorted(every, key=address_order) if len(every) > 1 else every)


def address_order(address: str) -> tuple[bool, bytes]:
    """Return the sort key of an address: its address family, then its octets."""
    is_ipv6 = ":" in address
    return is_ipv6, socket.inet_pton(socket.AF_INET6 if is_ipv6 else socket.AF_INET, address)


async def find_addresses(host: str, ports: Ports) -> HostAddresses:
    """Look up the A and AAAA records of a host, even if the scan probes only one address family.

    A host that has addresses only of the family that the scan does not probe must not be recorded as a host without
    addresses.
    """
    if is_address(host):
        return HostAddresses(None, None, (host,))
    a, aaaa = await ports.look_up((host, "A"), (host, "AAAA"))
    return HostAddresses(a, aaaa, ())


def choose_addresses(host: str, addresses: tuple[str, ...], ports: Ports) -> tuple[list[str], tuple[Skipped, ...]]:
    """Return the addresses of a host to probe, and the skipped addresses with the reason for each."""
    opted_out = ports.scope.host(host) is not None
    chosen: list[str] = []
    skipped: list[Skipped] = []
    limit = len(addresses) if ports.settings.addresses is None else ports.settings.addresses
    considered = max(limit, CONSIDERED)
    for address in addresses[:considered]:
        reason = Reason.OPTED_OUT if opted_out else _reason_to_skip(address, len(chosen) >= limit, ports)
        if reason is None:
            chosen.append(address)
        else:
            skipped.append(Skipped(address, reason))
    rest = Reason.OPTED_OUT if opted_out else Reason.ADDRESS_LIMIT
    return chosen, (*skipped, *[Skipped(address, rest) for address in addresses[considered:]])


def _reason_to_skip(address: str, is_full: bool, ports: Ports) -> Reason | None:  # noqa: FBT001 - private
    refusal = ports.scope.address(address)
    if refusal is not None:
        return Reason(refusal.why)
    if (":" in address) not in _IPV6[ports.settings.family]:
        return Reason.FAMILY_EXCLUDED
    if not ports.has_route(address):
        return Reason.NO_ROUTE
    return Reason.ADDRESS_LIMIT if is_full else None
