"""``mxsweep finger``: options in, exit status out (0 whatever the verdict, 1 for usage and fatal errors).

Log lines go to stdout, usage and notes of our own to stderr. Installed under the name ``posttls-finger`` (a link will
do) it answers to that name.
"""

import hashlib
import ipaddress
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

from scanner.core.pkix import TrustStore, anchor_records
from scanner.finger import logging as log_keywords
from scanner.finger.options import Fatal, Options, Usage, parse, wants_help
from scanner.finger.output import Output
from scanner.finger.session import Session, Setup
from scanner.finger.usage import HELP, USAGE
from scanner.model import Answer, TLSARecord
from scanner.net import truststore
from scanner.net.resolver import Resolver, open_resolver, system_servers
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

OUR_NAMES = ("mxsweep", "posttls-finger")


def main(argv: Sequence[str]) -> int:
    """Run finger with its arguments (without the program's name)."""
    if wants_help(argv):
        sys.stdout.write(HELP)
        return 0
    program = _program()
    output = Output(program)
    try:
        options = parse(argv)
        return trio.run(_run, options, output)
    except Usage as error:
        sys.stderr.write(f"{program}: {error}\n" if str(error) else "")
        sys.stderr.write(USAGE.format(program=program))
        return 1
    except Fatal as error:
        output.line(f"fatal: {error}")
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


async def _run(options: Options, output: Output) -> int:
    _note_resolver()
    async with open_resolver(DNSSettings(trust=True)) as resolver:
        if options.json:
            from scanner.cli.finger_records import print_records  # noqa: PLC0415 - the plain command starts without it

            return await print_records(options, resolver, _trust(options, None) or TrustStore.from_pem(), ehlo(options))
        trust = _trust(options, output)
        setup = Setup(
            options=options,
            trust=trust or TrustStore.from_pem(),
            anchors=_anchors(options),
            tls=trust is not None and _known_digest(options, output),
            ehlo=ehlo(options),
            mask=_mask(options, output),
            lookup=_Watch(resolver, options, output).lookup,
            output=output,
        )
        _warn_about_matches(options, output)
        return await Session(setup).run()


def ehlo(options: Options) -> str:
    """The EHLO name: ``myhostname``."""
    return options.parameters.get("myhostname") or socket.gethostname()


def _note_resolver() -> None:
    """Postfix believes resolv.conf; where that is not this machine, the AD bit crossed a network unprotected."""
    remote = [address for address, _ in system_servers() if not ipaddress.ip_address(address).is_loopback]
    if remote:
        sys.stderr.write(f"note: DNSSEC answers of {', '.join(remote)} are believed as resolv.conf names it\n")


def _trust(options: Options, output: Output | None) -> TrustStore | None:
    """The trust store of ``-F`` and ``-P``, by default none; None after an error, which disables TLS."""
    try:
        return truststore.load(options.ca_file, options.ca_path)
    except truststore.TrustStoreError as error:
        if output is None:
            raise Fatal(str(error)) from None
        named = f'CAfile="{options.ca_file}"' if options.ca_file else f'CApath="{options.ca_path}"'
        output.line(f"cannot load Certification Authority data, {named}: disabling TLS support")
        output.line(f"warning: {error}")
        return None


def _anchors(options: Options) -> tuple[TLSARecord, ...]:
    found: list[TLSARecord] = []
    for path in options.anchors:
        try:
            found += anchor_records(Path(path).read_bytes())
        except OSError as error:
            raise Fatal(f"error opening trust anchor file: {path}: {error.strerror}") from None
        except ValueError as error:
            raise Fatal(f"error reading trust anchor file: {path}: {error}") from None
    return tuple(found)


def _known_digest(options: Options, output: Output) -> bool:
    try:
        hashlib.new(options.digest)
    except ValueError:
        output.line(f'warning: Digest algorithm "{options.digest}" not found')
        output.line("warning: disabling TLS support")
        return False
    return True


def _mask(options: Options, output: Output) -> log_keywords.Log:
    mask, unknown = log_keywords.parse(options.log)
    if unknown is not None:
        output.line(f'warning: unknown "-L" keyword "{unknown}": nothing is logged about TLS')
    return mask


def _warn_about_matches(options: Options, output: Output) -> None:
    if options.matches and not options.level.must_match:
        output.line(f"warning: TLS level '{options.level}' does not implement certificate matching")


class _Watch:
    """Asks the resolver and, once, warns when nothing it says is validated (``dnssec_probe``)."""

    def __init__(self, resolver: Resolver, options: Options, output: Output) -> None:
        self._resolver = resolver
        self._probe = options.parameters.get("dnssec_probe", "ns:.")
        self._output = output
        self._settled = not self._probe

    async def lookup(self, name: str, rtype: str) -> Answer:
        """The answer to a question."""
        answer = await self._resolver.lookup(name, rtype)
        if answer.security is Security.SECURE:
            self._settled = True
        elif answer.outcome is not Outcome.ERROR and not self._settled:
            self._settled = True
            await self._ask_probe()
        return answer

    async def _ask_probe(self) -> None:
        rtype, _, name = self._probe.partition(":")
        answer = await self._resolver.lookup(name or ".", rtype.upper())
        if answer.security is Security.SECURE:
            return
        self._output.line("warning: DNSSEC validation may be unavailable")
        if answer.outcome is Outcome.ERROR:
            why = f"received no response: {answer.error}"
        else:
            why = "received a response that is not DNSSEC validated"
        self._output.line(f"warning: reason: dnssec_probe '{self._probe}' {why}")
