"""main.cf: the parameters that finger uses, parsed as postconf(5) describes.

A line that begins with white space continues the previous line; ``#`` begins a comment line. The last definition of a
parameter takes precedence, and ``-o`` overrides main.cf. ``$name`` and similar macros in values refer to other
parameters (see ``macros``). ``load`` reads a main.cf file; ``settle`` applies defaults, expands macros and checks the
values. ``load`` and ``settle`` raise ``MainCfError`` for an error that is fatal in Postfix.

Without MAIL_CONFIG and without /etc/postfix/main.cf, the parameters have the defaults of a fresh Postfix installation.
main.cf and ``-o`` may define further parameters, which are used only in macros.
"""

import pwd
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scanner.cipher_grades import GRADES
from scanner.finger.macros import MacroError, expand
from targets.hostnames import MAX_LABEL, MAX_NAME

DIRECTORY = Path("/etc/postfix")
VARIABLE = "MAIL_CONFIG"

FRESH_LEVEL = "3.6"
"""Compatibility level of a fresh Postfix installation; mxsweep uses this level if no main.cf file exists."""

MIN_LINE_LENGTH = 512
"""Minimum of ``line_length_limit`` in octets, as in Postfix (RFC 5321 section 4.5.3.1.5)."""

DIGEST_SET = "smtp_tls_fingerprint_digest is set"
"""Key that ``settle`` adds to its result if main.cf or ``-o`` sets ``smtp_tls_fingerprint_digest``."""

DEFAULT_DOMAIN = "localdomain"

SHOWN_NAME = 100
"""Maximum length in octets of a host name in a warning of Postfix."""


class MainCfError(Exception):
    """Error: a main.cf setting is fatal in Postfix; finger prints ``lines``, then ``fatal: `` and the message.

    ``tls`` is true if the error is in a parameter that Postfix reads at the start of TLS, after all other parameters.
    """

    def __init__(self, text: str, *lines: str, tls: bool = False) -> None:
        super().__init__(text)
        self.lines = lines
        self.tls = tls


@dataclass(frozen=True, slots=True)
class MainCf:
    """A main.cf file: path, unexpanded parameters (empty without a main.cf file), and warnings about the parameters."""

    path: Path
    values: dict[str, str]
    warnings: tuple[str, ...] = ()


