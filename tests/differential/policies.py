"""Random MTA-STS policies and records, parsed by mxsweep and by postfix-mta-sts-resolver, an independent parser.

The other parser is lenient where RFC 8461 is strict. Each known difference has a rule with its section; a difference
that no rule explains is a fault of one of the two.
"""

import random
from collections import Counter
from collections.abc import Callable

from postfix_mta_sts_resolver.utils import (  # type: ignore[import-untyped]  # it has no annotations
    parse_mta_sts_policy,
    parse_mta_sts_record,
)

from scanner.core.sts.policy_file import MAX_AGE, PolicyError, parse_policy
from scanner.core.sts.records import sts_report
from scanner.vocabulary import TXTRecord
from tests.unit.fakes import DOMAIN
from tests.unit.pki import NOW
from tests.unit.sts import txt

Parsed = tuple[str, tuple[str, ...], int] | None
"""Mode, patterns and lifetime of a policy, or None for a text that is none."""

_VERSIONS = ("version: STSv1",) * 12 + ("version: STSv2", "Version: STSv1", "version:STSv1", "version : STSv1", "")
_MODES = ("enforce", "testing", "none") * 5 + ("Enforce", "report", "")
_AGES = ("86400", "604800", "31557600") * 4 + ("31557601", "0", "-1", "+5", "1d", "", "1 0", "00086400", "12345678901")
_PATTERNS = ("mail.example.com", "*.example.net", "MX.Example.org", "192.0.2.1", "a..b", "")
_OTHERS = ("unknown: value", "x:y:z", "new_field:", "no colon", "# comment", "", " mode: none", "mode: testing",
           "max_age: 1", "version: STSv2", "\u00e4: b", "mode:\tenforce ", "mx :a.b")  # fmt: skip
_ENDS = ("\r\n",) * 6 + ("\n",) * 4 + ("\r", " \r\n", "\t\n", "\n\n", "\x0b", "\u2028")


def policy(chance: random.Random) -> bytes:
    """Return a random policy: most are valid or nearly so."""
    lines = [chance.choice(_VERSIONS), f"mode: {chance.choice(_MODES)}", f"max_age: {chance.choice(_AGES)}"]
    lines += [f"mx: {chance.choice(_PATTERNS)}" for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    lines += [chance.choice(_OTHERS) for _ in range(chance.choice((0, 0, 0, 1, 2)))]
    if chance.random() < 0.5:
        chance.shuffle(lines)
    end = chance.choice(_ENDS[:10])
    ends = [end if chance.random() < 0.97 else chance.choice(_ENDS) for _ in lines]
    return "".join(line + end for line, end in zip(lines, ends, strict=True)).encode()


def ours(body: bytes) -> Parsed:
    """Return what mxsweep makes of a policy."""
    try:
        found = parse_policy(body)
    except PolicyError:
        return None
    return found.mode, found.mx, found.max_age


def theirs(body: bytes) -> Parsed:
    """Return what the other parser makes of a policy; the checks are those of its caller, ``STSResolver.resolve``."""
    found = parse_mta_sts_policy(body.decode())
    try:
        age = int(found.get("max_age", "-1"))
    except ValueError:
        return None
    mode, mx = found.get("mode"), found["mx"]
    if found.get("version") != "STSv1" or not 0 <= age <= MAX_AGE or mode not in ("none", "testing", "enforce"):
        return None
    return (mode, tuple(pattern.lower() for pattern in mx), age) if mx or mode == "none" else None


def normal(body: bytes) -> str:
    """Return a policy without the forms that only the other parser accepts or that it reads in another way.

    Section 3.2 of RFC 8461: of a repeated field the first counts, an empty ``mx`` is none, and the maximum of
    ``max_age`` replaces a greater value (mrisher/smtp-sts#207).
    """
    kept: dict[str, str] = {}
    for number, line in enumerate(body.decode().split("\n")):
        name = line.partition(":")[0]
        empty_mx = name == "mx" and not line.partition(":")[2].strip()
        if not empty_mx:
            kept.setdefault(f"{name} {number}" if name == "mx" else name, line)
    age = kept.get("max_age", "").partition(":")[2].strip()
    if age.isascii() and age.isdigit() and len(age) <= 10:
        kept["max_age"] = f"max_age: {min(int(age), MAX_AGE)}"
    return "\n".join(kept.values())


def _strict_line(body: bytes) -> bool:
    """Return whether every line is blank or has the form ``name: value`` of section 3.2."""
    names = [line.rstrip() for line in body.decode().split("\n")]
    return all(not line or _is_field(line) for line in names)


def _is_field(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and name[:1].isalnum() and name.isascii() and all(c.isalnum() or c in "_.-" for c in name)


RULES: dict[str, Callable[[bytes], bool]] = {
    "a line that is not a field": lambda body: ours(body) is None and not _strict_line(body),
    "CR, VT or LS as a line end": lambda body: body.decode().splitlines() != _lines(body),
    "a repeated field, an empty mx, a max_age above the maximum": lambda body: (
        ours(body) == theirs(normal(body).encode())
    ),
    "a max_age that is not 1 to 10 digits": lambda body: ours(body) is None and _ages(body) != [],
}
"""The known differences, each with the test whether it explains the different result for a policy."""


def _lines(body: bytes) -> list[str]:
    lines = [line.removesuffix("\r") for line in body.decode().split("\n")]
    return lines[:-1] if lines and not lines[-1] else lines


def _ages(body: bytes) -> list[str]:
    ages = [line.partition(":")[2].strip() for line in _lines(body) if line.startswith("max_age:")]
    return [age for age in ages if not (age.isascii() and age.isdigit() and len(age) <= 10)]


def compare(seeds: range) -> tuple[Counter[str], list[bytes]]:
    """Parse one random policy for each seed; return the number of results by kind, and the unexplained policies."""
    tally: Counter[str] = Counter()
    unexplained = []
    for seed in seeds:
        body = policy(random.Random(seed))
        if ours(body) == theirs(body):
            tally["valid" if ours(body) else "invalid"] += 1
            continue
        why = next((name for name, explains in RULES.items() if explains(body)), None)
        tally[why or "unexplained"] += 1
        unexplained += [body] if why is None else []
    return tally, unexplained


# --- records --------------------------------------------------------------------------------------------------

_FIELDS = ("id=20260901", "id=a", "id=1-2", "id=", f"id={'a' * 33}", "ext=1", "ext", "", "v=STSv1", " id=b ")


def record(chance: random.Random) -> str:
    """Return a random MTA-STS record."""
    version = chance.choice(("v=STSv1",) * 8 + ("v=STSv10", "V=STSv1", " v=STSv1", "v=spf1"))
    fields = [chance.choice(_FIELDS) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    return chance.choice((";", "; ", " ; ")).join((version, *fields)) + chance.choice(("", "", ";", " ;"))


def records_differ(text: str) -> bool:
    """Return whether mxsweep finds an id in a record and the other parser finds another or none."""
    found = sts_report(DOMAIN, txt(f'"{text}"'), NOW)
    fields = parse_mta_sts_record(text)
    usable = text.startswith("v=STSv1") and fields.get("v") == "STSv1" and "id" in fields
    if found.record is TXTRecord.VALID:
        return not usable or (fields["id"] != found.id and text.count("id=") == 1)
    return False  # the other parser accepts ids and fields of any form
