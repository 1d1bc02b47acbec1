"""Public names that the lab serves too, because mxsweep asks for them by default.

The preflight uses them to prove that a resolver validates and that port 25 is open. The root delegates their zones;
the reverse zones of the client's addresses are here as well.
"""

from ipaddress import ip_address

from scanner.core.doctor import PORT25_HOSTS
from scanner.core.preflight import PreflightNames
from tests.lab.layout import CLIENT_V4, CLIENT_V6, Placed
from tests.lab.model import Zone
from tests.lab.zones import ZoneFile

NAMES = PreflightNames()
MAIL_HOST = "mx.good311.test"  # stands behind the public hosts whose port 25 is tried
CLIENT_NAME = "client.lab.test"
"""Name of the client; its PTR record leads back to it."""


def zones(placed: tuple[Placed, ...]) -> list[ZoneFile]:
    """Return the zones with the records that mxsweep asks for."""
    made = {origin: ZoneFile(origin, kind) for origin, kind in _kinds().items()}
    addresses = [here.address for here in placed if here.host.name == MAIL_HOST]
    for host in PORT25_HOSTS:
        zone = next(zone for origin, zone in made.items() if host.endswith("." + origin))
        zone.lines += [f"{host}. {_type(address)} {address}" for address in addresses]
    for address in (CLIENT_V4, CLIENT_V6):
        made["lab.test"].lines.append(f"{CLIENT_NAME}. {_type(address)} {address}")
        made[_reverse(address)].lines.append(f"{_reverse(address)}. PTR {CLIENT_NAME}.")
    return list(made.values())


def _kinds() -> dict[str, Zone]:
    signed = {"lab.test", _reverse(CLIENT_V4), _reverse(CLIENT_V6), *NAMES.signed}
    signed |= {name.partition(".")[2] for name in NAMES.denied}
    unsigned = {".".join(host.split(".")[-2:]) for host in PORT25_HOSTS} | set(NAMES.unsigned)
    kinds: dict[str, Zone] = {}
    kinds.update((origin, "nsec") for origin in sorted(signed))
    kinds.update((origin, "unsigned") for origin in sorted(unsigned))
    kinds.update((origin, "wrong-ds") for origin in NAMES.bogus)
    return kinds


def _type(address: str) -> str:
    return "AAAA" if ":" in address else "A"


def _reverse(address: str) -> str:
    return ip_address(address).reverse_pointer
