"""Sinks (receivers of the records of a scan): one logs and forwards each record, one prints verdicts as text."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Self

from rich.console import Console
from rich.text import Text

from results.render.escape import safe
from results.store.line_sink import standing_alone
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport
from scanner.reasons import Reason
from scanner.run.ports import Sink
from scanner.vocabulary import RunState

log = logging.getLogger("mxsweep")


class ReportingSink:
    """A sink that logs records, prints rejected lines, evaluates ``--fail-on``, and forwards records to another sink.

    Args:
        sink: the sink to which every record is forwarded.
        console: the console for rejects.
        conditions: pairs of a field of the verdict and a value, from ``--fail-on``.
        rejects: true to print rejected lines, for a sink that does not store them.
    """

    def __init__(self, sink: Sink, console: Console, conditions: Sequence[tuple[str, str]], *, rejects: bool) -> None:
        self._sink = sink
        self._console = console
        self._conditions = conditions
        self._print_rejects = rejects
        self._matching: set[str] = set()

    @property
    def matched(self) -> bool:
        """True if the last verdict of at least one domain meets a condition of ``--fail-on``."""
        return bool(self._matching)

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Log a domain, evaluate the conditions of ``--fail-on``, and forward the record to the given sink."""
        matches = any(getattr(record.verdict, f) == v for f, v in self._conditions)
        (self._matching.add if matches else self._matching.discard)(record.key)
        if Reason.INTERNAL in record.verdict.reasons:
            log.error("%s: internal error: %s", record.key, record.verdict.text)
        log.info("%s: %s", record.key, record.verdict.outcome)
        self._sink.put_domain(record, reports, certs)

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Log a rejected line, print the line if requested, and forward the line to the given sink."""
        log.warning("%s:%d: not scanned: %s", safe(file), line, safe(reason))
        if self._print_rejects:
            with suppress(OSError):  # a write error on a closed terminal does not end a scan
                self._console.print(Text(f"{file}:{line}: {safe(raw)}: {safe(reason)}"), soft_wrap=True)
        self._sink.put_reject(file, line, raw, reason)

    def sync(self) -> None:
        """Make the sink that receives the forwarded records write its records to the disk."""
        self._sink.sync()


class WordsSink:
    """A sink that prints each verdict as text."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Print the verdict of a domain."""
        from results.report.text import in_words  # noqa: PLC0415 - slow to load, and a scan of a list does not need it

        in_words(standing_alone(record, reports, certs), self._console)

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Do nothing, because ``ReportingSink`` prints rejected lines."""

    def sync(self) -> None:
        """Do nothing, because every verdict is printed at once."""

    def finish(self, state: RunState, totals: Mapping[str, int], finished: datetime) -> None:
        """Do nothing, because every verdict is printed at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing, because this sink has no open file."""
