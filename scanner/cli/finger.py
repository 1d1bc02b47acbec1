"""``mxsweep finger``, the counterpart of posttls-finger for one destination.

Log lines are written to stdout; usage errors and notes of mxsweep are written to stderr. The exit status is 0 for any
verdict, and 1 for usage, fatal and internal errors. If the program is called by the name ``posttls-finger``, for
example through a link, its log lines contain that name.
"""

import ipaddress
import logging
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import trio

from scanner.facts import Answer
from scanner.finger import maincf
from scanner.finger.addresses import AskDNS
from scanner.finger.finger_ports import NetworkPorts
from scanner.finger.finger_run import FingerRun
from scanner.finger.options import Fatal, Options, Usage, parse, wants_help
from scanner.finger.output import Output
from scanner.finger.preparation import prepare
from scanner.finger.usage import HELP, USAGE
from scanner.net.resolver import open_resolver, system_servers
from scanner.settings import DNSSettings

OUR_NAMES = ("mxsweep", "posttls-finger")


def main(argv: Sequence[str]) -> int:
    """Run finger with its arguments, without the program's name."""
    if wants_help(argv):
        sys.stdout.write(HELP)
        return 0
    logging.getLogger("mxsweep").addHandler(logging.NullHandler())  # the log is that of a scan: no lines on stderr
    program = _program()
    output = Output(program, troubles_only="--json" in argv)
    try:
        options = read(argv, os.environ, output)
        if options.bad_destination is not None:
            prepare(options, NetworkPorts(_no_lookup), output)
            raise options.bad_destination
        return trio.run(_run, options, argv, output)
    except Usage as error:
        sys.stderr.write(f"{program}: {error}\n" if str(error) else "")
        sys.stderr.write(USAGE.format(program=program))
        return 1
    except Fatal as error:
        output.lines(*error.lines, f"fatal: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    finally:
        output.close()


async def _no_lookup(name: str, rtype: str, *, dnssec: bool = True) -> Answer:
    raise RuntimeError(f"DNS lookup without a run: {name} {rtype} {dnssec}")


def _program() -> str:
    name = Path(sys.argv[0]).name
    return name if name in OUR_NAMES else "mxsweep"


def read(argv: Sequence[str], environ: Mapping[str, str], output: Output) -> Options:
    """Parse the command line and main.cf, print the warnings about main.cf, and return the options.

    Raises:
        Usage: the command line has a syntax error.
        Fatal: an error that is fatal in posttls-finger.
    """
    try:
        config = maincf.load(environ)
        settled = parse(argv, lambda overrides: maincf.settle(config, overrides))
    except maincf.MainCfError as error:
        raise Fatal(str(error), *error.lines) from None
    output.lines(*config.warnings)
    return settled


async def _run(options: Options, argv: Sequence[str], output: Output) -> int:
    _note_resolver()
    async with open_resolver(DNSSettings(trust=True)) as resolver:
        if options.json and options.every_address:
            from scanner.cli.finger_audit import audit  # noqa: PLC0415 - only --all needs it

            return await audit(prepare(options, NetworkPorts(resolver.lookup, 0), output), resolver)
        return await _observe(options, argv, resolver.lookup, output)


async def _observe(options: Options, argv: Sequence[str], lookup: AskDNS, output: Output) -> int:
    """Run finger; with ``--save``, save the run; with ``--json``, print the record of the run."""
    seed = secrets.randbits(32)
    setup = prepare(options, NetworkPorts(lookup, seed), output)
    if options.json:
        from scanner.cli import finger_records  # noqa: PLC0415 - only --json needs it

        finger_records.check(setup)
    if options.save is None:
        session = FingerRun(setup)
        status = await session.run()
    else:
        from scanner.cli.replay import saved_run  # noqa: PLC0415 - only --save needs it

        session, status = await saved_run(setup, argv, seed, options.save)
    if options.json:
        finger_records.print_record(session)
    return status


def _note_resolver() -> None:
    """Print a note if resolv.conf names a remote resolver, whose AD bit is not protected on the network."""
    remote = [address for address, _ in system_servers() if not ipaddress.ip_address(address).is_loopback]
    if remote:
        sys.stderr.write(f"note: the AD bit of {', '.join(remote)} is trusted because resolv.conf names it\n")
