"""The options of posttls-finger(1), read as it reads them: getopt, POSIX order, no abbreviations.

What follows the destination is a match argument, even if it looks like an option. ``--json``, ``--all``, ``--save``
and ``--help`` are our own. An option value that posttls-finger calls fatal is a ``Fatal``, a command line that it does
not understand a ``Usage``. Where several things are wrong, the same one is told first: options in their order, then
what they make together, then main.cf's parameters, then the destination.
"""

import getopt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.finger.logging import parse as parse_log
from scanner.vocabulary import Level
from targets.destination import Destination, DestinationError, Kind, known_services, parse_destination
from targets.hostnames import HostNameError, to_ascii

SHORT = "a:ch:o:RSt:T:vA:Cd:fF:g:H:k:K:l:L:m:M:p:P:r:s:wxX"
LONG = ("json", "all", "save=", "help")

LEVELS = {level.value: level for level in Level if level is not Level.HALF_DANE}
FAMILIES = ("any", "ipv4", "ipv6")
INSECURE_MX = {"may": Level.MAY, "encrypt": Level.ENCRYPT, "dane": Level.DANE}
HOST_LOOKUPS = ("dns", "native")

DOTS = ".\u3002\uff0e\uff61"
"""Full stops that a match argument may begin with."""

DIGEST = "sha256"
"""Digest of fingerprints where nothing says otherwise: that of Postfix since compatibility level 3.6."""


class Usage(Exception):  # noqa: N818 - what the user is shown, not an error of ours
    """The command line cannot be understood: show the usage text, exit 1."""


class Fatal(Exception):  # noqa: N818 - posttls-finger's own word for it
    """Ends the run with ``fatal: TEXT`` and exit 1; ``lines`` are printed before it."""

    def __init__(self, text: str, *lines: str) -> None:
        super().__init__(text)
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Options:
    """A command line. Times are seconds, 0 or less meaning no limit; names are those of posttls-finger(1).

    ``host_lookup`` names the ways to a host's addresses, ``srv`` asks for SRV instead of MX records. ``chains``
    (``-H``) and ``certificate`` with ``key`` (``-k -K``) are files of our own certificate, never both. ``reconnect`` is
    the pause before each of at most ``max_reconnects`` further connections, below 0 for none and no session cache.
    ``raw_keys`` (``-x``) asks for raw public keys. ``parameters`` are those of main.cf and ``-o``.
    """

    destination: Destination
    matches: tuple[str, ...] = ()
    family: str = "any"
    host_lookup: tuple[str, ...] = ("dns",)
    srv: bool = False
    anchors: tuple[str, ...] = ()
    chat: bool = True
    show_chain: bool = False
    digest: str = DIGEST
    force_tlsa: bool = False
    ca_file: str | None = None
    ca_path: str | None = None
    chains: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None
    raw_keys: bool = False
    grade: str = "medium"
    level: Level = Level.DANE
    log: str = "routine,certmatch"
    max_reconnects: int = 5
    reconnect: int = -1
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
    save: str | None = None


FOREVER = 10.0**9
"""Seconds of a time limit that was switched off."""


def limit(seconds: int) -> float:
    """A time limit of the command line: 0 or less is none."""
    return float(seconds) if seconds > 0 else FOREVER


