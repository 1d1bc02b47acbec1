"""The query with checking disabled (CD, RFC 4035 section 3.2.2) that follows a SERVFAIL of a validating resolver."""

from collections.abc import Awaitable, Callable

from scanner.core.answers import bogus, shows_bogus
from scanner.core.wire import Message
from scanner.facts import Answer
from scanner.net.exchange import Miss


async def bogus_or_refused(refused: Answer, query: Callable[[], Awaitable[Message | Miss]]) -> Answer:
    """Return a SERVFAIL answer as bogus if the same query with CD set succeeds; else return the answer unchanged.

    Args:
        refused: the SERVFAIL answer of a trusted server.
        query: function that sends the same query with CD set to the server that sent the SERVFAIL answer.
    """
    unchecked = await query()
    shown = isinstance(unchecked, Message) and shows_bogus(refused, unchecked)
    return bogus(refused) if shown else refused
