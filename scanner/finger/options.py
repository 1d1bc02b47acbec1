"""The command line of posttls-finger(1): getopt in POSIX order, no abbreviated options.

Every argument after the destination is a match argument, even if it begins with a hyphen. ``--json``, ``--all``,
``--save`` and ``--help`` are options of mxsweep alone. ``parse`` raises ``Fatal`` for a value that is fatal in
posttls-finger, and ``Usage`` for a syntax error in the command line. Errors are reported in posttls-finger's order:
errors in single options, after them in combinations of options, last in the parameters of main.cf. ``parse`` stores the
error of a wrong or missing destination in ``Options.bad_destination``, because posttls-finger reports the error after
its lines about TLS.
"""

import getopt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.core.replies import LINE_LIMIT
from scanner.finger.log_keywords import complaint, tls_start
from scanner.finger.maincf import DIGEST_SET, SHOWN_NAME, MainCfError
from scanner.vocabulary import Level
from targets.destination import SMTP_PORT, Destination, DestinationError, Kind, known_services, parse_destination
from targets.hostnames import HostNameError, to_ascii

SHORT = "a:ch:o:RSt:T:vA:Cd:fF:g:H:k:K:l:L:m:M:p:P:r:s:wxX"
LONG = ("json", "all", "save=", "help")

LEVELS = {level.value: level for level in Level if level is not Level.HALF_DANE}
FAMILIES = ("any", "ipv4", "ipv6")
INSECURE_MX = {"may": Level.MAY, "encrypt": Level.ENCRYPT, "dane": Level.DANE}
HOST_LOOKUPS = ("dns", "native")

DOTS = ".\u3002\uff0e\uff61"
"""Characters that IDNA treats as a dot, and that may be the leading dot of a match argument."""

DIGEST = "sha256"
"""Default digest algorithm of fingerprints, as in Postfix since compatibility level 3.6."""


class Usage(Exception):  # noqa: N818 - the user sees the usage text, no error of ours
    """Error: the command line has a syntax error; finger prints the usage text and exits with status 1."""


class Fatal(Exception):  # noqa: N818 - posttls-finger's own word for it
    """Error that is fatal: finger prints ``lines``, then ``fatal: TEXT``, and exits with status 1."""

    def __init__(self, text: str, *lines: str) -> None:
        super().__init__(text)
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Options:
    """A parsed command line of finger. Time limits of the command line are in seconds; 0 or less means no limit.

    ``bad_destination`` is the error of a wrong or missing destination, in which case ``destination`` is a placeholder.
    ``host_lookup`` lists the sources of host addresses (``dns``, ``native``); ``srv`` selects SRV instead of MX
    records. ``chains`` (``-H``), or else ``certificate`` and ``key`` (``-k``, ``-K``), name the files of the client
    certificate. ``reconnect`` is the pause in seconds before each of at most ``max_reconnects`` further connections. If
    ``reconnect`` is below 0, reconnections and the session cache are disabled. ``raw_keys`` (``-x``) enables raw public
    keys. ``parameters`` contains the parameters of main.cf and ``-o``.
    """

    destination: Destination
    bad_destination: Fatal | Usage | None = None
    matches: tuple[str, ...] = ()
    family: str = "any"
    host_lookup: tuple[str, ...] = ("dns",)
    srv: bool = False
    anchors: tuple[str, ...] = ()
    chat: bool = True
    show_chain: bool = False
    digest: str = DIGEST
    default_digest: bool = False
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
"""Time limit in seconds that stands for "no time limit"."""


def limit(seconds: int) -> float:
    """Return a time limit of the command line in seconds; a limit of 0 or less means no limit."""
    return float(seconds) if seconds > 0 else FOREVER


def utf8_enabled(options: Options) -> bool:
    """Return whether finger converts international names to A-labels (``smtputf8_enable``)."""
    return options.parameters.get("smtputf8_enable", "yes").lower() != "no"


def line_limit(options: Options) -> int:
    """Return ``line_length_limit``, the maximum number of octets of a reply line that finger uses."""
    return int(options.parameters.get("line_length_limit", LINE_LIMIT))


