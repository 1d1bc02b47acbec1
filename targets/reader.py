"""Destinations to scan, and the parser of a destination in a list or on the command line."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from targets.destination import SMTP_PORT, Destination, DestinationError, Kind, parse_destination
from targets.kinds import Accept, hint, host_of

MAX_DNS_NAME = 253
"""Maximum length in octets of a name in a DNS message (255 with length octets, RFC 1035 section 3.1)."""

_ROOT_DOT = re.compile(r"(?<=[^.])\.(?=\]?(?::[^:\]]*)?$)")


@dataclass(frozen=True, slots=True)
class Target:
    """A destination to scan; ``raw`` is its text in the list, ``source`` the list's name, ``line`` the line number."""

    destination: Destination
    raw: str
    source: str
    line: int
    rank: int | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not scanned; ``raw`` is its text, cut at 300 characters, ``reason`` is a text for the user."""

    file: str
    line: int
    raw: str
    reason: str


class PlainNames(NamedTuple):
    """Consecutive lines of a list with one plain name each (see ``Plain``); ``line`` is the first line number."""

    source: str
    line: int
    names: list[bytes]


@dataclass(frozen=True, slots=True)
class Reader:
    """Parser of the destinations in a list or on the command line.

    ``accept`` contains the formats of lines from which the host is extracted.
    """

    default_port: int | None = None
    lmtp: bool = False
    accept: frozenset[Accept] = frozenset()

    @property
    def plain_is_key(self) -> bool:
        """True if the key of a plain name (see ``Plain``) is the name itself, without a port or brackets."""
        return not self.lmtp and self.default_port in (None, SMTP_PORT)

    def destination(self, text: str) -> Destination:
        """Parse a destination.

        Raises:
            ValueError: the text is not a destination; the message is the reason.
        """
        if self.lmtp and text.startswith("unix:"):
            return self._parsed(text)
        host = host_of(text, self.accept)
        words = hint(host)
        if words:
            raise ValueError(words)
        return self._parsed(_ROOT_DOT.sub("", host.lower() if host.isascii() else host, count=1))

    def _parsed(self, text: str) -> Destination:
        """Parse a destination; the UTS #46 mapping converts a non-ASCII name to lower case."""
        try:
            found = parse_destination(text, lmtp=self.lmtp, default_port=self.default_port)
        except DestinationError as error:
            raise ValueError(error.reason) from error
        if found.kind is not Kind.UNIX and len(found.host) > MAX_DNS_NAME:
            raise ValueError(f"not a valid host name: longer than {MAX_DNS_NAME} octets")
        return found

    def plain(self, name: str) -> Destination:
        """Return the destination of a plain name (see ``Plain``); call this method only if ``plain_is_key`` is true."""
        return Destination(name, name, name, Kind.DOMAIN, "", SMTP_PORT)
