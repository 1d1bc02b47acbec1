"""The scope of a scan: the domains, MX hosts and addresses that the scan may contact.

An exclusion file contains one entry per line. In an exclusion file, ``#`` begins a comment. Blank lines of an exclusion
file are skipped.

* The entry ``example.com`` excludes the domain and the MX host with this name.
* The entry ``.example.com`` excludes the domain ``example.com`` and all names below it.
* The entries ``192.0.2.1`` and ``2001:db8::/32`` exclude an address and a network.

An entry of an exclusion file that cannot be parsed is an error, because a skipped entry would permit contact with an
excluded host. An IPv6 address that embeds an excluded IPv4 address is excluded too. ``allow_private`` permits contact
with special-purpose addresses, except with addresses that an entry excludes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from ipaddress import ip_address, ip_network
from os import PathLike, fspath
from typing import Literal

from targets.hostnames import HostNameError, to_ascii
from targets.lines import Line, LineReader
from targets.prefixes import Network, PrefixTable
from targets.special import embedded_ipv4, special_purpose
from targets.streams import ListError, open_file
from targets.wrappings import unwrapped

__all__ = ["Exclusions", "ListError", "Refusal", "Scope", "load_exclusions", "special_purpose"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a domain, host or address is out of scope: reason code, and address block or exclusion entry."""

    why: Literal["address-not-public", "opted-out"]
    text: str


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The entries of exclusion files, each with its origin as the text ``FILE line N: ENTRY``.

    ``names`` excludes single names, ``trees`` excludes names and all subdomains of these names. The names in ``names``
    and ``trees`` are lower-case A-labels without a final dot.
    """

    names: dict[str, str] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)
    networks: PrefixTable[str] = field(default_factory=PrefixTable)

    def name(self, name: str) -> str | None:
        """Return the file, line and text of the entry that excludes a name; None if the name is not excluded."""
        if not (self.names or self.trees):
            return None
        canonical = _canonical(name)
        labels = canonical.split(".")
        suffixes = (".".join(labels[start:]) for start in range(len(labels)))
        in_trees = (self.trees[suffix] for suffix in suffixes if suffix in self.trees)
        return self.names.get(canonical) or next(in_trees, None)

    def address(self, address: str) -> str | None:
        """Return the file, line and text of the entry that excludes an address; None if the address is not excluded."""
        if not self.networks:
            return None
        outer = ip_address(address)
        inner = embedded_ipv4(outer)
        return self.networks.find(outer) or (self.networks.find(inner) if inner is not None else None)


@dataclass(frozen=True, slots=True)
class Scope:
    """The addresses and names that a scan may contact.

    Each method returns a ``Refusal``, or None if contact is permitted.
    """

    allow_private: bool = False
    exclusions: Exclusions = field(default_factory=Exclusions)

    def domain(self, name: str) -> Refusal | None:
        """Check whether a mail domain may be scanned, by its name."""
        return _opted_out(self.exclusions.name(name))

    def host(self, name: str) -> Refusal | None:
        """Check whether an MX host may be contacted, by its name; the method ``address`` checks its addresses."""
        return _opted_out(self.exclusions.name(name))

    def address(self, address: str) -> Refusal | None:
        """Check whether an IPv4 or IPv6 address may be contacted.

        Raises:
            ValueError: the text is not an address.
        """
        block = None if self.allow_private else special_purpose(address)
        excluded = _opted_out(self.exclusions.address(address))
        return excluded or (Refusal("address-not-public", block) if block else None)


def load_exclusions(paths: Iterable[str | PathLike[str]]) -> Exclusions:
    """Read exclusion files.

    Raises:
        ListError: a file cannot be read or a line cannot be parsed; the message names the file and the line.
    """
    names: dict[str, str] = {}
    trees: dict[str, str] = {}
    networks: list[tuple[Network, str]] = []
    for path in [fspath(each) for each in paths]:
        with open_file(path) as stream:
            for line in _lines(stream, path):
                _enter(line, path, names, trees, networks)
    return Exclusions(names, trees, PrefixTable(networks))


def _lines(stream: BufferedIOBase, path: str) -> Iterator[Line]:
    try:
        return LineReader(unwrapped(stream).stream).lines()
    except ListError as error:
        raise ListError(f"{path}: {error}") from error


def _enter(
    line: Line, path: str, names: dict[str, str], trees: dict[str, str], networks: list[tuple[Network, str]]
) -> None:
    """Add the entry of a line to ``names``, to ``trees`` (a name with all its subdomains) or to ``networks``."""
    if line.flaw:
        raise ListError(f"{path}: line {line.number}: {line.flaw}")
    entry = line.text.partition("#")[0].strip()
    where = f"{path} line {line.number}: {entry}"
    try:
        if not entry:
            return
        if ":" in entry or entry.rpartition(".")[2][:1].isdigit():  # top-level domains do not begin with a digit
            networks.append((ip_network(entry), where))
        elif entry.startswith("."):
            trees.setdefault(_checked(entry[1:]), where)
        else:
            names.setdefault(_checked(entry), where)
    except ValueError as error:
        expected = "a domain, .domain, address or CIDR was expected"
        raise ListError(f"{path}: line {line.number}: {entry[:80]!r}: {error}; {expected}") from error


def _checked(name: str) -> str:
    return to_ascii(name.removesuffix(".")).lower()


def _canonical(name: str) -> str:
    """Return a name in lower-case A-labels.

    A name in an MX record that is not a host name is only converted to lower case.
    """
    bare = name.removesuffix(".")
    try:
        return bare.lower() if bare.isascii() else to_ascii(bare)
    except HostNameError:
        return bare.lower()


def _opted_out(where: str | None) -> Refusal | None:
    return None if where is None else Refusal("opted-out", where)