Settle = Callable[[Mapping[str, str]], Mapping[str, str]]
"""A function that takes the main.cf parameters of ``-o`` and returns all effective main.cf parameters."""


def parse(argv: Sequence[str], settle: Settle = dict) -> Options:
    """Parse a command line of finger.

    Args:
        argv: the arguments, without the program's name.
        settle: function that adds the parameters of main.cf to the parameters of ``-o``; its exceptions are not caught.

    Raises:
        Usage: the command line contains an unknown option, or an option without its argument.
        Fatal: posttls-finger rejects the value of an option or parameter.
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
    if values.get("level") is Level.NONE:  # Postfix reads these parameters only for TLS
        values["parameters"] = {n: value for n, value in values["parameters"].items() if not n.startswith("tls_")}
    try:
        values["parameters"] = parameters = dict(settle(values["parameters"]))
    except MainCfError as error:
        log = values.get("log", "")
        raise Fatal(str(error), *complaint(log) * 2, *(tls_start(log) if error.tls else ()), *error.lines) from None
    values["default_digest"] = "digest" not in values and parameters.get(DIGEST_SET) != "yes"
    values.setdefault("digest", parameters.get("smtp_tls_fingerprint_digest", DIGEST))
    try:
        destination = _destination(rest, parameters, lmtp="lmtp" in values)
    except (Fatal, Usage) as error:
        values["bad_destination"] = error
        destination = Destination("", "", "", Kind.HOST, "", SMTP_PORT)
    return Options(destination, matches=tuple(rest[1:]), **values)


def wants_help(argv: Sequence[str]) -> bool:
    """Return True if ``--help`` is among the options."""
    try:
        pairs, _ = getopt.getopt(list(argv), SHORT, list(LONG))
    except getopt.GetoptError:
        return False
    return ("--help", "") in pairs


def ascii_form(name: str) -> str:
    """Return a host name, with or without a leading dot, in A-labels; return a name without A-label form unchanged."""
    dot, rest = _leading_dot(name)
    try:
        return name if name.isascii() else dot + to_ascii(rest)
    except HostNameError:
        return name


def ascii_warnings(names: Sequence[str]) -> list[str]:
    """Return Postfix's warnings about host names, with or without a leading dot, that have no form in A-labels."""
    found: list[str] = []
    for name in names:
        try:
            to_ascii(_leading_dot(name)[1] if not name.isascii() else "ascii")
        except HostNameError as error:
            found += _idna_warning(error)
    return found


def _leading_dot(name: str) -> tuple[str, str]:
    return (".", name[1:]) if len(name) > 1 and name[0] in DOTS else ("", name)


def _complaint(error: getopt.GetoptError) -> str:
    """Return the message that the C library's getopt prints about an error in the options."""
    if error.msg.endswith("requires argument"):
        return f"option requires an argument -- '{error.opt}'"
    return f"invalid option -- '{error.opt if len(error.opt) == 1 else '-'}'"


def _check_together(values: dict[str, Any]) -> None:
    """Check the values of ``-a``, ``-h``, ``-H`` and ``-l`` after all options were read, in posttls-finger's order."""
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
    """Check the TLS security level; the raised ``Fatal`` contains the warnings about ``-L`` that are printed first."""
    if "level" not in values:
        return
    early = complaint(values.get("log", "")) * 2
    level = LEVELS.get(values["level"].lower())
    if level is None:
        raise Fatal(f'Invalid TLS level "{values["level"]}"', *early)
    if values.get("wrapper") and level is Level.NONE:
        raise Fatal("SSL wrapper mode requires that TLS not be disabled", *early)
    values["level"] = level


def _destination(rest: Sequence[str], parameters: Mapping[str, str], *, lmtp: bool) -> Destination:
    if not rest:
        raise Usage("")
    text = rest[0]
    if not text.isascii() and parameters.get("smtputf8_enable", "yes") == "no":
        masked = re.sub(rb"[^ -~]", b"?", text.encode("utf-8", "surrogateescape")).decode("ascii")
        raise Fatal(f"valid hostname or network address required in server description: {masked}")
    try:
        known = known_services(parameters.get("known_tcp_ports"))
        destination = parse_destination(text, lmtp=lmtp, known=known)
    except DestinationError as error:
        cause = error.__cause__
        raise Fatal(str(error), *(_idna_warning(cause) if isinstance(cause, HostNameError) else ())) from None
    if destination.kind is Kind.UNIX:
        return replace(destination, nexthop=parameters.get("myhostname", "localhost"))
    return destination


