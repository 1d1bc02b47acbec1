"""The examination of policies: what is asked, which addresses are visited, and how often."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import trio

from scanner.core.sts.discovery import discovery
from scanner.facts import Answer, Failure
from scanner.net.https import Accepts, HTTPSResult
from scanner.run.policies import PATH, PolicyExaminer, PolicyResult
from scanner.settings import Settings
from scanner.vocabulary import FailureKind, Outcome, Phase
from targets.scope import Exclusions, Scope
from tests.unit import pki, sts
from tests.unit.fakes import DOMAIN, V4, V4B, V6, World, addresses, failed, missing, rows
from tests.unit.pki import NOW

ANYWHERE = Scope(allow_private=True)
LEAF = replace(pki.LEAF_PLAN, sans=pki.dns(sts.HOST)).make()
OTHER = replace(pki.LEAF_PLAN, sans=pki.dns("mta-sts.provider.test")).make()
POLICY = sts.policy()
NO_TLSRPT = {(f"_smtp._tls.{DOMAIN}", "TXT"): sts.txt(name=f"_smtp._tls.{DOMAIN}", outcome=Outcome.NXDOMAIN)}
RECORD = rows(sts.txt(sts.RECORD)) | NO_TLSRPT


class PolicyHosts:
    """Policy hosts by address: the chain and body of each, or the phase in which it fails."""

    def __init__(self, table: Mapping[str, tuple[pki.Made, bytes] | Phase]) -> None:
        self._table = table
        self.visits: list[tuple[str, str, str]] = []

    async def fetch(self, address: str, host: str, path: str, accepts: Accepts) -> HTTPSResult:
        self.visits.append((address, host, path))
        await trio.lowlevel.checkpoint()
        found, result = self._table[address], HTTPSResult(NOW)
        if isinstance(found, Phase):
            result.failure = Failure(found, FailureKind.TIMEOUT)
            return result
        result.chain = (found[0].der, pki.INTER.der)
        if accepts(result.chain):
            result.status, result.media_type = 200, "text/plain"
            result.body += found[1]
        return result


async def examine(
    table: Mapping[tuple[str, str], Answer],
    hosts: PolicyHosts | None = None,
    scope: Scope = ANYWHERE,
    times: int = 1,
) -> PolicyResult:
    world = World(table, scope=scope, fetch=(hosts or PolicyHosts({})).fetch)
    examiner = PolicyExaminer(world.ports(Settings()), world.fetch)
    for _ in range(times):
        result = await examiner.examine(DOMAIN)
    world.check()
    return result


async def test_a_policy() -> None:
    hosts = PolicyHosts({V4: (LEAF, POLICY)})
    result = await examine(RECORD | addresses(sts.HOST, V4), hosts)
    assert result.sts.policy is not None
    assert result.sts.body == POLICY.decode()
    assert hosts.visits == [(V4, sts.HOST, PATH)]
    assert set(result.certs) == {LEAF.facts.sha256, pki.INTER.facts.sha256}
    (fetch,) = result.sts.fetches
    assert (fetch.pkix, fetch.name_match, fetch.octets) == ("trusted", True, len(POLICY))


async def test_without_a_record_two_questions_suffice() -> None:
    absent = rows(sts.txt(outcome=Outcome.NXDOMAIN)) | NO_TLSRPT
    result = await examine(absent)  # any other question or visit fails
    assert (result.sts.record, result.tlsrpt.record, result.sts.a) == ("absent", "absent", None)


@pytest.mark.parametrize("table", [rows(failed(f"_mta-sts.{DOMAIN}", "TXT")), rows(sts.txt('"v=STSv1;"'))])
async def test_without_a_valid_record_no_policy_is_fetched(table: dict[tuple[str, str], Answer]) -> None:
    assert (await examine(table | NO_TLSRPT)).sts.fetches == ()


async def test_a_policy_host_without_an_address() -> None:
    result = await examine(RECORD | missing(sts.HOST))
    assert (result.sts.fetches, discovery(result.sts).why) == ((), "invalid")


@pytest.mark.parametrize(
    ("table", "visited", "found"),
    [
        ({V4: Phase.CONNECT, V4B: (LEAF, POLICY)}, [V4, V4B], "found"),
        ({V4: Phase.HANDSHAKE}, [V4], "lookup_failed"),  # the next address only if TCP failed
        ({V4: Phase.HTTP}, [V4], "lookup_failed"),
        ({V4: (OTHER, POLICY)}, [V4], "invalid"),
        (dict.fromkeys((V4, V4B, "192.0.2.3", V6), Phase.CONNECT), [V4, V4B, "192.0.2.3"], "lookup_failed"),
    ],
)
async def test_addresses_in_order(table: dict, visited: list[str], found: str) -> None:  # type: ignore[type-arg]
    hosts = PolicyHosts(table)
    result = await examine(RECORD | addresses(sts.HOST, V4, V4B, "192.0.2.3", V6), hosts)
    assert [address for address, _, _ in hosts.visits] == visited
    assert (discovery(result.sts).why or "found") == found


async def test_a_failed_fetch_is_not_repeated_within_a_pass() -> None:  # Zuplu/postfix-tlspol#156
    hosts = PolicyHosts({V4: Phase.HTTP})
    await examine(RECORD | addresses(sts.HOST, V4), hosts, times=3)
    assert len(hosts.visits) == 1


async def test_a_retry_pass_repeats_only_what_could_change() -> None:
    for behaviour, visits in ((Phase.HTTP, 2), ((LEAF, POLICY), 1), ((OTHER, POLICY), 1)):
        hosts = PolicyHosts({V4: behaviour})
        world = World(RECORD | addresses(sts.HOST, V4), fetch=hosts.fetch)
        examiner = PolicyExaminer(world.ports(Settings()), world.fetch)
        await examiner.examine(DOMAIN)
        examiner.next_pass()
        await examiner.examine(DOMAIN)
        assert len(hosts.visits) == visits


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1"])
async def test_a_special_purpose_address_is_not_contacted(address: str) -> None:  # dmarq PR #185
    result = await examine(RECORD | addresses(sts.HOST, address), scope=Scope())
    assert [fetch.reason for fetch in result.sts.fetches] == ["address-not-public"]
    assert discovery(result.sts).why == "unknown"


@pytest.mark.parametrize("scope", [Exclusions(names={sts.HOST: "l 1"}), Exclusions(trees={DOMAIN: "l 1"})])
async def test_a_policy_host_that_opted_out_is_not_contacted(scope: Exclusions) -> None:
    result = await examine(RECORD | addresses(sts.HOST, "9.9.9.9"), scope=Scope(exclusions=scope))
    assert [fetch.reason for fetch in result.sts.fetches] == ["opted-out"]


async def test_an_alias_does_not_change_the_name_in_the_certificate() -> None:  # smtp-sts#164
    table = RECORD | addresses(sts.HOST, V4, alias_of="mta-sts.provider.test")
    ours, provider = PolicyHosts({V4: (LEAF, POLICY)}), PolicyHosts({V4: (OTHER, POLICY)})
    assert discovery((await examine(table, ours)).sts).why is None
    refused = (await examine(table, provider)).sts
    assert discovery(refused).reasons == ("sts-certificate-invalid",)
    assert [host for _, host, _ in provider.visits] == [sts.HOST]


async def test_an_untrusted_certificate_is_refused() -> None:
    alone = replace(pki.LEAF_PLAN, issuer=None, sans=pki.dns(sts.HOST)).make()
    result = await examine(RECORD | addresses(sts.HOST, V4), PolicyHosts({V4: (alone, POLICY)}))
    (fetch,) = result.sts.fetches
    assert (fetch.pkix, fetch.name_match, fetch.status) == ("untrusted", True, None)
    assert fetch.pkix_error
