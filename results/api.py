"""A run as an object for Python programs: all records, one domain by its name, tables, counts, and the report."""

from collections.abc import Sequence
from functools import cached_property

from results.count.summary import SOON, Summary, summarise
from results.export.frames import Relation, RunDatabase
from results.report.model import Report, make_report
from results.store.by_key import certs_of, find
from results.store.line_sink import standing_alone
from results.store.reader import Run
from scanner.model import DomainRecord, HostReport


class OpenRun(Run):
    """A run directory that is open for reading, as returned by ``results.open``.

    ``header`` is the content of run.json. ``domains()``, ``hosts()``, ``certs()`` and ``rejects()`` iterate over the
    records of the line files. Every method raises ``results.store.files.StoreError`` for a file that cannot be read.
    """

    def find(self, key: str) -> DomainRecord | None:
        """Return the record of a domain; None if the run does not contain the domain.

        Args:
            key: the member ``key`` of the record, or the domain in ASCII (A-labels), in upper or lower case, with or
                without a final dot.

        Returns:
            The record with the reports of its MX hosts (``reports``) and summaries of their certificates
            (``certificates``).
        """
        found = find(self, "domains", DomainRecord, {key, key.lower().removesuffix(".")})
        record = next(iter(found.values()), None)
        if record is None:
            return None
        reports = find(self, "hosts", HostReport, [host.report for host in record.hosts if host.report is not None])
        listed = tuple(reports.values())
        return standing_alone(record, listed, certs_of(self, listed))

    def table(self, name: str) -> Relation:
        """Return a table of the run, such as ``domains``, as a DuckDB relation; see ``RunDatabase.table``."""
        return self._database.table(name)

    def sql(self, query: str) -> Relation:
        """Return the result of an SQL query on the run as a DuckDB relation; see ``RunDatabase.sql``."""
        return self._database.sql(query)

    @cached_property
    def _database(self) -> RunDatabase:
        return RunDatabase([self])

    def summary(self, *, days: int = SOON) -> Summary:
        """Return the counts of the run, and list the certificates that expire within ``days`` days after the run."""
        return summarise(self, days)

    def report(self, *, days: int = SOON, history: Sequence[Run] = (), column: str = "") -> Report:
        """Return the report of the run as an object, without printing the report.

        Args:
            days: number of days after the run within which listed certificates expire.
            history: earlier runs, in which the start of each fault is searched.
            column: column of the target list by whose values the failing hosts are divided, such as ``owner``.
        """
        return make_report(self, days=days, history=history, column=column)