def load(environ: Mapping[str, str], default: Path = DIRECTORY) -> MainCf:
    """Read the main.cf file of this machine.

    Args:
        environ: the environment variables; MAIL_CONFIG names the directory of main.cf.
        default: the directory of main.cf if MAIL_CONFIG is not set.

    Raises:
        MainCfError: the file cannot be read, or is missing in the directory of MAIL_CONFIG.
    """
    named = environ.get(VARIABLE)
    path = Path(named or default) / "main.cf"
    if not named and not path.exists():
        return MainCf(path, {"compatibility_level": FRESH_LEVEL})
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise MainCfError(f"open {path}: {error.strerror}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> MainCf:
    """Parse the text of a main.cf.

    Raises:
        MainCfError: a line is not ``name = value``.
    """
    values: dict[str, str] = {}
    warnings: list[str] = []
    for number, line in _logical_lines(text):
        if line[:1].isspace():
            warnings.append(f'warning: {path}: logical line must not start with whitespace: "{line[:30]}"')
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise MainCfError(f"{path}, line {number}: missing '=' after attribute name: \"{line.strip()}\"")
        if not name.strip():
            raise MainCfError(f'{path}, line {number}: missing attribute name: "{line.strip()}"')
        values[name.strip()] = value.strip()
    return MainCf(path, values, tuple(warnings))


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Return each logical line of main.cf with its last line number, without comments and empty lines."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[:1].isspace() and found:
            found[-1] = (number, f"{found[-1][1]}{line}")
        else:
            found.append((number, line))
    return found


# --- the parameters -------------------------------------------------------------------------------------------

DEFAULTS = {
    "compatibility_level": "0",
    "smtp_tls_fingerprint_digest": "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}",
    "inet_protocols": "all",
    **dict(GRADES.values()),
    "tls_dane_digests": "sha512 sha256",
    "tls_eecdh_auto_curves": "",
    "tls_ffdhe_auto_groups": "",
    "tls_append_default_CA": "no",
    "tls_disable_workarounds": "",
    "tls_ssl_options": "",
    "tls_config_file": "default",
    "tls_config_name": "",
    "tls_fast_shutdown_enable": "yes",
    "line_length_limit": "2048",
    "dnssec_probe": "ns:.",
    "smtputf8_enable": "${{$compatibility_level} <level {1} ? {no} : {yes}}",
    "enable_idna2003_compatibility": "no",
    "known_tcp_ports": "lmtp=24, smtp=25, smtps=submissions=465, submission=587",
    "tcp_windowsize": "0",
}
"""The parameters of main.cf that finger uses, with their defaults.

The defaults of ``myhostname`` and ``mydomain`` are derived from this machine's name. In a parameter for key exchange
groups, an empty list means OpenSSL's default groups.
"""

_BOOLEANS = ("smtputf8_enable", "enable_idna2003_compatibility")
_NUMBERS = ("line_length_limit", "tcp_windowsize")
_TLS_TEXTS = (*(name for name, _ in GRADES.values()), "tls_eecdh_auto_curves", "tls_dane_digests")
_TLS_BOOLEANS = ("tls_append_default_CA", "tls_fast_shutdown_enable")
_PROTOCOLS = ("all", "ipv4", "ipv6")
_FLAW = re.compile(
    rf"(?P<long>[A-Za-z0-9_-]{{{MAX_LABEL + 1}}})|(?P<delimiter>(?<![^.])\.|\.\Z)|(?P<hyphen>(?<![^.])-|-(?=\.|\Z))"
    "|(?P<character>[^A-Za-z0-9_.-])"
)
_FLAWS = {
    "long": "hostname label too long",
    "delimiter": "misplaced delimiter",
    "hyphen": "misplaced hyphen",
    "character": "invalid character {}(decimal)",
}
_LEVEL = re.compile(r"[0-9]+(?:\.[0-9]+){0,2}")


def settle(
    config: MainCf, overrides: Mapping[str, str], *, hostname: Callable[[], str] = socket.gethostname
) -> dict[str, str]:
    """Return all effective main.cf parameters by name, with macros expanded.

    Args:
        config: the parameters that the main.cf file sets.
        overrides: the parameters of ``-o``.
        hostname: function that returns this machine's name.

    Raises:
        MainCfError: Postfix refuses the value of a parameter.
    """
    written = {**config.values, **overrides}
    known = {**DEFAULTS, **written}
    _check_level(_expanded(known, "compatibility_level"))
    if "myhostname" not in written or "mydomain" not in written:
        known = {**_names(known, written, hostname), **known}
    settled = {name: _expanded(known, name) for name in (*DEFAULTS, "myhostname", "mydomain")}
    if "smtp_tls_fingerprint_digest" in written:
        settled[DIGEST_SET] = "yes"
    _check_all(settled, written, config.path)
    return settled


def _expanded(known: Mapping[str, str], name: str) -> str:
    try:
        return expand(known[name], known, name).strip()
    except MacroError as error:
        raise MainCfError("dictionary mail_dict: macro processing error", f"warning: {error}") from None


def _names(known: Mapping[str, str], written: Mapping[str, str], hostname: Callable[[], str]) -> dict[str, str]:
    """Return the defaults of ``myhostname`` and ``mydomain``.

    If main.cf or ``-o`` sets ``myhostname`` or ``mydomain``, the default of the other is derived from the set value.
    """
    if "myhostname" in written:
        _, _, domain = _expanded({"mydomain": "", **known}, "myhostname").partition(".")
        return {"mydomain": domain or DEFAULT_DOMAIN}
    name = hostname()
    if "." not in name:
        name = f"{name}.{written.get('mydomain') or DEFAULT_DOMAIN}"
    return {"mydomain": name.partition(".")[2], "myhostname": name}


def _check_all(settled: Mapping[str, str], written: Mapping[str, str], path: Path) -> None:
    """Check the values of parameters in the order in which posttls-finger reads the parameters: TLS parameters last."""
    for name in _BOOLEANS:
        _check_boolean(name, settled[name])
    _check_text("myhostname", settled["myhostname"])
    _check_protocols(settled["inet_protocols"])
    for name in _NUMBERS:
        _check_number(name, settled[name])
    _check_hostname(settled["myhostname"], path)
    _check_owner(written, path)
    _check_text("smtp_tls_fingerprint_digest", settled["smtp_tls_fingerprint_digest"])
    for name in _TLS_TEXTS:
        if name in written or name != "tls_eecdh_auto_curves":  # its default here is OpenSSL's list
            _check_text(name, settled[name], tls=True)
    for name in _TLS_BOOLEANS:
        _check_boolean(name, settled[name], tls=True)


def _check_text(name: str, value: str, *, tls: bool = False) -> None:
    if not value:
        raise MainCfError(f"bad string length 0 < 1: {name} = {value}", tls=tls)


def _check_boolean(name: str, value: str, *, tls: bool = False) -> None:
    if value.lower() not in ("yes", "no"):
        raise MainCfError(f"bad boolean configuration: {name} = {value}", tls=tls)


def _check_number(name: str, value: str) -> None:
    if not re.fullmatch(r"-?[0-9]+", value):
        raise MainCfError(f"bad numerical configuration: {name} = {value}")
    if name == "line_length_limit" and int(value) < MIN_LINE_LENGTH:
        raise MainCfError(f"invalid {name} parameter value {value} < {MIN_LINE_LENGTH}")


def _check_level(text: str) -> None:
    if not _LEVEL.fullmatch(text):
        raise MainCfError(f'malformed compatibility level syntax: "{text}"')


def _check_hostname(name: str, path: Path) -> None:
    warning = hostname_warning(name)
    if warning:
        raise MainCfError(f"file {path}: parameter myhostname: bad parameter value: {name}", warning)


def hostname_warning(name: str) -> str:
    """Return Postfix's warning about a host name, which names the first error in the name; empty for a correct name."""
    wrong = _FLAW.search(name)
    if wrong:
        text = _FLAWS[str(wrong.lastgroup)].format(ord(wrong[0][-1]))
    elif re.fullmatch(r"[0-9.]*", name):
        text = "numeric hostname"
    elif len(name) > MAX_NAME:
        return f"warning: valid_hostname: bad length {len(name)} for {name[:SHOWN_NAME]}..."
    else:
        return ""
    return f"warning: valid_hostname: {text}: {name[:SHOWN_NAME]}"


def _check_owner(written: Mapping[str, str], path: Path) -> None:
    """Raise MainCfError for a ``mail_owner`` that Postfix rejects; mxsweep itself never runs as ``mail_owner``."""
    if "mail_owner" not in written:
        return
    name = _expanded(written, "mail_owner")
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise MainCfError(f"file {path}: parameter mail_owner: unknown user name value: {name}") from None
    if user.pw_uid == 0:
        raise MainCfError(f"file {path}: parameter mail_owner: user {name} has privileged user ID")


def _check_protocols(text: str) -> None:
    for word in re.split(r"[, \t\r\n]+", text):
        if word and word.lower() not in _PROTOCOLS:
            raise MainCfError(f'unknown inet_protocols value "{word}" in "{text}"')
