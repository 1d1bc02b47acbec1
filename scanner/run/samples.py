"""The samples of ``--sni-sample N``: the first N hosts of a group are probed and represent the group's other hosts.

The hosts of a group become known one by one, because a scan reads its input list only once. The first N hosts of a
group that the scan examines are the sample of the group. Other hosts of the group wait while the sample is being
probed. If all hosts of the sample have the same clean result, the other hosts of the group are not probed; otherwise
every host of the group is probed. The module ``scanner.core.sampling`` defines clean results, and groups: hosts with
the same addresses and the same TLSA records, some of them usable.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import trio

from scanner.core import sampling
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts
from scanner.run.host_result import HostKey, HostResult

GROUPS = 65_536
"""Maximum number of groups in memory, about 40 MB; a group that was removed from memory gets another sample."""


@dataclass(slots=True)
class _SampleGroup:
    """The state of the sample of a group.

    ``begun`` and ``ended`` count the hosts of the sample whose examination has begun or ended. ``source`` is the first
    host of the sample that has a result, and ``result`` is the digest of the result of ``source``. ``differs`` is true
    if a host of the sample has a result that is not clean or differs from the result of ``source``. ``changed`` is the
    event for which tasks wait; the event exists only if a task waits.
    """

    begun: int = 0
    ended: int = 0
    result: bytes | None = None
    source: HostKey | None = None
    differs: bool = False
    changed: trio.Event | None = None

    def add(self, key: HostKey, result: bytes | None) -> None:
        """Add the digest of the result of a host of the sample, None for a result that is not clean."""
        self.ended += 1
        if self.source is None:
            self.source, self.result = key, result
        self.differs = self.differs or result is None or result != self.result

    def notify(self) -> None:
        """Wake the tasks that wait for a host of the sample."""
        if self.changed is not None:
            self.changed.set()
            self.changed = None

    async def wait(self) -> None:
        """Wait until a host of the sample has a result, or the examination of a host of the sample was cancelled."""
        if self.changed is None:
            self.changed = trio.Event()
        await self.changed.wait()


class Samples:
    """The groups of hosts of a scan, and the samples of the groups.

    Args:
        size: number of hosts in the sample of a group, at least 1.
        find: function that returns the result of a host that was examined earlier, or None.
    """

    def __init__(self, size: int, find: Callable[[HostKey], HostResult | None]) -> None:
        self._size = size
        self._find = find
        self._groups: OrderedDict[bytes, _SampleGroup] = OrderedDict()  # most recently used last

    async def sample_or_source(
        self,
        name: bytes,
        key: HostKey,
        probe: Callable[[], Awaitable[HostResult]],
        fits: Callable[[HostResult, Mapping[str, CertFacts]], bool],
    ) -> tuple[HostKey, HostResult]:
        """Return a host and its result: the host ``key`` itself, or the host of the sample that represents ``key``.

        Args:
            name: digest that identifies the group of the host.
            key: the host.
            probe: function that examines the host itself.
            fits: function that returns whether a clean result of a host of the sample also holds for the host ``key``;
                its arguments are the result of the host of the sample, and its server certificates by SHA-256.
        """
        group = self._group(name)
        while not group.differs:
            if group.begun < self._size:
                return key, await self._sampled(group, key, probe)
            if group.ended >= self._size:
                source = self._source(group, fits)
                return source if source is not None else (key, await probe())
            await group.wait()
        return key, await probe()

    def _group(self, name: bytes) -> _SampleGroup:
        group = self._groups.setdefault(name, _SampleGroup())
        self._groups.move_to_end(name)
        if len(self._groups) > GROUPS:
            self._groups.popitem(last=False)
        return group

    async def _sampled(
        self, group: _SampleGroup, key: HostKey, probe: Callable[[], Awaitable[HostResult]]
    ) -> HostResult:
        """Examine a host of the sample.

        If the examination is cancelled, another host of the group becomes part of the sample.
        """
        group.begun += 1
        try:
            result = await probe()
            group.add(key, _digest(result))
        except BaseException:
            group.begun -= 1
            raise
        finally:
            group.notify()
        return result

    def _source(
        self, group: _SampleGroup, fits: Callable[[HostResult, Mapping[str, CertFacts]], bool]
    ) -> tuple[HostKey, HostResult] | None:
        """Return the first host of a sample and its result, None if ``fits`` is false or the result is not kept."""
        found = self._find(group.source) if group.source is not None else None
        if group.source is None or found is None or not fits(found, _leaves(found)):
            return None
        return group.source, found


def _digest(result: HostResult) -> bytes | None:
    clean = sampling.clean_result(result.endpoints)
    return None if clean is None else blake2b(repr(clean).encode(), digest_size=16).digest()


def _leaves(result: HostResult) -> Mapping[str, CertFacts]:
    """Return the server certificates of a host by SHA-256, even before the report of the host has been made."""
    if result.has_report:
        return result.certs
    leaves = (certs.facts(each.chain[0]) for address in result.probed for each in address.results if each.chain)
    return {leaf.sha256: leaf for leaf in leaves}
