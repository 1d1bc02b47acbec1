"""The records of a saved finger run (``finger --save``), from which the run can be judged again offline.

A case holds the command line and the parameters, the trust anchors and the EHLO name, every DNS answer, the outcome of
every connection, the decrypted octets of every dialogue, the facts of every handshake with the DER of the chain, the
time of each connection, and the printed lines.

DNS answers are saved as records, not as messages, and handshakes as their results. A replay takes both as given and
computes everything after them again, SMTP replies included.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from scanner.facts import Answer, Failure, Handshake, TLSARecord

SCHEMA = 1
"""Version of the file format. It is raised when a member changes its meaning."""


class EventKind(StrEnum):
    """Kinds of event on a connection."""

    HEARD = "heard"  # octets of the peer, as Latin-1
    ENDED = "ended"
    BROKE = "broke"
    SECURED = "secured"
    TICKET = "ticket"
    STATE = "state"
    SENT_TLS = "sent-tls"  # octets of TLS, in hex; saved only where they were dumped
    HEARD_TLS = "heard-tls"  # the same; where nothing was dumped, the first octet alone


@dataclass(frozen=True, slots=True)
class SavedEvent:
    """One event; ``what`` decides which other members are set."""

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
    """One attempted connection; ``failure`` is set if it could not be made."""

    address: str
    port: int
    at: datetime
    failure: Failure | None = None
    events: list[SavedEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """One DNS question and its answer."""

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

    ``trust`` are the trusted roots (``-F``, ``-P``) that a path of this run could use, in DER. ``lines`` are the
    printed lines without the program's name. ``notes`` are the first of these lines: they depend on files that are
    not part of the case, so a replay prints them as they are.
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
