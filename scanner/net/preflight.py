"""DNS queries that test a resolver for ``core.preflight``; the answer to a failed query describes the failure."""

from dataclasses import replace

import trio

from scanner.core.preflight import Check, PreflightNames, Sample, Window, judge, window_of
from scanner.core.wire import Message, Question, asked
from scanner.facts import Answer
from scanner.net.exchange import Miss, NameServer, missed, new_ask, over_tcp, server_at
from scanner.net.resolver import Resolver, open_resolver
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
    questions = [
        *(("signed", name, "SOA") for name in names.signed),
        *(("bogus", name, "SOA") for name in names.bogus),
        *(("unsigned", name, "SOA") for name in names.unsigned),
        *(("denied", name, "TLSA") for name in names.denied),
    ]
    async with open_resolver(replace(dns, servers=(server,), attempt=ATTEMPT, total=TOTAL)) as resolver:
        answers, tcp = await _all(resolver, questions, at, names.signed)
    by_purpose = {
        purpose: tuple(answer for (of, _, _), answer in zip(questions, answers, strict=True) if of == purpose)
        for purpose in ("signed", "bogus", "unsigned", "denied")
    }
    return Sample(at.label, trusted=True, tcp=tcp, **by_purpose)


async def signature_window(server: tuple[str, int], dns: DNSSettings) -> Window | None:
    """Return the validity period of the signature on the root's DNSKEY records, or None without a reply.

    The DNSKEY query has the CD bit set (checking disabled), because a validating resolver with a wrong clock would
    answer SERVFAIL to a query without the CD bit.
    """
    at = server_at(*server, trust=dns.trust, bind=dns.bind)
    reply = await _by_tcp(at, Question(".", "DNSKEY"), cd=True)
    return window_of(reply) if isinstance(reply, Message) else None


async def _all(
    resolver: Resolver, questions: list[tuple[str, str, str]], at: NameServer, signed: tuple[str, ...]
) -> tuple[list[Answer], str]:
    answers: dict[int, Answer] = {}
    tcp = ["no name to query"]

    async def ask(index: int, name: str, rtype: str) -> None:
        answers[index] = await resolver.lookup(name, rtype)

    async def ask_by_tcp(name: str) -> None:
        reply = await _by_tcp(at, asked(name, "SOA"), cd=False)
        tcp[0] = reply.error if isinstance(reply, Miss) else ""

    async with trio.open_nursery() as nursery:
        for index, (_, name, rtype) in enumerate(questions):
            nursery.start_soon(ask, index, name, rtype)
        if signed:
            nursery.start_soon(ask_by_tcp, signed[0])
    return [answers[index] for index in range(len(questions))], tcp[0]


async def _by_tcp(server: NameServer, question: Question, *, cd: bool) -> Message | Miss:
    with trio.move_on_after(TOTAL):
        try:
            return await over_tcp(server, new_ask(question, dnssec=True, cd=cd))
        except OSError as error:
            return missed(error)
    return Miss("timed out", silent=True)
