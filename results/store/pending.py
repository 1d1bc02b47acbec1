"""What a run that ended before its time owes: the domains of which a later pass might tell more.

Hosts tell. A domain may have been judged before or after another visit to one of its hosts, and its line does not say
which: so each host counts that was ever worth another visit. A domain that is named in vain costs no connection.
"""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from results.store import codec
from results.store.files import StoreError
from results.store.last_lines import last_lines, whole_lines
from results.store.reader import decoded, lines_path
from scanner.core import retry
from scanner.model import DomainRecord, HostReport

_FLAW = re.compile(rb'"failure":\{|"outcome":"error"|"lookup_failed"')
"""Something of this is in the line of whatever another visit or lookup might mend; most lines need not be parsed."""


def owed(run: Path) -> set[str]:
    """The keys of those domains.

    Raises:
        StoreError: a file cannot be read, or a line is no record.
    """
    hosts, path = _worth_a_visit(run), lines_path(run, "domains")
    try:
        return {codec.key_of(line) for line in last_lines(path) if _names(line, hosts) or _astray(path, line)}
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error


def _worth_a_visit(run: Path) -> set[str]:
    path = lines_path(run, "hosts")
    flawed = (decoded(path, HostReport, line) for _, line in whole_lines(path) if _FLAW.search(line))
    return {report.key for report in flawed if retry.of_host(report)}


def _names(line: bytes, hosts: AbstractSet[str]) -> bool:
    return bool(hosts) and not hosts.isdisjoint(codec.strings_of(line, "report"))


def _astray(path: Path, line: bytes) -> bool:
    """Is it not known where the domain's mail goes?"""
    return _FLAW.search(line) is not None and retry.of_route(decoded(path, DomainRecord, line).route)
