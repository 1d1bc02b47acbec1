"""DNS queries that test a resolver for ``core.preflight``; a failed query returns an ``Answer`` with the failure."""

from dataclasses import asdict, replace

import trio

from scanner.core.preflight import Check, PreflightNames, Sample, Window, judge, window_of
from scanner.core.wire import Message, Question, asked
from scanner.facts import Answer
from scanner.net.exchange import Miss, NameServer, missed, new_ask, over_tcp, server_at
from scanner.net.resolver import open_resolver
from scanner.settings import DNSSettings

ATTEMPT = 5.0  # seconds for one query; a resolver with an empty cache starts at the root
TOTAL = 10.0  # seconds for one question, and for the whole preflight, whose questions are concurrent


async def inspect(server: tuple[str, int], dns: DNSSettings, names: PreflightNames) -> tuple[Check, ...]:
    """Test whether one resolver validates DNSSEC.

    Args:
        server: address and port of the resolver.
        dns: settings of DNS questions: the trust in resolvers and the local address; the servers and time limits in the
            settings are not used.
        names: the names to query.

    Returns:
        The rows of the table of checks that ``core.preflight.judge`` returns for the answers.
    """
    return judge(await sample(server, dns, names))


async def sample(server: tuple[str, int], dns: DNSSettings, names: PreflightNames) -> Sample:
    """Send all test queries to a trusted resolver concurrently; send no query to an untrusted resolver.

    The arguments are those of ``inspect``.
    """
    at = server_at(*server, trust=dns.trust, bind=dns.bind)
    if not at.trusted:
        return Sample(at.label, trusted=False)
    by_purpose: dict[str, tuple[str, ...]] = asdict(names)
    answers: dict[tuple[str, str], Answer] = {}
    tcp = "no name to query"

    async def ask(purpose: str, name: str) -> None:
        answers[purpose, name] = await resolver.lookup(name, "TLSA" if purpose == "denied" else "SOA")

    async def ask_by_tcp(name: str) -> None:
        nonlocal tcp
        reply = await _by_tcp(at, asked(name, "SOA"), cd=False)
        tcp = reply.error if isinstance(reply, Miss) else ""

    alone = replace(dns, servers=(server,), attempt=ATTEMPT, total=TOTAL)
    async with open_resolver(alone) as resolver, trio.open_nursery() as nursery:
        for purpose, queried in by_purpose.items():
            for name in queried:
                nursery.start_soon(ask, purpose, name)
        if names.signed:
            nursery.start_soon(ask_by_tcp, names.signed[0])
    found = {purpose: tuple(answers[purpose, name] for name in queried) for purpose, queried in by_purpose.items()}
    return Sample(at.label, trusted=True, tcp=tcp, **found)


async def signature_window(server: tuple[str, int], dns: DNSSettings) -> Window | None:
    """Return the validity period of the signature on the root's DNSKEY records, or None without a signed reply.

    The DNSKEY query has the CD bit set (checking disabled), because a validating resolver with a wrong clock would
    answer SERVFAIL to a query without the CD bit.
    """
    at = server_at(*server, trust=dns.trust, bind=dns.bind)
    reply = await _by_tcp(at, Question(".", "DNSKEY"), cd=True)
    return window_of(reply) if isinstance(reply, Message) else None


async def _by_tcp(server: NameServer, question: Question, *, cd: bool) -> Message | Miss:
    with trio.move_on_after(TOTAL):
        try:
            return await over_tcp(server, new_ask(question, dnssec=True, cd=cd))
        except OSError as error:
            return missed(error)
    return Miss("timed out", silent=True)
