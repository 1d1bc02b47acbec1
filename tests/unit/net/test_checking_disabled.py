"""A SERVFAIL is bogus if the same query with CD set succeeds (RFC 4035 section 3.2.2), else a failed lookup."""

import pytest

from scanner.core.answers import failed
from scanner.core.wire import Message
from scanner.net.checking_disabled import bogus_or_refused
from scanner.net.exchange import Miss
from scanner.vocabulary import Security

REFUSED = failed("a.test", "MX", "SERVFAIL")


def reply(rcode: str) -> Message:
    return Message(1, qr=True, tc=False, aa=False, ra=True, ad=False, rcode=rcode, question=None)


@pytest.mark.parametrize(
    ("unchecked", "bogus"),
    [
        (reply("NOERROR"), True),
        (reply("NXDOMAIN"), True),
        (reply("SERVFAIL"), False),
        (Miss("timeout", silent=True), False),
    ],
)
async def test_the_query_with_checking_disabled_decides(unchecked: Message | Miss, bogus: bool) -> None:  # noqa: FBT001 - a column of the table
    async def query() -> Message | Miss:
        return unchecked

    answer = await bogus_or_refused(REFUSED, query)
    assert (answer.security is Security.BOGUS) == bogus
    assert bogus or answer is REFUSED
