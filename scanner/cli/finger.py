"""``mxsweep finger``: posttls-finger's command line, setup and exit status (0 for every verdict, 1 for errors).

Log lines go to stdout, usage and notes of mxsweep's own to stderr. Called through a link named ``posttls-finger``, the
program shows that name.
"""

import hashlib
import ipaddress
import os
import re
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import trio

from scanner.core import tlsa
from scanner.finger import logging as log_keywords
from scanner.finger import maincf, offer
from scanner.finger.addresses import Lookup
from scanner.finger.options import Fatal, Options, Usage, log_complaint, parse, wants_help
from scanner.finger.output import Output
from scanner.finger.session import Session
from scanner.finger.setup import Setup
from scanner.finger.usage import HELP, USAGE
from scanner.finger.world import Network, World
from scanner.net.resolver import open_resolver, system_servers
from scanner.settings import DNSSettings, TLSProfile
from scanner.vocabulary import Level

OUR_NAMES = ("mxsweep", "posttls-finger")

PARSES = 4
"""How often posttls-finger reads the ``-L`` list, and so repeats a warning about it; without TLS two times fewer."""


def main(argv: Sequence[str]) -> int:
    """Run finger with its arguments, without the name of the program, and return the exit status."""
    if wants_help(argv):
        sys.stdout.write(HELP)
        return 0
    program = _program()
    output = Output(program, troubles_only="--json" in argv)
    try:
        options = read(argv, os.environ, output)
        return trio.run(_run, options, argv, output)
    except Usage as error:
        sys.stderr.write(f"{program}: {error}\n" if str(error) else "")
        sys.stderr.write(USAGE.format(program=program))
        return 1
    except Fatal as error:
        _print(output, *error.lines, f"fatal: {error}")
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
    """Read the options and main.cf.

    Args:
        argv: the command line without the name of the program.
        environ: the environment; ``MAIL_CONFIG`` names the directory of main.cf.
        output: receives warnings.

    Raises:
        Usage: the command line is invalid.
        Fatal: an error at which posttls-finger ends.
    """
    try:
        config = maincf.load(environ)
        settled = parse(argv, lambda overrides: maincf.settle(config, overrides))
    except maincf.MainCfError as error:
        raise Fatal(str(error), *error.lines) from None
    _print(output, *config.warnings)
    return settled


async def _run(options: Options, argv: Sequence[str], output: Output) -> int:
    _note_resolver()
    async with open_resolver(DNSSettings(trust=True)) as resolver:
        if options.json and options.every_address:
            from scanner.cli.finger_audit import audit  # noqa: PLC0415 - slow to load, and the plain command does not need it

            return await audit(_setup(options, Network(resolver.lookup, 0), output), resolver)
        return await _observe(options, argv, resolver.lookup, output)


async def _observe(options: Options, argv: Sequence[str], lookup: Lookup, output: Output) -> int:
    """Run the session, save it with ``--save``, and print its lines or, with ``--json``, its record."""
    seed = secrets.randbits(32)
    setup = _setup(options, Network(lookup, seed), output)
    if options.json:
        from scanner.cli import finger_records  # noqa: PLC0415 - slow to load, and the plain command does not need it

        finger_records.check(setup)
    if options.save is None:
        session = Session(setup)
        status = await session.run()
    else:
        from scanner.cli.replay import saved_run  # noqa: PLC0415 - slow to load, and the plain command does not need it

        session, status = await saved_run(setup, argv, seed, options.save)
    if options.json:
        finger_records.print_record(session)
    return status


def _setup(options: Options, world: World, output: Output) -> Setup:
    """Return the setup of the session; its warnings come in the order of posttls-finger."""
    _print(output, *log_complaint(options.log) * (PARSES if options.level is not Level.NONE else PARSES - 2))
    setup = Setup(
        options=options,
        trust=None,
        anchors=(),
        tls=True,
        ehlo=ehlo(options),
        mask=log_keywords.parse(options.log)[0],
        world=world,
        output=output,
    )
    setup = _with_tls(setup)
    if options.matches and not options.level.must_match:
        output.line(f"warning: TLS level '{options.level}' does not implement certificate matching")
    return setup


def _with_tls(setup: Setup) -> Setup:
    """Add what TLS needs from files and parameters; after an error in it, the session continues without TLS."""
    options, output = setup.options, setup.output
    if _names_files(options):
        from scanner.finger import authorities, identity  # noqa: PLC0415 - slow to load, and seldom needed

        setup = replace(setup, anchors=authorities.anchors(options))
    if options.level is Level.NONE:
        return setup
    if not _known_digest(options, output):
        return replace(setup, tls=False)
    if _names_files(options):
        trust, lines = authorities.roots(options)
        shown = identity.load(options) if trust is not None else identity.Loaded(tls=False)
        _print(output, *lines, *shown.lines)
        setup = replace(setup, trust=trust, identity=shown.identity, tls=shown.tls)
    if setup.tls:
        setup = replace(setup, digests=_tlsa_digests(options, output))
        _print(output, *_groups(options), *_key_note(options))
        for name in offer.OPTIONS:
            _print(output, *offer.bits(options.parameters, name)[1])
    return setup


def _names_files(options: Options) -> bool:
    authorities = options.ca_file or options.ca_path or options.anchors
    return bool(authorities or options.chains or options.certificate)


def _print(output: Output, *lines: str) -> None:
    for line in lines:
        output.line(line)


def ehlo(options: Options) -> str:
    """Return the EHLO name: ``myhostname`` of main.cf, else the name of this host."""
    return options.parameters.get("myhostname") or socket.gethostname()


def _note_resolver() -> None:
    """Print a note if resolv.conf names a remote resolver: its AD bit crosses a network without protection."""
    remote = [address for address, _ in system_servers() if not ipaddress.ip_address(address).is_loopback]
    if remote:
        sys.stderr.write(f"note: the AD bit of {', '.join(remote)} is trusted because resolv.conf names it\n")


# --- other settings -------------------------------------------------------------------------------------------


def _known_digest(options: Options, output: Output) -> bool:
    try:
        hashlib.new(options.digest)
    except ValueError:
        _print(output, f'warning: Digest algorithm "{options.digest}" not found', "warning: disabling TLS support")
        return False
    return True


def _tlsa_digests(options: Options, output: Output) -> tuple[str, ...]:
    """Return the digests of TLSA records in use: those of ``tls_dane_digests`` with their registered number."""
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
    """Remove key exchange groups that OpenSSL does not know, and return a warning for each."""
    wanted = offer.groups(options.parameters)
    if not wanted:
        return []
    from scanner.net.tls import context_for  # noqa: PLC0415 - slow to load, and seldom needed

    known, lines = [], []
    for name in wanted:
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
    """Return a warning if the options request raw public keys (RFC 7250), which the TLS library cannot request."""
    asked = options.raw_keys and options.level in (Level.MAY, Level.ENCRYPT, Level.FINGERPRINT)
    return ["warning: raw public keys (-x) cannot be asked for with this TLS library"] if asked else []
