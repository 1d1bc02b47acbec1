"""The result of the examination of one MX host, and the key by which domains share the result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport
from scanner.vocabulary import Mode


@dataclass(frozen=True, slots=True)
class HostKey:
    """The unit of examination: an MX host, the port and the mode."""

    host: str
    port: int
    mode: Mode

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.mode}"


ReportAndCerts = tuple[HostReport, dict[str, CertFacts]]
"""The report of a host, and its certificates by SHA-256."""


class HostResult:
    """The endpoints of a host and its report, which is made at its first use.

    The writer makes the reports of many hosts in a row, which takes a third less time than between probes.

    Args:
        endpoints: reports of the endpoints without PKIX evidence.
        make: function that makes the report with all evidence.
    """

    __slots__ = ("_made", "_make", "endpoints")

    def __init__(self, endpoints: tuple[EndpointReport, ...], make: Callable[[], ReportAndCerts]) -> None:
        self.endpoints = endpoints
        self._make = make
        self._made: ReportAndCerts | None = None

    @classmethod
    def of_report(cls, report: HostReport, certs: dict[str, CertFacts]) -> Self:
        """Return the result for an existing report."""
        result = cls(report.endpoints, lambda: (report, certs))
        result._get()
        return result

    @property
    def has_report(self) -> bool:
        """Whether the report has been made; an internal error may have prevented it."""
        return self._made is not None

    @property
    def report(self) -> HostReport:
        """The report of the host with all evidence."""
        return self._get()[0]

    @property
    def certs(self) -> dict[str, CertFacts]:
        """The certificates that the report refers to, by SHA-256."""
        return self._get()[1]

    def _get(self) -> ReportAndCerts:
        if self._made is None:
            self._made = self._make()
            del self._make  # this frees the chains and the answers that it refers to
        return self._made
