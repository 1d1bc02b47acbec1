"""Limits on simultaneous probes for one scanned domain, and on the evidence in memory for the domain.

Several domains may use one MX host, and several MX hosts may have one address. A probe for which several domains wait
takes a free slot of any of the domains, so that a domain with very many hosts does not delay another domain that shares
one of the hosts.
"""

from collections import deque
from collections.abc import Iterator

import trio

from scanner.net.probe import ProbeResult

EVIDENCE = 32 * 1024 * 1024
"""Maximum number of octets of certificates and transcripts in memory for one domain.

Transcripts beyond the maximum of a domain are not kept.
"""


class DomainSlots:
    """The slots of one domain, each of which permits one probe.

    Args:
        limit: maximum number of probes in flight for the domain.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0
        self._octets = 0
        self._requests: deque[SlotRequest] = deque()

    def take(self) -> bool:
        """Take a slot and return True, or return False if no slot is free."""
        if self._held >= self.limit:
            return False
        self._held += 1
        return True

    def queue(self, request: "SlotRequest") -> None:
        """Add a request to the queue of probes that wait for a free slot of the domain."""
        self._requests.append(request)

    def release(self) -> None:
        """Pass a slot to the probe that has waited longest, or free the slot."""
        while self._requests:
            request = self._requests.popleft()
            if request.is_open:
                request.grant(self)
                return
        self._held -= 1

    def keeps(self, result: ProbeResult) -> bool:
        """Count the octets of evidence from a probe; return whether the probe's transcript may be kept."""
        transcript = sum(map(len, result.probe.transcript))
        self._octets += sum(map(len, result.chain))
        if self._octets + transcript > EVIDENCE:
            return False
        self._octets += transcript
        return True


class HostDomains:
    """The domains that wait for the examination of one host; a domain may be added during the examination."""

    def __init__(self, first: DomainSlots) -> None:
        self._domains = [first]
        self.requests: dict[SlotRequest, None] = {}

    def __iter__(self) -> Iterator[DomainSlots]:
        return iter(self._domains)

    @property
    def limit(self) -> int:
        """Maximum number of probes in flight for each domain; the maximum is the same for all domains."""
        return self._domains[0].limit

    def add(self, domain: DomainSlots) -> None:
        """Add a domain, whose slots the waiting probes of the host may take from now on."""
        self._domains.append(domain)
        for request in list(self.requests):
            request.offer(domain)

    def take(self) -> DomainSlots | None:
        """Take a free slot of a waiting domain and return the domain's slots; None if no slot is free."""
        return next((domain for domain in self._domains if domain.take()), None)


class SlotRequest:
    """A probe that waits for a slot of any domain that uses a host with the probed address.

    ``is_open`` is true until the probe gets a slot or is cancelled.
    """

    def __init__(self) -> None:
        self.is_open = True
        self._hosts: list[HostDomains] = []
        self._granted: DomainSlots | None = None
        self._ended = trio.Event()

    def add(self, host: HostDomains) -> None:
        """Add a host that has the address of the waiting probe."""
        self._hosts.append(host)
        host.requests[self] = None
        for domain in host:
            self.offer(domain)

    def offer(self, domain: DomainSlots) -> None:
        """Take a free slot of a domain; if the domain has no free slot, add the request to the queue of the domain."""
        if self.is_open:
            if domain.take():
                self.grant(domain)
            else:
                domain.queue(self)

    def grant(self, domain: DomainSlots) -> None:
        """Give the probe a slot of a domain."""
        self.is_open = False
        self._granted = domain
        self._ended.set()

    async def wait(self) -> DomainSlots:
        """Wait for a slot and return the domain of the slot; the caller releases the slot."""
        try:
            while self._granted is None:
                await self._ended.wait()
        except trio.Cancelled:
            self.is_open = False
            if self._granted is not None:
                self._granted.release()
            raise
        finally:
            for host in self._hosts:
                host.requests.pop(self, None)
        return self._granted
