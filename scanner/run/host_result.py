"""The result of the examination of one MX host, and the key by which domains share the result."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport
from scanner.run.slices import Slices
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
    """The endpoints of a host and its report, which ``complete`` makes before it is first used.

    The writer makes the reports of many hosts in a row, which takes a third less time than between probes.

    Args:
        endpoints: reports of the endpoints without PKIX evidence.
        make: function that makes the report with all evidence; it may let other tasks run meanwhile.
        octets: the octets of the certificates if they are many, else 0.
    """

    __slots__ = ("_error", "_made", "_make", "endpoints", "octets")

    def __init__(
        self,
        endpoints: tuple[EndpointReport, ...],
        make: Callable[[Slices], Awaitable[ReportAndCerts]],
        octets: int = 0,
    ) -> None:
        self.endpoints = endpoints
        self.octets = octets
        self._make: Callable[[Slices], Awaitable[ReportAndCerts]] | None = make
        self._made: ReportAndCerts | None = None
        self._error: Exception | None = None

    @classmethod
    def of_report(cls, report: HostReport, certs: dict[str, CertFacts]) -> Self:
        """Return the completed result for an existing report."""
        result = cls(report.endpoints, _no_work)
        result._made, result._make = (report, certs), None
        return result

    async def complete(self, slices: Slices) -> None:
        """Make the report in time slices. One task at a time may call this.

        Raises:
            RuntimeError: the work raised an exception, which is the cause of this error; it is not attempted again.
        """
        if self._make is not None:
            try:
                self._made = await self._make(slices)
            except Exception as error:  # noqa: BLE001 - raised below, for every domain of the host
                self._error = error
            self._make = None  # this frees the chains and the answers that it refers to
        if self._error is not None:
            raise RuntimeError("the report of the host cannot be made") from self._error

    @property
    def has_report(self) -> bool:
        """Whether the report has been made; an internal error may have prevented it."""
        return self._made is not None

    @property
    def report(self) -> HostReport:
        """The report of the host with all evidence; only after ``complete``."""
        return self._get()[0]

    @property
    def certs(self) -> dict[str, CertFacts]:
        """The certificates that the report refers to, by SHA-256; only after ``complete``."""
        return self._get()[1]

    def _get(self) -> ReportAndCerts:
        if self._made is None:
            raise RuntimeError("the report of the host was not made")
        return self._made


async def _no_work(_: Slices) -> ReportAndCerts:
    raise AssertionError("the report exists")
