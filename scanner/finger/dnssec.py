"""Questions of a run, each kept with its answer, and the warning when nothing that is answered is validated.

Postfix asks once for something that is signed everywhere (``dnssec_probe``) when a validated answer was due and none
has come yet; what it then says is a hint to the user and changes nothing.
"""

from collections.abc import Mapping

from scanner.facts import Answer
from scanner.finger.output import Output
from scanner.finger.world import World
from scanner.vocabulary import Outcome, Security

DEFAULT_PROBE = "ns:."


class Questions:
    """Asks the world's DNS."""

    def __init__(self, world: World, parameters: Mapping[str, str], output: Output) -> None:
        self._world = world
        self._probe = parameters.get("dnssec_probe", DEFAULT_PROBE)
        self._output = output
        self._settled = not self._probe
        self.answers: dict[tuple[str, str], Answer] = {}

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """The answer to a question."""
        answer = self.answers[name, rtype] = await self._world.lookup(name, rtype, dnssec=dnssec)
        if answer.security is Security.SECURE:
            self._settled = True
        elif dnssec and answer.outcome is not Outcome.ERROR and not self._settled:
            self._settled = True
            await self._ask_probe()
        return answer

    async def _ask_probe(self) -> None:
        rtype, _, name = self._probe.partition(":")
        answer = await self._world.lookup(name or ".", rtype.upper())
        if answer.security is Security.SECURE:
            return
        self._output.line("warning: DNSSEC validation may be unavailable")
        if answer.outcome is Outcome.ERROR:
            why = f"received no response: {answer.error}"
        else:
            why = "received a response that is not DNSSEC validated"
        self._output.line(f"warning: reason: dnssec_probe '{self._probe}' {why}")
