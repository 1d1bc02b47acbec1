"""The request of a scan: the options, checked and converted to settings, input and output before the scan starts."""

import fcntl
import io
import ipaddress
import os
import socket
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.store.files import StoreError
from scanner.cli import code_of
from scanner.cli.console import say
from scanner.cli.errors import CliError, as_cli_error
from scanner.cli.input import Input
from scanner.cli.resolver_choice import ResolverChoice, choice_of, server
from scanner.cli.wiring import ehlo_name
from scanner.settings import (
    CERT_ALGS,
    OF_ALGORITHM,
    POST_QUANTUM,
    Caps,
    DNSSettings,
    Retries,
    Settings,
    Timeouts,
    TLSProfile,
)
from scanner.vocabulary import (
    CertAlg,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    Family,
    Level,
    Mechanism,
    Mode,
    Sender,
)
from targets.kinds import Accept
from targets.partition import Sampling
from targets.reader import Reader, Target
from targets.streams import STDIN, ListError

if TYPE_CHECKING:
    from scanner.core.pkix import TrustStore
    from targets.lists import Lists
    from targets.scope import Scope

FIELDS: dict[str, type[StrEnum]] = {
    "outcome": DomainOutcome,
    "sender": Sender,
    "dane": DomainDane,
    "starttls": DomainStartTLS,
    "sts": DomainSTS,
    "sender_sts": Sender,
    "sender_both": Sender,
    "mechanism": Mechanism,
}
"""The fields of a domain's verdict that ``--fail-on`` accepts, with their values."""


@dataclass(frozen=True, slots=True)
class Request:
    """The checked options of a scan. With ``resume`` or ``retry``, ``output`` is an existing run to continue."""

    settings: Settings
    choice: ResolverChoice
    input: Input
    reach: "Reach"
    output: str | None
    fail_on: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    flags: dict[str, Any]
    resume: bool = False
    retry: bool = False


class Reach:
    """The trusted roots and the scope (permitted addresses), loaded at first use: the first DNS query needs neither.

    Args:
        flags: the options of the scan.

    Raises:
        CliError: a file that an option names cannot be read; such a file is read at once.
    """

    def __init__(self, flags: dict[str, Any]) -> None:
        self._flags = flags
        if flags["ca_file"] or flags["ca_path"]:
            _ = self.trust
        if flags["exclude"]:
            _ = self.scope

    @cached_property
    def trust(self) -> "TrustStore":
        """The trusted roots."""
        store: TrustStore = code_of("scanner.cli.tools:trust_store")(
            self._flags["ca_file"], self._flags["ca_path"], say
        )
        return store

    @cached_property
    def scope(self) -> "Scope":
        """The destinations and addresses that may be contacted."""
        with as_cli_error(ListError):
            exclusions = code_of("targets.scope:load_exclusions")(self._flags["exclude"])
        found: Scope = code_of("targets.scope:Scope")(self._flags["allow_private"], exclusions)
        return found


def build(flags: dict[str, Any]) -> Request:
    """Convert the options of ``scan`` to a request of a scan.

    Raises:
        CliError: an option has a wrong value, or a list or file cannot be read.
    """
    continues = bool(flags["resume"] or flags["retry_inconclusive"])
    if not continues:
        _check_output(flags)
    choice = choice_of(flags)
    settings = _settings(flags, choice)
    if settings.sni_sample and not settings.samples_hosts:
        say("--sni-sample has no effect: it requires level dane or dane-only, and --sni auto or mx")
    return Request(
        settings=settings,
        choice=choice,
        input=Input(_reader(flags, settings)) if continues else _input(flags, settings),
        reach=Reach(flags),
        output=flags["output"],
        fail_on=tuple(condition(text) for text in flags["fail_on"]),
        sources=(*flags["first"], *flags["lists"]),
        flags=flags,
        resume=bool(flags["resume"]),
        retry=bool(flags["retry_inconclusive"]),
    )


