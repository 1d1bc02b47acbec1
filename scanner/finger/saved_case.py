"""The records of a saved finger run (``finger --save``), for a replay without a network.

A saved case contains the command line and the main.cf parameters, the trust anchors and the EHLO name, every DNS
answer, the result of every connection, the decrypted octets of every dialogue, the facts of every handshake with the
DER of the chain, the time of each connection, and the printed lines.

DNS answers are saved as ``Answer`` records, not as DNS messages. Handshakes are saved as their results, not as TLS
messages. A replay uses the saved answers and handshake results, parses the SMTP replies again, and computes the
verdicts again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from scanner.facts import Answer, Failure, Handshake, TLSARecord

SCHEMA = 1
"""Version number of the file format of a saved case; the version increases when a field changes its meaning."""


class EventKind(StrEnum):
    """The types of connection events in a saved case."""

    HEARD = "heard"  # octets received, decoded as Latin-1
    ENDED = "ended"
    BROKE = "broke"
    SECURED = "secured"
    TICKET = "ticket"
    STATE = "state"
    SENT_TLS = "sent-tls"  # TLS octets in hex; saved only if the run dumped them
    HEARD_TLS = "heard-tls"  # TLS octets in hex; without dumps, the first octet alone


@dataclass(frozen=True, slots=True)
class SavedEvent:
    """One event of a connection; ``what`` is the type of the event and determines which other fields are set."""

    what: EventKind
    text: str = ""
    failure: Failure | None = None
    errors: tuple[str, ...] = ()
    handshake: Handshake | None = None
    chain: tuple[bytes, ...] = ()
    own: bytes | None = None
    own_signature: str | None = None


@dataclass(slots=True)
class SavedConnection:
    """One attempted connection; ``failure`` is the reason if no connection was made."""

    address: str
    port: int
    at: datetime
    failure: Failure | None = None
    events: list[SavedEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """One DNS query and its answer."""

    name: str
    rtype: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class SavedNative:
    """One lookup in the native name service: the addresses, or an error text."""

    host: str
    addresses: tuple[str, ...] = ()
    error: str = ""


@dataclass(slots=True)
class SavedCase:
    """One saved run.

    ``trust`` contains the trusted roots (``-F``, ``-P``) usable for a certificate path of this run, in DER. ``lines``
    are the printed lines without the program's name. ``notes`` are the lines printed before the destination is looked
    up. ``notes`` depend on files outside the saved case; a replay prints ``notes`` unchanged.
    """

    version: str
    argv: tuple[str, ...]
    parameters: dict[str, str]
    ehlo: str
    tls: bool
    trust: tuple[bytes, ...]
    anchors: tuple[TLSARecord, ...]
    digests: tuple[str, ...]
    seed: int
    notes: tuple[str, ...]
    questions: list[SavedAnswer] = field(default_factory=list)
    native: list[SavedNative] = field(default_factory=list)
    connections: list[SavedConnection] = field(default_factory=list)
    lines: tuple[str, ...] = ()
    status: int = 0
    schema: int = SCHEMA
