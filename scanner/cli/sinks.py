"""Sinks around the sinks: what is told on the way to where records go."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Self

from rich.console import Console
from rich.text import Text

from results.render.escape import safe
from results.store.writer import digests_of, summary_of
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport
from scanner.reasons import Reason
from scanner.run.ports import Sink
from scanner.vocabulary import RunState

log = logging.getLogger("mxsweep")


class Announcing:
    """Passes everything on; tells rejects where nothing else keeps them, and looks out for ``--fail-on``."""

    def __init__(self, sink: Sink, console: Console, conditions: Sequence[tuple[str, str]], *, rejects: bool) -> None:
        self._sink = sink
        self._console = console
        self._conditions = conditions
        self._tell_rejects = rejects
        self._matching: set[str] = set()

    @property
    def matched(self) -> bool:
        """Is a domain as ``--fail-on`` says, by the last word on it?"""
        return bool(self._matching)

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Pass a domain on."""
        matches = any(getattr(record.verdict, f) == v for f, v in self._conditions)
        (self._matching.add if matches else self._matching.discard)(record.key)
        if Reason.INTERNAL in record.verdict.reasons:
            log.error("%s: internal error: %s", record.key, record.verdict.text)
        log.info("%s: %s", record.key, record.verdict.outcome)
        self._sink.put_domain(record, reports, certs)

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Pass a rejected line on."""
        log.warning("%s:%d: not scanned: %s", safe(file), line, safe(reason))
        if self._tell_rejects:
            with suppress(OSError):  # a terminal that went away does not end a scan
                self._console.print(Text(f"{file}:{line}: {safe(raw)}: {safe(reason)}"), soft_wrap=True)
        self._sink.put_reject(file, line, raw, reason)

    def sync(self) -> None:
        """Pass the word on."""
        self._sink.sync()


class Collected:
    """Verdicts in words, for ``--domain`` alone."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        """Print the verdict."""
        shown = {d: summary_of(certs[d]) for report in reports for d in digests_of(report) if d in certs}
        from results.report.text import in_words  # noqa: PLC0415 - a list needs no words, and they take long to load

        in_words(replace(record, reports=tuple(reports), certificates=shown), self._console)

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        """Nothing: rejects are told on stderr."""

    def sync(self) -> None:
        """Nothing is kept back."""

    def finish(self, state: RunState, totals: Mapping[str, int], finished: datetime) -> None:
        """Nothing is left to say."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""
