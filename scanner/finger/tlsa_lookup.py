"""TLSA lookups for addresses, and Postfix's lines about TLSA records; each RRset is queried once in a run.

The module ``core.tlsa`` chooses the TLSA base domains (RFC 7672 section 2.2.2).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from scanner.core import tlsa
from scanner.core.answers import NOT_A_NAME, postfix_text
from scanner.core.names import is_hostname, tlsa_name
from scanner.facts import Answer, TLSALookup
from scanner.finger.addresses import MAX_RECORDS, AskDNS, HostAddress, over_limit
from scanner.finger.log_keywords import LogMask
from scanner.vocabulary import Dane, Outcome, Security, Unusable

_FLAWS = {
    Unusable.USAGE: "{} unsupported TLSA certificate usage: {}",
    Unusable.PRIVATE_MATCHING_TYPE: "{} reserved private-use matching type: {}",
}


class TLSASearch:
    """The TLSA lookups of one finger run.

    Args:
        lookup: function that sends one DNS query.
        digests: the enabled digests of TLSA records, strongest first.
        mask: classes of TLS log lines to print.
        report: function that prints a line.
        force: true to look up TLSA records of hosts with insecure addresses too (``-f``).
    """

    def __init__(
        self, lookup: AskDNS, digests: Sequence[str], mask: LogMask, report: Callable[[str], None], *, force: bool
    ) -> None:
        self._lookup = lookup
        self._digests = digests
        self._force = force
        self._shown = bool(mask & (LogMask.DANE | LogMask.VERBOSE))
        self._report = report
        self._answers: dict[tuple[str, str], Answer] = {}

    async def find(self, host_address: HostAddress) -> TLSALookup:
        """Look up the TLSA records of the host to which an address belongs.

        All addresses of a host share the answers of one TLSA lookup, and the lines about the lookup are printed once. A
        failed TLSA lookup is not cached: the lookup for another address queries DNS again.
        """
        steps: list[Answer] = []
        news = False
        while True:
            step = tlsa.next_question(
                host_address.host,
                host_address.rname,
                host_address.security,
                host_address.port,
                tuple(steps),
                force=self._force,
                digests=self._digests,
            )
            if isinstance(step, TLSALookup):
                if news:
                    self._comment(host_address, step)
                return step
            news = step not in self._answers
            if news:
                self._answers[step] = self._limited(await self._lookup(*step))
            steps.append(self._answers[step])

    def _limited(self, answer: Answer) -> Answer:
        """Return the answer cut at Postfix's record limit, or without records for an invalid name.

        If the answer has more than ``MAX_RECORDS`` records, print Postfix's warning about the RRset.
        """
        if answer.error == NOT_A_NAME and not is_hostname(answer.name):
            return replace(answer, outcome=Outcome.NODATA, security=Security.INSECURE, error="")
        if len(answer.records) <= MAX_RECORDS:
            return answer
        self._report(over_limit(answer.name, answer.rtype))
        return replace(answer, records=answer.records[:MAX_RECORDS])

    def _comment(self, host_address: HostAddress, found: TLSALookup) -> None:
        if found.dane is Dane.LOOKUP_FAILED:
            self._answers.clear()
            self._report(f"warning: DANE TLSA lookup problem: {postfix_text(found.steps[-1])}")
            return
        if found.dane is Dane.NONE:
            return
        name = shown_name(found, host_address.port)
        for record in found.records:
            if record.unusable is Unusable.TRUNCATED:
                length = 3 + len(record.data) // 2  # usage, selector and matching type are three octets
                self._report(f"warning: {name}: truncated TLSA RR length == {length}")
            elif record.unusable in _FLAWS:
                self._report("warning: " + _FLAWS[record.unusable].format(name, tlsa.display(record)))
            elif self._shown:
                self._report(f"DNSSEC-signed TLSA record: {found.steps[-1].rname}: {tlsa.display(record)}")


def shown_name(found: TLSALookup, port: int) -> str:
    """Return the text of a TLSA RRset's name in warnings: the name, or for an alias ``ALIAS -> TARGET``."""
    asked = tlsa_name(found.base_domain, port)
    owner = found.steps[-1].rname if found.steps else ""
    return f"{asked} -> {owner}" if owner and owner.lower() != asked.lower() else asked
