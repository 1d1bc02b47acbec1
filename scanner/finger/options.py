"""The options of posttls-finger(1), read as it reads them: getopt, POSIX order, no abbreviations.

What follows the destination is a match argument, even if it looks like an option. ``--json``, ``--all`` and ``--help``
are our own. An option value that posttls-finger calls fatal is a ``Fatal``, a command line that it does not understand
a ``Usage``.
"""

import getopt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.vocabulary import Level
from targets.destination import Destination, DestinationError, parse_destination

SHORT = "a:ch:o:RSt:T:vA:Cd:fF:g:H:k:K:l:L:m:M:p:P:r:s:wxX"
LONG = ("json", "all", "help")

NOT_YET = "hHkKmrRx"
"""Options that posttls-finger has and this version does not: told, never silently ignored."""

LEVELS = {level.value: level for level in Level if level is not Level.HALF_DANE}
FAMILIES = ("any", "ipv4", "ipv6")
INSECURE_MX = {"may": Level.MAY, "encrypt": Level.ENCRYPT, "dane": Level.DANE}


class Usage(Exception):  # noqa: N818 - what the user is shown, not an error of ours
    """The command line cannot be understood: show the usage text, exit 1."""


class Fatal(Exception):  # noqa: N818 - posttls-finger's own word for it
    """Ends the run with ``fatal: TEXT`` and exit 1."""


@dataclass(frozen=True, slots=True)
class Options:
    """A command line. Times are seconds, 0 or less meaning no limit; names are those of posttls-finger(1)."""

    destination: Destination
    matches: tuple[str, ...] = ()
    family: str = "any"
    anchors: tuple[str, ...] = ()
    chat: bool = True
    show_chain: bool = False
    digest: str = "sha256"
    force_tlsa: bool = False
    ca_file: str | None = None
    ca_path: str | None = None
    grade: str = "medium"
    level: Level = Level.DANE
    log: str = "routine,certmatch"
    insecure_mx: Level = Level.DANE
    parameters: dict[str, str] = field(default_factory=dict)
    protocols: str = ">=TLSv1"
    sni: str | None = None
    lmtp: bool = False
    connect_timeout: int = 30
    command_timeout: int = 30
    verbose: int = 0
    wrapper: bool = False
    json: bool = False
    every_address: bool = False


def parse(argv: Sequence[str]) -> Options:
    """Read a command line (without the program's name).

    Raises:
        Usage: an unknown option, an option without its argument, or no destination.
        Fatal: a value that posttls-finger rejects.
    """
    try:
        pairs, rest = getopt.getopt(list(argv), SHORT, list(LONG))
    except getopt.GetoptError as error:
        raise Usage(str(error)) from None
    if not rest or any(name.startswith("--") and name not in argv for name, _ in pairs):
        raise Usage("")
    lmtp = any(name == "-S" for name, _ in pairs)
    values: dict[str, Any] = {"anchors": (), "parameters": {}, "verbose": 0}
    for name, value in pairs:
        _READERS[name.lstrip("-")](values, value)
    return _checked(Options(_destination(rest[0], lmtp=lmtp), tuple(rest[1:]), **values))


def wants_help(argv: Sequence[str]) -> bool:
    """True when ``--help`` stands where an option may stand."""
    try:
        pairs, _ = getopt.getopt(list(argv), SHORT, list(LONG))
    except getopt.GetoptError:
        return False
    return ("--help", "") in pairs


def _destination(text: str, *, lmtp: bool) -> Destination:
    try:
        return parse_destination(text, lmtp=lmtp)
    except DestinationError as error:
        raise Fatal(str(error)) from None


def _checked(options: Options) -> Options:
    if options.wrapper and options.level is Level.NONE:
        raise Fatal("SSL wrapper mode requires that TLS not be disabled")
    if options.sni is None:
        return options
    names = {"hostname": options.sni, "nexthop": options.destination.nexthop}
    return replace(options, sni=names.get(options.sni, options.sni))


# --- one reader an option -------------------------------------------------------------------------------------

_Reader = Callable[[dict[str, Any], str], None]


def _text(key: str) -> _Reader:
    def read(values: dict[str, Any], value: str) -> None:
        values[key] = value

    return read


def _flag(key: str, *, to: bool = True) -> _Reader:
    def read(values: dict[str, Any], _: str) -> None:
        values[key] = to

    return read


def _seconds(key: str) -> _Reader:
    def read(values: dict[str, Any], value: str) -> None:
        values[key] = atoi(value)

    return read


def atoi(text: str) -> int:
    """C's atoi: the number that the text begins with, 0 if it begins with none."""
    digits = text.lstrip()
    sign = digits[:1] if digits[:1] in ("-", "+") else ""
    number = ""
    for character in digits[len(sign) :]:
        if not ("0" <= character <= "9"):
            break
        number += character
    return int(sign + number) if number else 0


def _family(values: dict[str, Any], value: str) -> None:
    if value.lower() not in FAMILIES:
        raise Fatal(f"bad '-a' option value: {value}")
    values["family"] = value.lower()


def _level(values: dict[str, Any], value: str) -> None:
    if value.lower() not in LEVELS:
        raise Fatal(f'Invalid TLS level "{value}"')
    values["level"] = LEVELS[value.lower()]


def _insecure_mx(values: dict[str, Any], value: str) -> None:
    if value.lower() not in INSECURE_MX:
        raise Fatal(f"bad '-M' option value: {value}")
    values["insecure_mx"] = INSECURE_MX[value.lower()]


def _anchor(values: dict[str, Any], value: str) -> None:
    values["anchors"] = (*values["anchors"], value)


def _parameter(values: dict[str, Any], value: str) -> None:
    name, separator, text = value.partition("=")
    if not separator or not name.strip():
        raise Usage(f"-o {value}: name=value was expected")
    values["parameters"][name.strip()] = text.strip()


def _verbose(values: dict[str, Any], _: str) -> None:
    values["verbose"] += 1


def _tlsproxy(_: dict[str, Any], __: str) -> None:
    raise Fatal("the -X option (tlsproxy) is not supported")


def _not_yet(letter: str) -> _Reader:
    def read(_: dict[str, Any], __: str) -> None:
        raise Fatal(f"the -{letter} option is not supported in this version")

    return read


def _ignored(_: dict[str, Any], __: str) -> None:
    """For ``--help``, which is dealt with before."""


_READERS: dict[str, _Reader] = {
    "a": _family,
    "A": _anchor,
    "c": _flag("chat", to=False),
    "C": _flag("show_chain"),
    "d": _text("digest"),
    "f": _flag("force_tlsa"),
    "F": _text("ca_file"),
    "g": _text("grade"),
    "l": _level,
    "L": _text("log"),
    "M": _insecure_mx,
    "o": _parameter,
    "p": _text("protocols"),
    "P": _text("ca_path"),
    "s": _text("sni"),
    "S": _flag("lmtp"),
    "t": _seconds("connect_timeout"),
    "T": _seconds("command_timeout"),
    "v": _verbose,
    "w": _flag("wrapper"),
    "X": _tlsproxy,
    "json": _flag("json"),
    "all": _flag("every_address"),
    "help": _ignored,
    **{letter: _not_yet(letter) for letter in NOT_YET},
}
