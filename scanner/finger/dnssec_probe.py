"""DNS queries of a run of ``mxsweep finger``, and the warning that no answer is DNSSEC-validated.

If a run requests DNSSEC and no answer was validated yet, finger sends one probe query for a name in a signed zone, as
Postfix does. Postfix's parameter ``dnssec_probe`` contains the type and the name of the probe query. The answer to the
probe query can cause warnings, but does not affect the verdict.
"""

from collections.abc import Mapping

from scanner.facts import Answer
from scanner.finger.finger_ports import FingerPorts
from scanner.finger.output import Output
from scanner.vocabulary import Outcome, Security

DEFAULT_PROBE = "ns:."


class DNSQueries:
    """The DNS queries and answers of a run of ``mxsweep finger``."""

    def __init__(self, ports: FingerPorts, parameters: Mapping[str, str], output: Output) -> None:
        self._ports = ports
        self._probe = parameters.get("dnssec_probe", DEFAULT_PROBE)
        self._output = output
        self._settled = not self._probe
        self.answers: dict[tuple[str, str], Answer] = {}

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Return the answer to a DNS query, and store the answer."""
        answer = self.answers[name, rtype] = await self._ports.lookup(name, rtype, dnssec=dnssec)
        if answer.security is Security.SECURE:
            self._settled = True
        elif dnssec and answer.outcome is not Outcome.ERROR and not self._settled:
            self._settled = True
            await self._ask_probe()
        return answer

    async def _ask_probe(self) -> None:
        rtype, _, name = self._probe.partition(":")
        answer = await self._ports.lookup(name or ".", rtype.upper())
        if answer.security is Security.SECURE:
            return
        self._output.line("warning: DNSSEC validation may be unavailable")
        if answer.outcome is Outcome.ERROR:
            why = f"received no response: {answer.error}"
        else:
            why = "received a response that is not DNSSEC validated"
        self._output.line(f"warning: reason: dnssec_probe '{self._probe}' {why}")
