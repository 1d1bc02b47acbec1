"""``mxsweep finger --json``: the run as the records of ``scan``, one JSON line.

With ``--all`` every address of every MX host is probed; without, only up to the first that accepts a connection, as
the lines of finger have it: what comes after it was not looked at and takes no part in the verdict.
"""

import sys
from dataclasses import replace

import trio

from results.store import LineSink
from scanner.core.pkix import TrustStore
from scanner.finger.offer import OfferError, profile
from scanner.finger.options import Fatal, Options
from scanner.finger.session import FOREVER, limit, mode_of
from scanner.model import Endpoint
from scanner.net.probe import Sighting, probe
from scanner.net.resolver import Resolver
from scanner.run.examine import Examiner
from scanner.run.stats import Stats
from scanner.run.tools import ProbeEndpoint, Tools
from scanner.settings import AUTHENTICATED, PROFILES, Settings, Timeouts, TLSProfile
from scanner.vocabulary import Level
from targets.lists import Target
from targets.scope import Scope

JUDGED = (Level.MAY, Level.ENCRYPT, Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE)


async def print_records(options: Options, resolver: Resolver, trust: TrustStore, ehlo: str) -> int:
    """Examine the destination and print its record; the result is the exit status.

    Raises:
        Fatal: the level has no record, or the TLS options cannot be offered.
    """
    if options.level not in JUDGED:
        raise Fatal(f"--json knows the levels {', '.join(JUDGED)}")
    settings = Settings(
        level=options.level,
        mode=mode_of(options),
        port=options.destination.port,
        sni="auto",
        ehlo=ehlo,
        first_answer=not options.every_address,
        allow_private=True,
        timeouts=_timeouts(options),
    )
    scope = Scope(allow_private=True)
    tools = Tools(settings, resolver.lookup, _prober(options, settings), trust, scope, Stats(total=1))
    target = Target(options.destination, options.destination.raw, "finger", 1)
    async with trio.open_nursery() as nursery:
        finding = await Examiner(tools, nursery).domain(target)
    with LineSink(sys.stdout.buffer) as sink:
        sink.put_domain(finding.record, finding.reports, finding.certs or {})
    return 0


def _timeouts(options: Options) -> Timeouts:
    connect, command = limit(options.connect_timeout), limit(options.command_timeout)
    return Timeouts(connect, connect, command, command, min(command, Timeouts().quit), FOREVER)


def _prober(options: Options, settings: Settings) -> ProbeEndpoint:
    """Probes with the ciphers and protocols of the command line; the profile's name says how strictly."""
    profiles = {name: _offer(options, name) for name in PROFILES}

    async def one(endpoint: Endpoint) -> Sighting:
        return await probe(endpoint, profile=profiles[endpoint.profile], ehlo=settings.ehlo, timeouts=settings.timeouts)

    return one


def _offer(options: Options, name: str) -> TLSProfile:
    must_match = name == AUTHENTICATED.name
    try:
        made = profile(options.grade, options.protocols, options.parameters, must_match=must_match)
    except OfferError as error:
        raise Fatal(str(error)) from None
    return replace(made, groups=PROFILES[name].groups)
