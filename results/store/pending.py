"""Search for the domains that ``--resume`` scans again although the run contains lines of these domains.

The pending domains of an interrupted run are the domains that a retry pass would have examined again, because the
result of the route or of an MX host is inconclusive. The line of a domain does not show whether the domain was judged
before or after a second examination of an MX host, so an MX host is pending if any line of the host is inconclusive.
The pending domains may include a domain whose hosts all have conclusive results; the scan makes no connection for such
a domain.

The spoiled domains are the domains for which a limit of this machine or a bug of mxsweep prevented a lookup or a probe.
"""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from results.store import codec
from results.store.files import StoreError
from results.store.last_lines import last_lines, whole_lines
from results.store.line_keys import key_of, strings_of
from results.store.reader import decoded, lines_path
from scanner.core import retry
from scanner.model import DomainRecord, HostReport

_FLAW = re.compile(rb'"failure":\{|"outcome":"error"|"lookup_failed"')
"""Pattern that matches every line of a host or domain whose result a retry may change.

Lines that do not match the pattern are not parsed.
"""


_LIMITED = re.compile(rb'"local-limit"')
_SPOILED = re.compile(rb'"(?:local-limit|internal)"')
"""Pattern of the lines of spoiled domains; ``_LIMITED`` matches only lines with a limit of this machine as the cause.

Lines are searched as a whole, with the columns of the target list. If a column contains a text that matches one of the
two patterns, the domain is scanned again without need.
"""


def pending_domains(run: Path) -> set[str]:
    """Return the keys of the domains of a run that a retry pass examines again.

    Raises:
        StoreError: a file cannot be read, or a line is not a record of the class of its file.
    """
    hosts, path = _worth_a_retry(run), lines_path(run, "domains")
    try:
        return {key_of(line) for line in last_lines(path) if _names(line, hosts) or _route_pending(path, line)}
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error


def spoiled_domains(run: Path, *, bugs: bool) -> dict[str, bool]:
    """Return the keys of domains for which a limit of this machine or a bug of mxsweep prevented a lookup or a probe.

    The function returns a dictionary. The value of a key is true if a bug of mxsweep prevented the lookup or probe.

    Args:
        run: the directory of the run.
        bugs: whether the result includes the domains for which a bug of mxsweep prevented a lookup or a probe.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    pattern = _SPOILED if bugs else _LIMITED
    lines = (line for line in last_lines(lines_path(run, "domains")) if pattern.search(line))
    return {key_of(line): _LIMITED.search(line) is None for line in lines}


def _worth_a_retry(run: Path) -> set[str]:
    path = lines_path(run, "hosts")
    flawed = (decoded(path, HostReport, line) for _, line in whole_lines(path) if _FLAW.search(line))
    return {report.key for report in flawed if retry.of_host(report)}


def _names(line: bytes, hosts: AbstractSet[str]) -> bool:
    return bool(hosts) and not hosts.isdisjoint(strings_of(line, "report"))


def _route_pending(path: Path, line: bytes) -> bool:
    """Return whether a second MX lookup may change the route of a domain."""
    return _FLAW.search(line) is not None and retry.of_route(decoded(path, DomainRecord, line).route)
