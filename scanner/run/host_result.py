"""The result of the examination of one MX host, and the key by which all domains with the host share the result."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self

from scanner.core import retry
from scanner.core.judgement import HostVerdicts
from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport
from scanner.run.evidence import ProbedAddress
from scanner.run.slices import Slices
from scanner.vocabulary import Mode


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key of an examined host: the name of the MX host, the port and the mode (SMTP or LMTP)."""

    host: str
    port: int
    mode: Mode

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.mode}"


ReportAndCerts = tuple[HostReport, dict[str, CertFacts]]
"""The report of a host, and the certificates of the host by SHA-256."""


class HostResult:
    """The endpoints of a host and the report of the host, which ``complete`` makes before the first use of the report.

    The writer task makes the reports of many hosts one after the other, which takes a third less time than making
    reports between probes.

    Args:
        endpoints: reports of the endpoints without PKIX evidence.
        make: asynchronous function that makes the report with all evidence; other tasks may run in the meantime.
        octets: the number of octets of unusually large certificates, 0 for certificates of the usual size.
        probed: the probed addresses, which are kept until the report is made.
    """

    __slots__ = ("_error", "_made", "_make", "_verdicts", "_worth_a_retry", "endpoints", "octets", "probed")

    def __init__(
        self,
        endpoints: tuple[EndpointReport, ...],
        make: Callable[[Slices], Awaitable[ReportAndCerts]],
        octets: int = 0,
        probed: Sequence[ProbedAddress] = (),
    ) -> None:
        self.endpoints = endpoints
        self.octets = octets
        self.probed = probed
        self._make: Callable[[Slices], Awaitable[ReportAndCerts]] | None = make
        self._made: ReportAndCerts | None = None
        self._error: Exception | None = None
        self._verdicts: HostVerdicts | None = None
        self._worth_a_retry: bool | None = None

    @classmethod
    def of_report(cls, report: HostReport, certs: dict[str, CertFacts]) -> Self:
        """Return the completed result for an existing report."""
        result = cls(report.endpoints, _no_work)
        result._made, result._make = (report, certs), None
        return result

    async def complete(self, slices: Slices) -> None:
        """Make the report of the host; other tasks can run after each time slice of the computation.

        Only one task at a time may call ``complete``.

        Raises:
            RuntimeError: the function ``make`` raised an exception, which is the cause of the RuntimeError. Later calls
                of ``complete`` raise the RuntimeError again, without a call of the function ``make``.
        """
        if self._make is not None:
            try:
                self._made = await self._make(slices)
            except Exception as error:  # noqa: BLE001 - raised below, for every domain of the host
                self._error = error
            self._make, self.probed = None, ()  # this frees the chains and DNS answers to which the function refers
        if self._error is not None:
            raise RuntimeError("the report of the host cannot be made") from self._error

    @property
    def has_report(self) -> bool:
        """True if the report of the host has been made; an internal error of mxsweep may have prevented the report."""
        return self._made is not None

    @property
    def report(self) -> HostReport:
        """The report of the host with all evidence; available only after ``complete``."""
        return self._get()[0]

    @property
    def certs(self) -> dict[str, CertFacts]:
        """The certificates to which the report refers, by SHA-256; available only after ``complete``."""
        return self._get()[1]

    @property
    def verdicts(self) -> HostVerdicts:
        """The verdicts of the host that domains share; available only after ``complete``."""
        if self._verdicts is None:
            self._verdicts = HostVerdicts(*self._get())
        return self._verdicts

    @property
    def worth_a_retry(self) -> bool:
        """True if another examination of the host might give a better result; available only after ``complete``."""
        if self._worth_a_retry is None:
            self._worth_a_retry = retry.of_host(self.report)
        return self._worth_a_retry

    def _get(self) -> ReportAndCerts:
        if self._made is None:
            raise RuntimeError("the report of the host was not made")
        return self._made


async def _no_work(_: Slices) -> ReportAndCerts:
    raise AssertionError("the report exists")
