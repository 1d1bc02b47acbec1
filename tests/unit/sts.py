"""Domains with MTA-STS for tests: records, policies, fetches, and the judgement of an examined domain."""

from dataclasses import replace

from scanner.core.sts import records
from scanner.core.sts.discovery import with_response
from scanner.core.sts.domain_verdict import STSVerdict, STSView, judge
from scanner.facts import Answer, Failure
from scanner.run.examine import DomainResult
from scanner.settings import Settings
from scanner.sts import PolicyFetch, STSReport, TLSRPTReport
from scanner.vocabulary import Outcome, Pkix
from tests.unit.fakes import DOMAIN, MX1, V4, World, addresses, answer
from tests.unit.pki import NOW

HOST = f"mta-sts.{DOMAIN}"
RECORD = '"v=STSv1; id=20260901"'
FETCH = PolicyFetch(V4, NOW, {}, pkix=Pkix.TRUSTED, name_match=True, status=200, media_type="text/plain")


def policy(*mx: str, mode: str = "enforce", max_age: int = 604_800) -> bytes:
    """Return the text of a policy."""
    lines = ("version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in mx or (MX1,)), f"max_age: {max_age}")
    return "".join(f"{line}\r\n" for line in lines).encode()


def txt(*texts: str, name: str = f"_mta-sts.{DOMAIN}", outcome: Outcome = Outcome.DATA) -> Answer:
    return answer(name, "TXT", *texts, outcome=outcome)


def record(*texts: str, outcome: Outcome = Outcome.DATA) -> STSReport:
    """Return a report with the given TXT records, by default a valid one."""
    valid = (RECORD,) if outcome is Outcome.DATA else ()
    return records.sts_report(DOMAIN, txt(*(texts or valid), outcome=outcome), NOW)


def report(
    body: bytes = b"", fetch: PolicyFetch = FETCH, found: dict[tuple[str, str], Answer] | None = None
) -> STSReport:
    """Return a report with one fetch of a policy."""
    answers = addresses(HOST, V4) if found is None else found
    with_addresses = replace(record(), a=answers[HOST, "A"], aaaa=answers[HOST, "AAAA"])
    return with_response(with_addresses, (fetch,), body)


def failed(failure: Failure) -> STSReport:
    return report(fetch=PolicyFetch(V4, NOW, {}, failure=failure))


def tlsrpt(*texts: str) -> TLSRPTReport:
    return records.tlsrpt_report(txt(*texts, name=f"_smtp._tls.{DOMAIN}"))


def view(result: DomainResult) -> STSView:
    """Return the view of an examined domain."""
    domain = result.record
    reports = {each.key: each for each in result.reports}
    return STSView(domain.target.raw, domain.route, domain.hosts, domain.verdict, reports, result.certs or {})


async def judged(world: World, sts: STSReport | None, settings: Settings | None = None) -> STSVerdict:
    """Examine the domain of a world and judge its policy."""
    return judge(view(await world.examine(settings=settings)), sts)