def frozen(flags: dict[str, Any]) -> dict[str, Any]:
    """Return stored option values as values of click: JSON lists are converted to tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in flags.items()}


def _reader(flags: dict[str, Any], settings: Settings) -> Reader:
    kinds = frozenset(part.strip() for part in (flags["accept"] or "").split(",") if part.strip())
    wrong = kinds - set(Accept)
    if wrong:
        raise CliError(f"--accept {min(wrong)}: a list of {', '.join(Accept)} was expected")
    return Reader(settings.port, settings.mode.lmtp, frozenset(map(Accept, kinds)))


def _input(flags: dict[str, Any], settings: Settings) -> Input:
    lists, first = flags["lists"], flags["first"]
    if STDIN in lists and STDIN in first:
        raise CliError(f"{STDIN}: standard input can be read only once")
    if flags["seed"] is not None and flags["sample"] is None:
        raise CliError("--seed S: it requires --sample N")
    reader = _reader(flags, settings)
    stdin = _stdin() if STDIN in (*lists, *first) else None
    given = tuple(_given(text, index, reader) for index, text in enumerate(flags["domains"], 1))
    ahead, rest = (_lists(paths, reader, flags, stdin) for paths in (first, lists))
    return Input(
        reader,
        given,
        rest,
        ahead,
        named=flags["ehlo"] is not None,
        head=flags["head"],
        sampling=Sampling(flags["sample"], flags["seed"] or 0) if flags["sample"] else None,
        max_rejects=flags["max_rejects"],
    )


def _lists(
    paths: tuple[str, ...], reader: Reader, flags: dict[str, Any], stdin: io.BufferedReader | None
) -> "Lists | None":
    """Open lists; without a list, the code for lists is not loaded."""
    if not paths:
        return None
    form = code_of("targets.lists:Form")(flags["column"], zone=flags["list_format"] == "zone")
    with as_cli_error(ListError):
        found: Lists = code_of("targets.lists:Lists")(paths, reader, form, stdin=stdin)
    return found


def _stdin() -> io.BufferedReader:
    """Return a second file object for standard input, without the lock of ``sys.stdin``.

    After an interrupt, the thread that reads a list may still be reading from standard input. The Python interpreter
    cannot exit while a thread holds the lock of ``sys.stdin``.
    """
    try:
        if fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:  # as ``scanner.cli`` opens a closed stream
            raise CliError("standard input is closed")
        return io.BufferedReader(io.FileIO(0, closefd=False))
    except OSError as error:
        raise CliError(f"standard input: {error.strerror}") from None


def _check_output(flags: dict[str, Any]) -> None:
    lists = flags["lists"] or flags["first"]
    if not lists and not flags["domains"]:
        raise CliError("nothing to scan: a LIST or --domain D was expected")
    in_words = flags["output"] is None and not lists
    if not flags["output"] and not in_words and not flags["dry_run"]:
        raise CliError("no output: -o RUN (a new directory) or -o - was expected")
    if flags["output"] not in (None, "-") and not flags["dry_run"]:
        with as_cli_error(StoreError):
            code_of("results.store.writer:check_free")(Path(flags["output"]))


def _settings(flags: dict[str, Any], choice: ResolverChoice) -> Settings:
    return Settings(
        level=Level(flags["level"]),
        mode=Mode(flags["mode"]),
        port=flags["port"],
        sni=flags["sni"],
        sni_sample=flags["sni_sample"],
        ehlo=ehlo_name(flags["ehlo"]),
        bind=bind_address(flags["bind"]),
        family=Family(flags["family"]),
        hosts=flags["hosts"],
        addresses=flags["addresses"],
        domain_addresses=_domain_addresses(flags),
        allow_private=flags["allow_private"],
        cert_algs=cert_algs(flags["cert_algs"]),
        pq=_pq(flags),
        sts=_sts(flags),
        ca_file=flags["ca_file"],
        ca_path=flags["ca_path"],
        timeouts=_timeouts(flags),
        dns=DNSSettings(
            servers=choice.servers,
            trust=flags["trust_resolver"],
            rate=float(flags["dns_rate"]),
            confirm=tuple(server(text, "--confirm") for text in flags["confirm"]),
        ),
        caps=Caps(
            total=flags["concurrency"],
            per_address=flags["per_address"],
            per_network=flags["per_network"],
            per_provider=flags["per_provider"],
            rate=float(flags["rate"]),
            spacing=flags["spacing"],
            per_domain=flags["per_domain"],
        ),
        retries=_retries(flags),
    )


def _timeouts(flags: dict[str, Any]) -> Timeouts:
    return Timeouts(
        connect=flags["connect_timeout"],
        greeting=flags["greeting_timeout"],
        command=flags["command_timeout"],
        handshake=flags["command_timeout"],
        probe=flags["deadline"],
    )


def _domain_addresses(flags: dict[str, Any]) -> int:
    """Return the maximum number of addresses to probe for a domain, at least the maximum for one MX host."""
    limit, of_host = int(flags["domain_addresses"]), flags["addresses"]
    if of_host is not None and limit < of_host:
        raise CliError(f"--domain-addresses {limit}: at least the value of --addresses ({of_host}) was expected")
    return limit


def cert_algs(text: str) -> tuple[CertAlg, ...]:
    """Parse the value of ``--cert-algs``; return the key algorithms for which the scan requests certificates.

    Raises:
        CliError: a word is not a key algorithm, or the TLS library does not support the algorithm.
    """
    if text in ("auto", "off"):
        return CERT_ALGS if text == "auto" else ()
    known = [alg for alg in CertAlg if alg is not CertAlg.OTHER]
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if wrong := [word for word in found if word not in known]:
        raise CliError(f"--cert-algs {wrong[0]}: auto, off or a list of {','.join(known)} was expected")
    algs = tuple(map(CertAlg, found))
    for alg in algs:
        _check_profile(OF_ALGORITHM[alg, None], f"--cert-algs {alg}")
    return algs


def _pq(flags: dict[str, Any]) -> bool:
    if flags["pq"]:
        _check_profile(POST_QUANTUM, "--pq")
    return bool(flags["pq"])


def _check_profile(profile: TLSProfile, flag: str) -> None:
    try:
        code_of("scanner.net.tls:context_for")(profile)
    except ValueError:
        raise CliError(f"{flag}: the TLS library of this scanner does not support it") from None


def _sts(flags: dict[str, Any]) -> bool:
    """Return whether a scan examines MTA-STS; by default, only a scan without lists examines MTA-STS."""
    wanted: bool | None = flags["sts"]
    if wanted is not None:
        return wanted
    return not (flags["lists"] or flags["first"] or flags["resume"] or flags["retry_inconclusive"])


def _retries(flags: dict[str, Any]) -> Retries:
    """Return the retry settings; by default, a scan that prints verdicts as text has no retry passes."""
    times = flags["retries"]
    if times is None:
        times = Retries().times if flags["output"] else 0
    return Retries(times, flags["retry_after"])


def bind_address(address: str | None) -> str | None:
    """Check that an address is a local address of this host, and return it.

    Raises:
        CliError: the text is not an IP address, or the address is not an address of this host.
    """
    if address is None:
        return None
    try:
        ip = ipaddress.ip_address(address)
        family = socket.AF_INET if ip.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IP versions
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((address, 0))
    except ValueError:
        raise CliError(f"--bind {address}: an IP address was expected") from None
    except OSError as error:
        raise CliError(f"--bind {address}: {os.strerror(error.errno or 0)}") from None
    return address


def _given(text: str, index: int, reader: Reader) -> Target:
    """Parse a destination of the command line.

    The error for an invalid destination contains the same hints as the error for an invalid line of a list.
    """
    try:
        return Target(reader.destination(text), text, "--domain", index)
    except ValueError as error:
        raise CliError(f"--domain {text}: {error}") from None


def condition(text: str, flag: str = "--fail-on") -> tuple[str, str]:
    """Parse a condition ``FIELD=VALUE`` of an option; return the field of a verdict and the value.

    Raises:
        CliError: the field or the value does not exist; the message contains ``flag``.
    """
    field, separator, value = text.partition("=")
    if not separator or field not in FIELDS or not value:
        raise CliError(f"{flag} {text}: FIELD=VALUE was expected, FIELD one of {', '.join(FIELDS)}")
    if value not in set(FIELDS[field]):
        raise CliError(f"{flag} {text}: {field} is one of {', '.join(FIELDS[field])}")
    return field, value