def _idna_warning(error: HostNameError) -> list[str]:
    """Return Postfix's warning about an international name that cannot be converted; empty for other names."""
    if not error.name:
        return []
    shown = error.name.encode("utf-8", "surrogateescape")[:SHOWN_NAME].decode("utf-8", "replace").replace("\ufffd", "?")
    why = ",".join(f"UIDNA_ERROR_{flag}" for flag in error.uts46) or "malformed ASCII label(s)"
    return [f'warning: midna_domain_to_ascii_create: Problem translating domain "{shown}" to ASCII form: {why}']


# --- one reader for each option -------------------------------------------------------------------------------

_Reader = Callable[[dict[str, Any], str], None]


def _value(key: str, convert: Callable[[str], Any] = str) -> _Reader:
    """Return a reader that stores the converted value of an option under ``key``."""

    def read(values: dict[str, Any], value: str) -> None:
        values[key] = convert(value)

    return read


def _flag(key: str, *, to: bool = True) -> _Reader:
    return _value(key, lambda _: to)


def atoi(text: str) -> int:
    """Return the number at the beginning of a text as C's atoi does; 0 if the text has no leading number."""
    number = re.match(r"\s*([-+]?[0-9]+)", text)
    return int(number[1]) if number else 0


def _certificate_file(values: dict[str, Any], value: str) -> None:
    values.setdefault("key", value)
    values["certificate"] = value


def _key_file(values: dict[str, Any], value: str) -> None:
    values.setdefault("certificate", value)
    values["key"] = value


def words_of(text: str) -> list[str]:
    """Split a list at commas and white space, as Postfix does."""
    return [word for word in re.split(r"[, \t\r\n]+", text) if word]


def _insecure_mx(value: str) -> Level:
    if value.lower() not in INSECURE_MX:
        raise Fatal(f"bad '-M' option value: {value}")
    return INSECURE_MX[value.lower()]


def _anchor_file(values: dict[str, Any], value: str) -> None:
    values["anchors"] = (*values.get("anchors", ()), value)


def _chain_files(values: dict[str, Any], value: str) -> None:
    values["chains"] = (*values.get("chains", ()), *words_of(value))


def _parameter(values: dict[str, Any], value: str) -> None:
    name, separator, text = value.partition("=")
    if not separator or not name.strip():
        raise Usage("")
    values["parameters"][name.strip()] = text.strip()


def _verbose(values: dict[str, Any], _: str) -> None:
    values["verbose"] = values.get("verbose", 0) + 1


_READERS: dict[str, _Reader] = {
    "a": _value("family"),
    "A": _anchor_file,
    "c": _flag("chat", to=False),
    "C": _flag("show_chain"),
    "d": _value("digest"),
    "f": _flag("force_tlsa"),
    "F": _value("ca_file"),
    "g": _value("grade"),
    "h": _value("host_lookup"),
    "H": _chain_files,
    "k": _certificate_file,
    "K": _key_file,
    "l": _value("level"),
    "L": _value("log"),
    "m": _value("max_reconnects", atoi),
    "M": _value("insecure_mx", _insecure_mx),
    "o": _parameter,
    "p": _value("protocols"),
    "P": _value("ca_path"),
    "r": _value("reconnect", atoi),
    "R": _flag("srv"),
    "s": _value("sni"),
    "S": _flag("lmtp"),
    "t": _value("connect_timeout", atoi),
    "T": _value("command_timeout", atoi),
    "v": _verbose,
    "w": _flag("wrapper"),
    "x": _flag("raw_keys"),
    "X": _flag("tlsproxy"),
    "json": _flag("json"),
    "all": _flag("every_address"),
    "save": _value("save"),
    "help": lambda _values, _value: None,  # ``wants_help`` finds the option before the parser runs
}
