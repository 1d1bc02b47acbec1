"""DNS answers and verdicts of a scan, computed inside the client's network namespace.

``python -m tests.dns.client CERTIFICATE.der`` reads requests, one JSON object a line, and answers each with a line:
``{"servers": [[ADDRESS, PORT], ...], "asks": [[NAME, TYPE], ...], "domains": [NAME, ...], ...}`` brings
``{"answers": [ANSWER, ...], "records": [DOMAIN RECORD, ...]}``. All of a request is done at once. Resolvers live as
long as the process, one for each set of settings. Every mail server is a fake that shows the certificate.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trio

from results.store.codec import plain
from scanner.core.pkix import TrustStore
from scanner.core.x509 import facts as certs
from scanner.facts import Answer, Endpoint, Handshake, Probe
from scanner.net.probe import ProbeResult
from scanner.net.resolver import Resolver, open_resolver
from scanner.net.single_flight import gather
from scanner.run.examine import Examiner
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import DNSSettings, Settings
from scanner.vocabulary import StartTLS
from targets.destination import parse_destination
from targets.lists import Target
from targets.scope import Scope


def server_with(der: bytes) -> Any:
    """A probe that always finds this certificate."""

    async def probe(endpoint: Endpoint, host: str) -> ProbeResult:
        await trio.lowlevel.checkpoint()
        shake = Handshake(
            "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, None, None, endpoint.sni, (certs.facts(der).sha256,)
        )
        return ProbeResult(Probe(endpoint, datetime.now(UTC), {}, StartTLS.OFFERED, handshake=shake), (der,))

    return probe


async def answers(resolver: Resolver, asks: list[tuple[str, str]]) -> list[Answer]:
    """All answers, asked for at once and anew."""
    return await gather(asks, lambda ask: resolver.lookup(*ask, fresh=True))


async def records(resolver: Resolver, domains: list[str], der: bytes) -> list[Any]:
    """All domains examined and judged at level dane."""
    trust, scope = TrustStore.from_pem(), Scope(allow_private=True)
    tools = Ports(Settings(), resolver.lookup, server_with(der), trust, scope, Stats())
    targets = [Target(parse_destination(name), name, "", 1) for name in domains]
    found = await gather(targets, Examiner(tools).examine)
    return [finding.record for finding in found]


async def serve(der: bytes) -> None:
    """Do requests one after the other until the input ends."""
    known: dict[DNSSettings, Resolver] = {}
    lines = trio.wrap_file(sys.stdin)
    async for line in lines:
        request = json.loads(line)
        asks, domains = request.pop("asks", []), request.pop("domains", [])
        settings = DNSSettings(**{key: _frozen(value) for key, value in request.items()})
        if settings not in known:
            async with open_resolver(settings) as resolver:  # it holds nothing that would have to be closed
                known[settings] = resolver
        resolver = known[settings]
        found = {
            "answers": [plain(answer) for answer in await answers(resolver, asks)],
            "records": [plain(record) for record in await records(resolver, domains, der)],
        }
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


if __name__ == "__main__":
    trio.run(serve, Path(sys.argv[1]).read_bytes())