Settle = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Makes of the parameters of ``-o`` all that are in force."""


def parse(argv: Sequence[str], settle: Settle = dict) -> Options:
    """Read a command line (without the program's name).

    Args:
        argv: the arguments.
        settle: adds what main.cf says to the parameters of ``-o``; what it raises is passed on.

    Raises:
        Usage: an unknown option, an option without its argument, or no destination.
        Fatal: a value that posttls-finger rejects.
    """
    try:
        pairs, rest = getopt.getopt(list(argv), SHORT, list(LONG))
    except getopt.GetoptError as error:
        raise Usage(_complaint(error)) from None
    if any(name.startswith("--") and not {name, f"{name}={value}"} & set(argv) for name, value in pairs):
        raise Usage("")
    values: dict[str, Any] = {"parameters": {}}
    for name, value in pairs:
        _READERS[name.lstrip("-")](values, value)
    _check_together(values)
    values["parameters"] = parameters = dict(settle(values["parameters"]))
    values.setdefault("digest", parameters.get("smtp_tls_fingerprint_digest", DIGEST))
    if not rest:
        raise Usage("")
    destination = _destination(rest[0], parameters, lmtp="lmtp" in values)
    return Options(destination, tuple(rest[1:]), **values)


def wants_help(argv: Sequence[str]) -> bool:
    """True when ``--help`` stands where an option may stand."""
    try:
        pairs, _ = getopt.getopt(list(argv), SHORT, list(LONG))
    except getopt.GetoptError:
        return False
    return ("--help", "") in pairs


def ascii_form(name: str) -> str:
    """A host name, or ``.name``, in A-labels; what cannot be converted stays as it is, and will match nothing."""
    if name.isascii():
        return name
    dot = "." if name[0] in DOTS else ""
    if len(name) == len(dot):
        return dot
    try:
        return dot + to_ascii(name[len(dot) :])
    except HostNameError:
        return name


def _complaint(error: getopt.GetoptError) -> str:
    """What the C library's getopt says."""
    if error.msg.endswith("requires argument"):
        return f"option requires an argument -- '{error.opt}'"
    return f"invalid option -- '{error.opt if len(error.opt) == 1 else '-'}'"


def _check_together(values: dict[str, Any]) -> None:
    """What is looked at only when all options have been read, in posttls-finger's order."""
    _check_family(values)
    _check_host_lookup(values)
    if "chains" in values and "certificate" in values:
        raise Fatal("When the '-H' option is used, neither the '-k', nor the '-K' options may be used")
    _check_level(values)


def _check_family(values: dict[str, Any]) -> None:
    family = values.get("family", FAMILIES[0])
    if family.lower() not in FAMILIES:
        raise Fatal(f"bad '-a' option value: {family}")
    values["family"] = family.lower()
    if "tlsproxy" in values:
        both = values.get("reconnect", -1) >= 0
        raise Fatal("The -X and -r options are mutually exclusive" if both else "the -X option is not supported")


def _check_host_lookup(values: dict[str, Any]) -> None:
    if "host_lookup" not in values:
        return
    text = values["host_lookup"]
    words = words_of(text)
    for word in words:
        if word not in HOST_LOOKUPS:
            raise Fatal(f'unknown -h option value "{word}" in "{text}"')
    values["host_lookup"] = tuple(word for word in HOST_LOOKUPS if word in words)


def _check_level(values: dict[str, Any]) -> None:
    """The ``-L`` list is read, twice, before the level."""
    if "level" not in values:
        return
    complaint = log_complaint(values.get("log", ""))
    level = LEVELS.get(values["level"].lower())
    if level is None:
        raise Fatal(f'Invalid TLS level "{values["level"]}"', *complaint, *complaint)
    if values.get("wrapper") and level is Level.NONE:
        raise Fatal("SSL wrapper mode requires that TLS not be disabled", *complaint, *complaint)
    values["level"] = level


def log_complaint(text: str) -> list[str]:
    """The warning about a ``-L`` list, if there is cause for one."""
    _, unknown = parse_log(text)
    return [] if unknown is None else [f'warning: unknown -L option value "{unknown}" in "{text}"']


def _destination(text: str, parameters: Mapping[str, str], *, lmtp: bool) -> Destination:
    if not text.isascii() and parameters.get("smtputf8_enable", "yes") == "no":
        masked = re.sub(rb"[^ -~]", b"?", text.encode("utf-8", "surrogateescape")).decode("ascii")
        raise Fatal(f"valid hostname or network address required in server description: {masked}")
    try:
        known = known_services(parameters.get("known_tcp_ports"))
        destination = parse_destination(text, lmtp=lmtp, known=known)
    except DestinationError as error:
        raise Fatal(str(error)) from None
    if destination.kind is Kind.UNIX:
        return replace(destination, nexthop=parameters.get("myhostname", "localhost"))
    return destination


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


def _number(key: str) -> _Reader:
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


def _certificate_file(values: dict[str, Any], value: str) -> None:
    values.setdefault("key", value)
    values["certificate"] = value


def _key_file(values: dict[str, Any], value: str) -> None:
    values.setdefault("certificate", value)
    values["key"] = value


def words_of(text: str) -> list[str]:
    """The words of a list as Postfix splits it: at commas and white space."""
    return [word for word in re.split(r"[, \t\r\n]+", text) if word]


def _insecure_mx(values: dict[str, Any], value: str) -> None:
    if value.lower() not in INSECURE_MX:
        raise Fatal(f"bad '-M' option value: {value}")
    values["insecure_mx"] = INSECURE_MX[value.lower()]


def _more(key: str) -> _Reader:
    def read(values: dict[str, Any], value: str) -> None:
        values[key] = (*values.get(key, ()), value)

    return read


def _chain_files(values: dict[str, Any], value: str) -> None:
    values["chains"] = (*values.get("chains", ()), *words_of(value))


def _parameter(values: dict[str, Any], value: str) -> None:
    name, separator, text = value.partition("=")
    if not separator or not name.strip():
        raise Usage("")
    values["parameters"][name.strip()] = text.strip()


def _verbose(values: dict[str, Any], _: str) -> None:
    values["verbose"] = values.get("verbose", 0) + 1


def _ignored(_: dict[str, Any], __: str) -> None:
    """For ``--help``, which is dealt with before."""


_READERS: dict[str, _Reader] = {
    "a": _text("family"),
    "A": _more("anchors"),
    "c": _flag("chat", to=False),
    "C": _flag("show_chain"),
    "d": _text("digest"),
    "f": _flag("force_tlsa"),
    "F": _text("ca_file"),
    "g": _text("grade"),
    "h": _text("host_lookup"),
    "H": _chain_files,
    "k": _certificate_file,
    "K": _key_file,
    "l": _text("level"),
    "L": _text("log"),
    "m": _number("max_reconnects"),
    "M": _insecure_mx,
    "o": _parameter,
    "p": _text("protocols"),
    "P": _text("ca_path"),
    "r": _number("reconnect"),
    "R": _flag("srv"),
    "s": _text("sni"),
    "S": _flag("lmtp"),
    "t": _number("connect_timeout"),
    "T": _number("command_timeout"),
    "v": _verbose,
    "w": _flag("wrapper"),
    "x": _flag("raw_keys"),
    "X": _flag("tlsproxy"),
    "json": _flag("json"),
    "all": _flag("every_address"),
    "save": _text("save"),
    "help": _ignored,
}
