"""The parser of MTA-STS policies (RFC 8461 section 3.2), and the comparison of MX hosts with the patterns of a policy.

A policy consists of lines ``name: value`` that end with LF or CRLF. Unknown field names are ignored; if a field other
than ``mx`` occurs several times, the first value is used. A line without the form ``name: value`` is a syntax error of
the policy, because senders differ in parsing the line. Faults that all senders tolerate are listed as defects of the
policy.
"""

import re
from collections.abc import Iterable

from scanner.core.names import is_address, is_hostname
from scanner.sts import STSPolicy
from scanner.vocabulary import PolicyMode

MAX_AGE = 31_557_600
"""Maximum of ``max_age`` in seconds: a year; senders use this maximum in place of a greater value."""

SHORT_AGE = 86_400
"""Minimum useful ``max_age`` in seconds (a day): a policy of a shorter age expires between two uses by most senders."""

PUBLISHED_AGE = 604_800
"""The ``max_age`` in seconds that mxsweep proposes to a domain without a policy: a week (RFC 8461 section 3.2)."""

_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*)")
_SECONDS = re.compile(r"[0-9]{1,10}")
_FIELDS = ("version", "mode", "max_age", "mx")


class PolicyError(ValueError):
    """Error: a text is not an MTA-STS policy; the message is the reason."""


def parse_policy(body: bytes) -> STSPolicy:
    """Parse a policy.

    Args:
        body: the octets of the response; the caller limits their number.

    Raises:
        PolicyError: the text is not an MTA-STS policy.
    """
    defects: dict[str, None] = {}
    text = body.decode("utf-8", "replace")
    if "\ufffd" in text:
        defects["not-utf-8"] = None
    values = _values(text, defects)
    if values["version"] != ["STSv1"]:
        raise PolicyError("version is not STSv1" if values["version"] else "version is missing")
    mode = _mode(values["mode"])
    patterns = tuple([pattern.lower() for pattern in values["mx"] if pattern])
    if not patterns and mode is not PolicyMode.NONE:
        raise PolicyError(f"mx is missing, which mode {mode} requires")
    defects |= dict.fromkeys(filter(None, map(_pattern_defect, patterns)))
    return STSPolicy(mode, patterns, _max_age(values["max_age"], defects), tuple(defects))


def _values(text: str, defects: dict[str, None]) -> dict[str, list[str]]:
    """Return the values of the known fields; for each field except ``mx``, only the first value."""
    values: dict[str, list[str]] = {field: [] for field in _FIELDS}
    *lines, last = text.split("\n")
    for line in (*lines, *([last] if last else [])):
        bare = line.removesuffix("\r").rstrip(" \t")
        match = _LINE.fullmatch(bare)
        if match is not None:
            known = values.get(match[1])
            if known and match[1] != "mx":
                defects["duplicate-field"] = None
            elif known is not None:
                known.append(match[2])
        elif bare:
            raise PolicyError(f"{bare[:80]!r} is not a field")
        else:
            defects["blank-line"] = None
    return values


def _mode(values: list[str]) -> PolicyMode:
    if not values:
        raise PolicyError("mode is missing")
    try:
        return PolicyMode(values[0])
    except ValueError:
        raise PolicyError(f"{values[0][:80]!r} is not a mode") from None


def _max_age(values: list[str], defects: dict[str, None]) -> int:
    if not values:
        raise PolicyError("max_age is missing")
    if not _SECONDS.fullmatch(values[0]):
        raise PolicyError(f"{values[0][:80]!r} is not a max_age")
    seconds = int(values[0])
    if seconds > MAX_AGE:
        defects["max-age-capped"] = None
    if seconds < SHORT_AGE:
        defects["max-age-short"] = None
    return min(seconds, MAX_AGE)


def _pattern_defect(pattern: str) -> str | None:
    """Return the defect of a pattern that matches no MX host; None for a host name, or for ``*.`` and a domain."""
    if is_address(pattern.strip("[]")):
        return "mx-address"
    return None if is_hostname(pattern.removeprefix("*.")) else "mx-not-a-name"


def patterns_for(host: str) -> tuple[str, ...]:
    """Return the patterns that match an MX host; ``*`` stands for exactly one label (RFC 8461 section 4.1)."""
    name = host.lower()
    label, dot, parent = name.partition(".")
    return (name, f"*.{parent}") if label and dot else (name,)


class Patterns:
    """The MX patterns of a policy, for comparison with MX hosts; a pattern with a defect matches no host."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._valid = frozenset(pattern for pattern in patterns if _pattern_defect(pattern) is None)

    def match(self, host: str) -> bool:
        """Return whether a pattern of the policy matches an MX host."""
        return not self._valid.isdisjoint(patterns_for(host))

    def listing(self, hosts: Iterable[str]) -> frozenset[str]:
        """Return the patterns that match at least one of the given MX hosts."""
        return self._valid.intersection([pattern for host in hosts for pattern in patterns_for(host)])
