"""``mxsweep finger``: options in, exit status out (0 whatever the verdict, 1 for usage and fatal errors).

Log lines go to stdout, usage and notes of our own to stderr. Installed under the name ``posttls-finger`` (a link will
do) it answers to that name.
"""

import hashlib
import ipaddress
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import trio

from scanner.core import tlsa
from scanner.core.pkix import TrustStore, anchor_records
from scanner.finger import identity, maincf, offer
from scanner.finger import logging as log_keywords
from scanner.finger.options import Fatal, Options, Usage, log_complaint, parse, wants_help
from scanner.finger.output import Output
from scanner.finger.session import Session, Setup
from scanner.finger.usage import HELP, USAGE
from scanner.finger.world import Network, World
from scanner.model import TLSARecord
from scanner.net import truststore
from scanner.net.resolver import open_resolver, system_servers
from scanner.net.tls import context_for
from scanner.settings import DNSSettings, TLSProfile
from scanner.vocabulary import Level

OUR_NAMES = ("mxsweep", "posttls-finger")

PARSES = 4
"""Times that posttls-finger reads the ``-L`` list, and so complains about it; without TLS two fewer."""


def main(argv: Sequence[str]) -> int:
    """Run finger with its arguments (without the program's name)."""
    if wants_help(argv):
        sys.stdout.write(HELP)
        return 0
    program = _program()
    output = Output(program, troubles_only="--json" in argv)
    try:
        options = read(argv, os.environ, output)
        return trio.run(_run, options, output)
    except Usage as error:
        sys.stderr.write(f"{program}: {error}\n" if str(error) else "")
        sys.stderr.write(USAGE.format(program=program))
        return 1
    except Fatal as error:
        _tell(output, *error.lines, f"fatal: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    finally:
        output.close()


def _program() -> str:
    name = Path(sys.argv[0]).name
    return name if name in OUR_NAMES else "mxsweep"


def read(argv: Sequence[str], environ: Mapping[str, str], output: Output) -> Options:
    """Options and main.cf together.

    Raises:
        Usage: the command line cannot be understood.
        Fatal: posttls-finger would go no further.
    """
    try:
        config = maincf.load(environ)
        settled = parse(argv, lambda overrides: maincf.settle(config, overrides))
    except maincf.MainCfError as error:
        raise Fatal(str(error), *error.lines) from None
    _tell(output, *config.warnings)
    return settled


async def _run(options: Options, output: Output) -> int:
    _note_resolver()
    async with open_resolver(DNSSettings(trust=True)) as resolver:
        return await _observe(options, Network(resolver.lookup), output)


async def _observe(options: Options, world: World, output: Output) -> int:
    """Hold the run; print its lines, or its record instead of them."""
    if not options.json:
        return await Session(_setup(options, world, output)).run()
    from scanner.cli.finger_records import print_record  # noqa: PLC0415 - the plain command starts without it

    session = Session(_setup(options, world, output))
    status = await session.run()
    print_record(session)
    return status


def _setup(options: Options, world: World, output: Output) -> Setup:
    """What a run needs; what is wrong with it is told in posttls-finger's order, and only the first that ends TLS."""
    mask = _mask(options, output)
    anchors = _anchors(options, output)
    trust: TrustStore | None = None
    shown = identity.Loaded()
    digests: tuple[str, ...] = tlsa.DIGESTS
    if options.level is not Level.NONE and _known_digest(options, output):
        trust = _trust(options, output)
        shown = identity.load(options) if trust is not None else shown
        digests = _tlsa_digests(options, output)
        _tell(output, *shown.lines, *_groups(options), *_key_note(options))
    if options.matches and not options.level.must_match:
        output.line(f"warning: TLS level '{options.level}' does not implement certificate matching")
    return Setup(
        options=options,
        trust=trust or TrustStore.from_pem(),
        anchors=anchors,
        tls=trust is not None and shown.tls,
        ehlo=ehlo(options),
        mask=mask,
        world=world,
        output=output,
        identity=shown.identity,
        digests=digests,
    )


def _tell(output: Output, *lines: str) -> None:
    for line in lines:
        output.line(line)


def ehlo(options: Options) -> str:
    """The EHLO name: ``myhostname``."""
    return options.parameters.get("myhostname") or socket.gethostname()


def _note_resolver() -> None:
    """Postfix believes resolv.conf; where that is not this machine, the AD bit crossed a network unprotected."""
    remote = [address for address, _ in system_servers() if not ipaddress.ip_address(address).is_loopback]
    if remote:
        sys.stderr.write(f"note: DNSSEC answers of {', '.join(remote)} are believed as resolv.conf names it\n")


# --- certificates and keys ------------------------------------------------------------------------------------


def _trust(options: Options, output: Output | None) -> TrustStore | None:
    """The trust store of ``-F`` and ``-P``, by default empty; None after an error, which disables TLS."""
    named = f'CAfile="{options.ca_file}"' if options.ca_file else f'CApath="{options.ca_path}"'
    try:
        store = truststore.load(options.ca_file, _directory(options.ca_path))
    except truststore.TrustStoreError as error:
        if output is None:
            raise Fatal(str(error)) from None
        output.line(f"cannot load Certification Authority data, {named}: disabling TLS support")
        output.line(f"warning: {error}")
        return None
    if (options.ca_file or options.ca_path) and options.parameters.get("tls_append_default_CA") == "yes":
        return _joined(store, truststore.system())
    return store


def _directory(path: str | None) -> str | None:
    """A CApath is looked into when it is needed: one without certificates, or that is none, is no error."""
    if path is None or not Path(path).is_dir():
        return None
    return path if any(child.is_file() for child in Path(path).iterdir()) else None


def _joined(store: TrustStore, other: TrustStore | None) -> TrustStore:
    """Both stores' certificates, those of the first before."""
    if other is None:
        return store
    subjects = {**other.by_subject, **store.by_subject}
    merged = {s: tuple(dict.fromkeys((*store.by_subject.get(s, ()), *other.by_subject.get(s, ())))) for s in subjects}
    return TrustStore(merged)


def _anchors(options: Options, output: Output) -> tuple[TLSARecord, ...]:
    """The trust anchors of ``-A``, which only the levels verify and secure read."""
    found: list[TLSARecord] = []
    for path in options.anchors if options.level in (Level.VERIFY, Level.SECURE) else ():
        try:
            anchors = anchor_records(Path(path).read_bytes())
        except OSError as error:
            output.line(f"warning: error opening trust anchor file: {path}: {error.strerror}")
            anchors = ()
        except ValueError:
            anchors = ()
        if not anchors:
            raise Fatal(f"Failed to load trust anchor file: {path}")
        found += anchors
    return tuple(found)


# --- other settings -------------------------------------------------------------------------------------------


def _known_digest(options: Options, output: Output) -> bool:
    try:
        hashlib.new(options.digest)
    except ValueError:
        _tell(output, f'warning: Digest algorithm "{options.digest}" not found', "warning: disabling TLS support")
        return False
    return True


def _tlsa_digests(options: Options, output: Output) -> tuple[str, ...]:
    """The digests of TLSA records in use: of ``tls_dane_digests``, those that have the number of the registry."""
    numbers = {"sha256": tlsa.SHA256, "sha512": tlsa.SHA512}
    found = []
    for word in re.split(r"[,\s]+", options.parameters.get("tls_dane_digests", "sha512 sha256")):
        name, equals, number = word.lower().partition("=")
        if name in numbers and (not equals or number == str(numbers[name])):
            found.append(name)
        elif name not in numbers and not equals:
            output.line(f"warning: tls_dane_digests: digest algorithm {name} needs an explicit number")
    return tuple(found)


def _groups(options: Options) -> list[str]:
    """Drop key exchange groups that OpenSSL does not know, and say so."""
    known, lines = [], []
    for name in offer.groups(options.parameters):
        try:
            context_for(TLSProfile(f"group {name}", "ALL", security_level=0, groups=name))
        except ValueError:
            lines.append(f'warning: ignoring unknown key exchange group "{name}"')
        else:
            known.append(name)
    if lines:
        options.parameters.update({"tls_eecdh_auto_curves": " ".join(known), "tls_ffdhe_auto_groups": ""})
    return lines


def _key_note(options: Options) -> list[str]:
    """Where raw public keys would be asked for (RFC 7250), say that they cannot be."""
    asked = options.raw_keys and options.level in (Level.MAY, Level.ENCRYPT, Level.FINGERPRINT)
    return ["warning: raw public keys (-x) cannot be asked for with this TLS library"] if asked else []


def _mask(options: Options, output: Output) -> log_keywords.Log:
    _tell(output, *log_complaint(options.log) * (PARSES if options.level is not Level.NONE else PARSES - 2))
    return log_keywords.parse(options.log)[0]
