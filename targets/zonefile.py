"""Reader of zone files (RFC 1035 section 5) that yields the owner names of NS records.

The library dnspython parses names, tokens and NS records. Records of other types than NS are skipped. In a zone file, a
record may span several lines in parentheses. ``$INCLUDE`` and ``$GENERATE`` are rejected, and a list with such a
directive is reported as incomplete.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from targets.lines import LINE_LIMIT, Line

if TYPE_CHECKING:
    import dns.name
    import dns.tokenizer

RECORD_LINES = 1000
"""Maximum number of lines of one record; an SOA record has about ten lines."""

_REFUSED = ("$include", "$generate")
_CLASSES = frozenset({"in", "ch", "hs", "cs"})
_TTL = re.compile(r"[0-9][0-9smhdw]*", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\\.|;.*')


class ZoneError(ValueError):
    """Error: a record of a zone file is rejected; the message is the reason.

    ``refused`` is True for a directive that mxsweep does not support.
    """

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class Owner(NamedTuple):
    """The owner name of an NS record, or an empty ``name`` and the reason why a line is rejected.

    ``line.cut`` is True for a rejected directive, because the names that the directive adds are missing.
    """

    line: Line
    name: str
    reason: str = ""


class ZoneParser:
    """Parser of one zone file; its state is the origin and the owner name of the previous record."""

    def __init__(self) -> None:
        self._origin: dns.name.Name | None = None
        self._owner: dns.name.Name | None = None
        self._last = ""

    def owners(self, lines: Iterator[Line]) -> Iterator[Owner]:
        """Yield the owner names of NS records (the name of adjacent records only once) and the rejected lines."""
        for line in _records(lines):
            if line.flaw:
                yield Owner(line, "", line.flaw)
                continue
            try:
                name = self.delegated(line.text)
            except ZoneError as error:
                yield Owner(line._replace(cut=error.refused), "", str(error))
                continue
            if name and name != self._last:
                self._last = name
                yield Owner(line, name)

    def delegated(self, text: str) -> str:
        """Parse a record or a directive of a zone file.

        Returns:
            The owner name of an NS record without the final dot; empty for other records and for directives.

        Raises:
            ZoneError: the record or directive cannot be parsed.
        """
        import dns.exception  # noqa: PLC0415 - takes 60 ms, needed only for zone files
        import dns.tokenizer  # noqa: PLC0415 - as above

        try:
            return self._read(dns.tokenizer.Tokenizer(text))
        except ZoneError:
            raise
        except (dns.exception.DNSException, ValueError, ArithmeticError, LookupError) as error:
            raise ZoneError(f"not a record of a zone file: {error}") from error

    def _read(self, tokens: "dns.tokenizer.Tokenizer") -> str:
        first = tokens.get(want_leading=True)
        if first.is_eol_or_eof():
            return ""
        if first.is_whitespace():
            first = tokens.get()
            if first.is_eol_or_eof():
                return ""
            tokens.unget(first)
        elif first.value.startswith("$"):
            self._direct(first.value.lower(), tokens)
            return ""
        else:
            self._owner = tokens.as_name(first, self._origin)
        kind = _kind(tokens)
        if kind == "soa" and self._origin is None and self._owner is not None and self._owner.is_absolute():
            self._origin = self._owner
        return self._name(tokens) if kind == "ns" else ""

    def _name(self, tokens: "dns.tokenizer.Tokenizer") -> str:
        """Parse the data of an NS record; return the owner name of the record."""
        import dns.rdata  # noqa: PLC0415 - only zone files need it

        dns.rdata.from_text("IN", "NS", tokens, self._origin, relativize=False)
        if self._owner is None or not self._owner.is_absolute():
            raise ZoneError("a relative name without $ORIGIN")
        return str(self._owner.to_text(omit_final_dot=True)).lower()

    def _direct(self, directive: str, tokens: "dns.tokenizer.Tokenizer") -> None:
        if directive in _REFUSED:
            raise ZoneError(f"{directive.upper()} is refused: put all records into one file", refused=True)
        if directive == "$origin":
            self._origin = tokens.get_name(self._origin)
        elif directive != "$ttl":
            raise ZoneError("an unknown directive")


def _kind(tokens: "dns.tokenizer.Tokenizer") -> str:
    """Parse TTL and class of a record, in any order; return the record type in lower case."""
    for _ in range(3):
        token = tokens.get()
        if token.is_eol_or_eof():
            break
        if not _TTL.fullmatch(token.value) and token.value.lower() not in _CLASSES:
            return str(token.value).lower()
    raise ZoneError("not a record of a zone file: no type")


def _records(lines: Iterator[Line]) -> Iterator[Line]:
    """Join the lines of a record that contains parentheses; line feeds are kept, because a line feed ends a comment."""
    for line in lines:
        depth = _depth(line.text)
        if line.flaw or depth <= 0:
            yield line
            continue
        parts, size = [line.text], len(line.text)
        flaw = ""
        while depth > 0:
            after = next(lines, None)
            if after is None or after.flaw or len(parts) >= RECORD_LINES or size > LINE_LIMIT:
                flaw = "a parenthesis is not closed"
                break
            parts.append(after.text)
            size += len(after.text) + 1
            depth += _depth(after.text)
        yield Line(line.number, "\n".join(parts), flaw)
        if flaw and after is not None and after.flaw:
            yield after


def _depth(text: str) -> int:
    """Return the number of unclosed parentheses of a line, outside of quotes and comments."""
    if "(" not in text and ")" not in text:
        return 0
    bare = _QUOTED.sub("", text)
    return bare.count("(") - bare.count(")")
