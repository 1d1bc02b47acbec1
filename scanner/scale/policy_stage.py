"""The MTA-STS policies and TLSRPT records of the domains in a scan in many processes.

Many jobs (tasks of Dask workers) look up the MTA-STS and TLSRPT records. One job makes all HTTPS requests, so that the
limits on connections to policy hosts hold for the whole scan. One job suffices for the requests, because few domains
have a policy, and the connection limits determine the duration of the requests.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from results.store import codec
from results.store.files import naming, open_regular
from scanner.core import route
from scanner.core.sts.discovery import worth_retry
from scanner.facts import CertFacts
from scanner.run.examine import has_policy
from scanner.run.policies import PolicyExaminer, PolicyResult, find_records
from scanner.run.ports import Ports
from scanner.scale.lookup_stage import for_each
from scanner.scale.plan_files import NOT_YET, RouteLine, read_lines, whole_file
from scanner.sts import STSReport, TLSRPTReport
from scanner.vocabulary import TXTRecord
from targets.lists import Target

_NO_CERTS = b'"certs":[]'


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """The MTA-STS policy and the TLSRPT record of a destination, and the certificates of the policy host.

    ``again`` is the number of the pass that requested the policy, or ``NOT_YET`` if the policy has not been requested.
    """

    key: str
    domain: str
    sts: STSReport
    tlsrpt: TLSRPTReport
    certs: tuple[CertFacts, ...] = ()
    again: int = NOT_YET

    @property
    def is_open(self) -> bool:
        """True if the domain has a valid MTA-STS record, and the policy has not been requested."""
        return self.again == NOT_YET and self.sts.record is TXTRecord.VALID

    @property
    def result(self) -> PolicyResult:
        """The ``PolicyResult`` with which the domain is judged."""
        return PolicyResult(self.sts, self.tlsrpt, {cert.sha256: cert for cert in self.certs})


async def write_records(path: Path, routes: Path, targets: Iterator[Target], ports: Ports) -> None:
    """Write the MTA-STS and TLSRPT records of those targets that are domains and accept mail to a file.

    A target whose lookup causes an internal error has no line in the file.

    Args:
        path: the file to write.
        routes: the file with the MX answers of the targets (``routes-NNN.jsonl``).
        targets: the targets whose records are looked up.
        ports: the DNS lookup function, counters of the scan, and settings, which limit the number of tasks.

    Raises:
        StoreError: a file cannot be read or written.
    """
    mx = {line.key: line.mx for line in read_lines(routes, RouteLine) if not line.error}
    with whole_file(path) as file:

        async def look_up(target: Target) -> None:
            destination, answer = target.destination, mx.get(target.destination.key)
            if answer is not None and has_policy(destination, route.from_mx(destination.host, answer)):
                with suppress(Exception):  # the missing line becomes an internal error of the domain
                    found = await find_records(destination.host, ports)
                    file.write(codec.encode(PolicyLine(destination.key, destination.host, found.sts, found.tlsrpt)))

        await for_each(targets, look_up, ports)


async def request_policies(path: Path, again: int, examiner: PolicyExaminer, ports: Ports) -> None:
    """Request the policies in a file that were not requested before or are inconclusive, and replace their lines.

    Args:
        path: the file that ``write_records`` wrote.
        again: 0 for the first pass, in which all policies are requested, or the number of the retry pass.
        examiner: the examiner of MTA-STS policies.
        ports: counters of the scan, and settings, which limit the number of tasks.

    Raises:
        StoreError: the file cannot be read or written.
    """
    found: dict[str, PolicyLine] = {}

    async def request(line: PolicyLine) -> None:
        with suppress(Exception):  # the line stays as it is
            result = await examiner.examine(line.domain)
            certs = tuple(result.certs.values())
            found[line.key] = replace(line, sts=result.sts, tlsrpt=result.tlsrpt, certs=certs, again=again)

    await for_each((line for line in read_lines(path, PolicyLine) if _is_due(line, again)), request, ports)
    if found:
        with whole_file(path) as file:
            for line in read_lines(path, PolicyLine):
                file.write(codec.encode(found.get(line.key, line)))


def _is_due(line: PolicyLine, again: int) -> bool:
    return line.is_open or (max(0, line.again) < again and worth_retry(line.sts))


def pending(path: Path, passes: int) -> int:
    """Return the number of inconclusive policies in a file that a later retry pass, up to pass ``passes``, can request.

    Raises:
        StoreError: the file cannot be read.
    """
    return sum(max(0, line.again) < passes and worth_retry(line.sts) for line in read_lines(path, PolicyLine))


def certificates(path: Path) -> Iterator[CertFacts]:
    """Yield the certificates of the policy hosts in a file that ``write_records`` wrote.

    Raises:
        StoreError: the file cannot be read.
    """
    with naming(path), open_regular(path) as file:
        for line in file:
            if _NO_CERTS not in line:
                yield from codec.decode(PolicyLine, line).certs
