"""The search for an address's TLSA records, each RRset asked for once a run, and what is said about it.

Where the records are looked for is ``core.tlsa``'s business (RFC 7672 section 2.2.2).
"""

from collections.abc import Callable, Sequence

from scanner.core import tlsa
from scanner.core.answers import postfix_text
from scanner.core.names import tlsa_name
from scanner.facts import Answer, TLSALookup
from scanner.finger.addresses import Candidate, Lookup
from scanner.finger.logging import Log
from scanner.vocabulary import Dane, Unusable

_FLAWS = {
    Unusable.USAGE: "{} unsupported TLSA certificate usage: {}",
    Unusable.PRIVATE_MATCHING_TYPE: "{} reserved private-use matching type: {}",
}


class TLSASearch:
    """TLSA records of the addresses of one run.

    Args:
        lookup: asks one DNS question.
        digests: digests of records in use, strongest first.
        force: look also behind insecure addresses (``-f``).
        mask: kinds of line to print.
        tell: prints a line.
    """

    def __init__(
        self, lookup: Lookup, digests: Sequence[str], mask: Log, tell: Callable[[str], None], *, force: bool
    ) -> None:
        self._lookup = lookup
        self._digests = digests
        self._force = force
        self._shown = bool(mask & (Log.DANE | Log.VERBOSE))
        self._tell = tell
        self._answers: dict[tuple[str, str], Answer] = {}

    async def find(self, candidate: Candidate) -> TLSALookup:
        """The records for an address; addresses of one host share them, and what there is to say is said once.

        A failure is not kept: the next address asks again.
        """
        steps: list[Answer] = []
        news = False
        while True:
            step = tlsa.next_question(
                candidate.host,
                candidate.rname,
                candidate.security,
                candidate.port,
                tuple(steps),
                force=self._force,
                digests=self._digests,
            )
            if isinstance(step, TLSALookup):
                if news:
                    self._comment(candidate, step)
                return step
            news = step not in self._answers
            if news:
                self._answers[step] = await self._lookup(*step)
            steps.append(self._answers[step])

    def _comment(self, candidate: Candidate, found: TLSALookup) -> None:
        if found.dane is Dane.LOOKUP_FAILED:
            self._answers.clear()
            self._tell(f"warning: DANE TLSA lookup problem: {postfix_text(found.steps[-1])}")
            return
        if found.dane is Dane.NONE:
            return
        name = shown_name(found, candidate.port)
        for record in found.records:
            if record.unusable is Unusable.TRUNCATED:
                self._tell(f"warning: {name}: truncated TLSA RR length == {_size(record.data)}")
            elif record.unusable in _FLAWS:
                self._tell("warning: " + _FLAWS[record.unusable].format(name, tlsa.display(record)))
            elif self._shown:
                self._tell(f"DNSSEC-signed TLSA record: {name}: {tlsa.display(record)}")


def _size(data: str) -> int:
    return 3 + len(data) // 2  # usage, selector and matching type come first


def shown_name(found: TLSALookup, port: int) -> str:
    """The name of a TLSA RRset as lines have it: behind an alias both names."""
    asked = tlsa_name(found.base_domain, port)
    owner = found.steps[-1].rname if found.steps else ""
    return f"{asked} -> {owner}" if owner and owner.lower() != asked.lower() else asked
