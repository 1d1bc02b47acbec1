"""``mxsweep finger --json --all``: every address of every MX host, examined and judged as by ``scan``.

With ``--all``, options that ``scan`` does not have (some TLS security levels, trust anchors, match arguments, ``-M``,
``-f`` and others) are errors. Without ``--all``, ``--json`` supports options that ``scan`` does not have.
"""

import sys
from dataclasses import replace

from results.store.line_sink import LineSink
from scanner.core.pkix import EMPTY
from scanner.facts import Endpoint
from scanner.finger.logged_probe import mode_of
from scanner.finger.options import Fatal, Options, limit
from scanner.finger.preparation import Setup
from scanner.finger.tls_offer import OfferError, profile
from scanner.net.probe import ProbeResult, probe
from scanner.net.resolver import Resolver
from scanner.run.examine import Examiner
from scanner.run.ports import Ports, ProbeEndpoint
from scanner.run.stats import Stats
from scanner.settings import WITH_AUTHENTICATION, WITHOUT_AUTHENTICATION, Settings, Timeouts, TLSProfile
from scanner.vocabulary import Level
from targets.lists import Target
from targets.scope import Scope

JUDGED = (Level.MAY, Level.ENCRYPT, Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE)

_PROFILES = {each.name: each for each in (*WITH_AUTHENTICATION, *WITHOUT_AUTHENTICATION)}


async def audit(setup: Setup, resolver: Resolver) -> int:
    """Examine the destination, print its record, and return the exit status.

    Raises:
        Fatal: the command line contains an option that ``scan`` does not have.
    """
    options = setup.options
    _check(options)
    settings = _settings(options, setup.ehlo)
    probe_one = _prober(options, settings)
    tools = Ports(settings, resolver.lookup, probe_one, setup.trust or EMPTY, Scope(allow_private=True), Stats(total=1))
    target = Target(options.destination, options.destination.raw, "finger", 1)
    finding = await Examiner(tools).examine(target)
    with LineSink(sys.stdout.buffer) as sink:
        sink.put_domain(finding.record, finding.reports, finding.certs or {})
    return 0


def _check(options: Options) -> None:
    unknown = {
        f"-l {options.level}": options.level not in JUDGED,
        "-A": bool(options.anchors),
        "-M": options.insecure_mx is not Level.DANE,
        "-f": options.force_tlsa,
        "-R": options.srv,
        "match arguments": bool(options.matches),
        "-s": options.sni is not None,
        "--save": options.save is not None,
    }
    refused = [name for name, given in unknown.items() if given]
    if refused:
        raise Fatal(f"--json --all judges as scan does, which does not support {', '.join(refused)}")


def _settings(options: Options, ehlo: str) -> Settings:
    connect, command = limit(options.connect_timeout), limit(options.command_timeout)
    patience = Timeouts()
    return Settings(
        level=options.level,
        mode=mode_of(options),
        port=options.destination.port,
        ehlo=ehlo,
        allow_private=True,
        cert_algs=(),  # the ciphers and protocols of the command line get one certificate
        timeouts=Timeouts(
            connect, connect, command, command, min(command, patience.quit), connect * 2 + command * 4 + patience.quit
        ),
    )


def _prober(options: Options, settings: Settings) -> ProbeEndpoint:
    """Return a function that probes an endpoint with the cipher grade and protocols of the command line.

    All properties of the TLS offer except cipher grade and protocols come from the TLS profile that the endpoint names.
    """
    profiles = {name: _offer(options, name) for name in _PROFILES}

    async def one(endpoint: Endpoint, host: str) -> ProbeResult:  # noqa: ARG001 - a parameter of the protocol
        return await probe(endpoint, profile=profiles[endpoint.profile], ehlo=settings.ehlo, timeouts=settings.timeouts)

    return one


def _offer(options: Options, name: str) -> TLSProfile:
    must_match = _PROFILES[name] not in WITHOUT_AUTHENTICATION
    try:
        made = profile(options.grade, options.protocols, options.parameters, must_match=must_match)
    except OfferError as error:
        raise Fatal(str(error)) from None
    return replace(made, name=name, groups=_PROFILES[name].groups or made.groups)
