"""Records of a lab domain; ``scenarios.py`` holds the table, ``control.py`` starts it."""

from dataclasses import dataclass, field
from typing import Literal

from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender

Zone = Literal["nsec", "nsec3", "unsigned", "expired", "wrong-ds"]
"""How a zone is signed: denial by NSEC or NSEC3; not at all (no DS, so provably insecure); with signatures that ran
out years ago; correctly, but below a DS record that belongs to another key (so everything in it is bogus)."""

Address = Literal["serve", "refused", "blackhole", "busy"]
"""Behaviour towards a TCP client: the host's script; RST to the SYN; no answer; a 421 greeting."""


@dataclass(frozen=True, slots=True)
class Host:
    """A mail host: its addresses, its certificate, its TLSA records and its manners.

    ``tlsa`` has one text for each record, ``USAGE SELECTOR MTYPE OF``, where OF is a certificate of the host's chain
    (``leaf intermediate root``), ``second`` (the leaf of its second certificate), ``wrong`` (a digest of nothing) or
    ``short`` (a digest cut in half). ``tlsa_at`` is the name below which they are published, the host's own when empty.
    ``cert`` names a recipe of ``pki.py``, ``second`` the recipe of a certificate with another kind of key, and ``smtp``
    one or more keys of ``smtpd.Behaviour``. Addresses are given out in the order of the table.
    """

    name: str
    tlsa: tuple[str, ...] = ()
    cert: str = "good"
    smtp: dict[str, object] = field(default_factory=dict)
    v4: tuple[Address, ...] = ("serve",)
    v6: tuple[Address, ...] = ("serve",)
    tlsa_at: str = ""
    postfix: bool = False
    second: str = ""


@dataclass(frozen=True, slots=True)
class Expect:
    """The verdict at level dane, with the lab's root as trust store and private addresses allowed.

    ``reasons`` are a subset of the reasons of the domain, its hosts and their endpoints taken together.
    """

    outcome: DomainOutcome
    sender: Sender
    dane: DomainDane
    starttls: DomainStartTLS
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A domain, what it publishes, what its servers do, and what should be said of it and why.

    ``mx`` are the MX records as published; None means one for each host, preferences 10, 20, ... ``zones`` names
    every zone of the scenario with its kind; None means one NSEC-signed zone at the domain. ``records`` are further
    lines in master-file form with absolute owner names; ``{0.4}`` in them stands for the first IPv4 address of
    host 0. ``rcodes`` are questions that the zone's server answers with an error, ``tampered`` RRsets whose
    signature was damaged. ``finger`` are the words that Debian's ``posttls-finger -l dane`` may end with ("" = no
    TLS session), see ``test_lab.py``.
    """

    domain: str
    why: str
    expect: Expect
    hosts: tuple[Host, ...] = ()
    finger: tuple[str, ...] = ("",)
    mx: tuple[str, ...] | None = None
    zones: dict[str, Zone] | None = None
    records: tuple[str, ...] = ()
    rcodes: dict[tuple[str, str], str] = field(default_factory=dict)
    tampered: tuple[tuple[str, str], ...] = ()

    @property
    def all_zones(self) -> dict[str, Zone]:
        """Zone origins, without final dot, and their kinds."""
        return {self.domain: "nsec"} if self.zones is None else self.zones

    @property
    def mx_records(self) -> tuple[str, ...]:
        """MX rdata in master-file form."""
        if self.mx is not None:
            return self.mx
        return tuple(f"{10 * n} {host.name}." for n, host in enumerate(self.hosts, 1))
