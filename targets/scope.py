"""Who may be contacted: opt-outs by name and address, and special-purpose addresses.

An exclusion file has one entry a line; ``#`` begins a comment, blank lines are skipped:

    example.com         this domain, and this MX host
    .example.com        it and everything below
    192.0.2.1           this address
    2001:db8::/32       these addresses

An entry that cannot be read is an error, never skipped: somebody asked to be left alone. An IPv6 address that
carries an excluded IPv4 address is excluded too. ``allow_private`` opens special-purpose addresses, no
exclusion.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from os import PathLike, fspath
from typing import Literal

from targets.hostnames import HostNameError, to_ascii
from targets.lines import Line, ListError, open_file, read_lines
from targets.prefixes import Network, PrefixTable
from targets.special import embedded_ipv4, special_purpose

__all__ = ["Exclusions", "ListError", "Refusal", "Scope", "load_exclusions", "special_purpose"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something is not to be contacted: the code of the reason, and which block or which exclusion it is."""

    why: Literal["address-not-public", "opted-out"]
    text: str


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Opt-outs, each with the words that say where it stands.

    ``names`` are excluded as they are, ``trees`` with all below; both are lower-case A-labels without final
    dot.
    """

    names: dict[str, str] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)
    networks: PrefixTable[str] = field(default_factory=PrefixTable)

    def name(self, name: str) -> str | None:
        """Where the exclusion of a name stands; None if it is not excluded."""
        if not (self.names or self.trees):
            return None
        canonical = _canonical(name)
        labels = canonical.split(".")
        suffixes = (".".join(labels[start:]) for start in range(len(labels)))
        in_trees = (self.trees[suffix] for suffix in suffixes if suffix in self.trees)
        return self.names.get(canonical) or next(in_trees, None)

    def address(self, address: str) -> str | None:
        """Where the exclusion of an address stands; None if it is not excluded."""
        if not self.networks:
            return None
        outer = ip_address(address)
        inner = embedded_ipv4(outer)
        return self.networks.find(outer) or (self.networks.find(inner) if inner is not None else None)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rule of a scan. Each method gives a Refusal, or None: go ahead."""

    allow_private: bool = False
    exclusions: Exclusions = field(default_factory=Exclusions)

    def domain(self, name: str) -> Refusal | None:
        """Judge a mail domain by its name."""
        return _opted_out(self.exclusions.name(name))

    def host(self, name: str) -> Refusal | None:
        """Judge an MX host by its name; the addresses of one that may be contacted are judged one by one."""
        return _opted_out(self.exclusions.name(name))

    def address(self, address: str) -> Refusal | None:
        """Judge an address (IPv4 or IPv6 text; ValueError for anything else)."""
        block = None if self.allow_private else special_purpose(address)
        excluded = _opted_out(self.exclusions.address(address))
        return excluded or (Refusal("address-not-public", block) if block else None)


def load_exclusions(paths: Iterable[str | PathLike[str]]) -> Exclusions:
    """Read exclusion files.

    Raises:
        ListError: a file or any line of it cannot be read; the message names both.
    """
    names: dict[str, str] = {}
    trees: dict[str, str] = {}
    networks: list[tuple[Network, str]] = []
    for path in [fspath(each) for each in paths]:
        with open_file(path) as stream:
            for line in read_lines(stream):
                _enter(line, path, names, trees, networks)
    return Exclusions(names, trees, PrefixTable(networks))


def _enter(
    line: Line, path: str, names: dict[str, str], trees: dict[str, str], networks: list[tuple[Network, str]]
) -> None:
    """Put a line where it belongs."""
    if line.flaw:
        raise ListError(f"{path}: line {line.number}: {line.flaw}")
    entry = line.text.partition("#")[0].strip()
    where = f"{path} line {line.number}: {entry}"
    try:
        if not entry:
            return
        if ":" in entry or entry.rpartition(".")[2][:1].isdigit():  # no top level domain begins with a digit
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
    """The form in which names are kept; a name that is none (out of an MX record, say) stays itself."""
    bare = name.removesuffix(".")
    try:
        return bare.lower() if bare.isascii() else to_ascii(bare)
    except HostNameError:
        return bare.lower()


def _opted_out(where: str | None) -> Refusal | None:
    return None if where is None else Refusal("opted-out", where)
