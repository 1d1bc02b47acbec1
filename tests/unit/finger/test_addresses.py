"""From a destination to its addresses. Expected lines: Debian's posttls-finger 3.7.11; for SRV, its specification."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from scanner.core.answers import ALIAS_LOOP, NOT_A_NAME, failed
from scanner.facts import Answer
from scanner.finger.addresses import MAX_RECORDS, AddressLookup, find, numeric_address
from scanner.finger.addresses import Native as NativeNames
from scanner.finger.options import parse
from scanner.vocabulary import Outcome, Security

Table = dict[tuple[str, str], Answer]


def data(name: str, rtype: str, *records: str, secure: bool = True, rname: str = "") -> Answer:
    security = Security.SECURE if secure else Security.INSECURE
    return Answer(name, rtype, Outcome.DATA, security, records, rname or name, "NOERROR")


def table(*answers: Answer) -> Table:
    return {(answer.name, answer.rtype): answer for answer in answers}


class Dns:
    """Answers from a table, NXDOMAIN else; ``asked`` keeps (name, type, DNSSEC)."""

    def __init__(self, *answers: Answer) -> None:
        self.table = table(*answers)
        self.asked: list[tuple[str, str, bool]] = []

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        self.asked.append((name, rtype, dnssec))
        nothing = Answer(name, rtype, Outcome.NXDOMAIN, Security.SECURE, rname=name, rcode="NXDOMAIN")
        return self.table.get((name, rtype), nothing)


def error(name: str, rtype: str, rcode: str) -> Answer:
    return Answer(name, rtype, Outcome.ERROR, Security.INDETERMINATE, rname=name, rcode=rcode, error=rcode)


def nodata(name: str, rtype: str) -> Answer:
    return Answer(name, rtype, Outcome.NODATA, Security.SECURE, rname=name, rcode="NOERROR")


async def no_native(host: str) -> Sequence[str] | str:
    raise AssertionError(f"nobody should ask for {host}")


async def run(argv: list[str], dns: Dns, native: NativeNames = no_native, seed: int = 1) -> AddressLookup:
    return await find(parse(argv), dns.lookup, rng=random.Random(seed), native=native)


def addresses(found: AddressLookup) -> list[str]:
    return [host_address.address for host_address in found.addresses]


# --- order and questions --------------------------------------------------------------------------------------


async def test_questions_go_from_mx_to_each_host_in_order() -> None:
    dns = Dns(data("d.test", "MX", "10 a.test", "20 b.test"), data("a.test", "A", "192.0.2.1"))
    found = await run(["d.test"], dns)
    assert [(n, t) for n, t, _ in dns.asked] == [
        ("d.test", "MX"), ("a.test", "A"), ("a.test", "AAAA"), ("b.test", "A"), ("b.test", "AAAA"),
    ]  # fmt: skip
    assert addresses(found) == ["192.0.2.1"]
    assert found.lines == []


MIXED = (
    data("d.test", "MX", "10 a.test", "10 b.test", "20 c.test"),
    data("a.test", "A", "192.0.2.1"),
    data("a.test", "AAAA", "2001:db8::1"),
    data("b.test", "A", "192.0.2.2"),
    data("c.test", "AAAA", "2001:db8::3"),
)


@pytest.mark.parametrize(("family", "first"), [("ipv4", {"192.0.2.1", "192.0.2.2"}), ("ipv6", {"2001:db8::1"})])
async def test_a_family_goes_first_within_a_preference(family: str, first: set[str]) -> None:
    for seed in range(20):
        order = addresses(await run(["-a", family, "d.test"], Dns(*MIXED), seed=seed))
        assert set(order[: len(first)]) == first
        assert order[-1] == "2001:db8::3"


async def test_without_preference_equals_are_mixed_at_random() -> None:
    orders = Counter([tuple(addresses(await run(["d.test"], Dns(*MIXED), seed=seed))) for seed in range(200)])
    assert len(orders) == 6  # all orders of the three equals
    assert all(order[-1] == "2001:db8::3" for order in orders)


@pytest.mark.parametrize(("protocols", "asked"), [("ipv4", ["A"]), ("ipv6", ["AAAA"]), ("ipv6, ipv4", ["A", "AAAA"])])
async def test_families_that_are_off_are_not_asked_for(protocols: str, asked: list[str]) -> None:
    dns = Dns()
    await run(["-o", f"inet_protocols={protocols}", "[h.test]"], dns)
    assert [rtype for _, rtype, _ in dns.asked] == asked


@pytest.mark.parametrize(
    ("argv", "mx", "questions"),
    [
        (["-M", "may"], "insecure", "plain"),
        (["-M", "may"], "secure", "dnssec"),
        (["-M", "encrypt"], "insecure", "dnssec"),
        (["-M", "dane"], "insecure", "dnssec"),
        (["-l", "may"], "insecure", "dnssec"),
        (["-l", "may", "-M", "may"], "insecure", "plain"),
    ],
)
async def test_plain_questions_only_where_an_insecure_mx_means_may(argv: list[str], mx: str, questions: str) -> None:
    dns = Dns(data("d.test", "MX", "10 a.test", secure=mx == "secure"), data("a.test", "A", "192.0.2.1"))
    await run([*argv, "d.test"], dns)
    assert dns.asked[0] == ("d.test", "MX", True)
    assert {dnssec for name, _, dnssec in dns.asked if name == "a.test"} == {questions == "dnssec"}


async def test_the_names_of_an_mx_behind_an_alias_both_count_its_owner_first() -> None:
    dns = Dns(data("d.test", "MX", "10 a.test", rname="real.test"), data("a.test", "A", "192.0.2.1"))
    found = await run(["d.test"], dns)
    assert found.route is not None
    assert found.route.names == ("real.test", "d.test")


async def test_a_candidate_knows_where_its_alias_ends() -> None:
    dns = Dns(data("a.test", "A", "192.0.2.1", rname="b.test", secure=False))
    (host_address,) = (await run(["[a.test]:587"], dns)).addresses
    assert (host_address.host, host_address.rname, host_address.port) == ("a.test", "b.test", 587)
    assert host_address.security is Security.INSECURE


# --- failures, in its words -----------------------------------------------------------------------------------

NOT_FOUND = "Host or domain name not found. Name service error for name="


@pytest.mark.parametrize(
    ("answers", "lines", "text"),
    [
        ([], [], f"{NOT_FOUND}d.test type=AAAA: Host not found"),
        ([nodata("d.test", r) for r in ("MX", "A", "AAAA")], [],
         f"{NOT_FOUND}d.test type=AAAA: Host found but no data record of requested type"),
        ([error("d.test", "MX", "SERVFAIL")], [], f"{NOT_FOUND}d.test type=MX: Host not found, try again"),
        ([error("d.test", "MX", "FORMERR")], [], f"{NOT_FOUND}d.test type=MX: Non-recoverable error"),
        ([data("d.test", "MX", "0 .")], [], "Domain d.test does not accept mail (nullMX)"),
        ([data("d.test", "MX", "0 .", "10 a.test"), data("a.test", "A", "192.0.2.1")], [],
         "Domain d.test does not accept mail (nullMX)"),
        ([data("d.test", "MX", "10 gone.test")], ["warning: no MX host for d.test has a valid address record"],
         f"{NOT_FOUND}gone.test type=AAAA: Host not found"),
        ([data("d.test", "MX", "10 a.test"), error("a.test", "A", "SERVFAIL")],
         ["warning: no MX host for d.test has a valid address record"],
         f"{NOT_FOUND}a.test type=A: Host not found, try again"),
        ([data("d.test", "MX", "10 a.test"), error("a.test", "A", "FORMERR"), nodata("a.test", "AAAA")],
         ["warning: no MX host for d.test has a valid address record"],
         f"{NOT_FOUND}a.test type=A: Non-recoverable error"),
        ([data("d.test", "MX", "10 a.test"), error("a.test", "A", "SERVFAIL"), error("a.test", "AAAA", "FORMERR")],
         ["warning: no MX host for d.test has a valid address record"],
         f"{NOT_FOUND}a.test type=A: Host not found, try again"),
        ([data("d.test", "MX", "10 b_-.test")],
         ["warning: valid_hostname: misplaced hyphen: b_-.test",
          "warning: malformed domain name in resource data of MX record for d.test: b_-.test"],
         "Name service error for name=d.test type=MX: Malformed or unexpected name server reply"),
    ],
)  # fmt: skip
async def test_failures_are_told_in_its_words(answers: list[Answer], lines: list[str], text: str) -> None:
    found = await run(["d.test"], Dns(*answers))
    assert found.addresses == []
    assert found.lines == lines
    assert found.error == text


async def test_an_invalid_target_beside_a_valid_one_is_passed_over_and_told() -> None:
    dns = Dns(data("d.test", "MX", "5 -x.test", "10 a.test"), data("a.test", "A", "192.0.2.1"))
    found = await run(["d.test"], dns)
    assert addresses(found) == ["192.0.2.1"]
    assert found.lines == [
        "warning: valid_hostname: misplaced hyphen: -x.test",
        "warning: malformed domain name in resource data of MX record for d.test: -x.test",
    ]


async def test_a_numeric_target_is_an_address() -> None:
    dns = Dns(data("d.test", "MX", "10 192.0.2.9"))
    found = await run(["d.test"], dns)
    assert addresses(found) == ["192.0.2.9"]
    assert found.lines == ["warning: numeric domain name in resource data of MX record for d.test: 192.0.2.9"]
    assert len(dns.asked) == 1


async def test_an_address_of_a_family_that_is_off_is_no_host() -> None:
    found = await run(["-o", "inet_protocols=ipv4", "[2001:db8::1]"], dns := Dns())
    assert found.error == "Name service error for 2001:db8::1: invalid host or domain name"
    assert (found.addresses, dns.asked) == ([], [])


async def test_an_endless_alias_is_a_warning_and_not_found() -> None:
    loop = failed("d.test", "MX", ALIAS_LOOP)
    found = await run(["d.test"], Dns(loop, data("d.test", "A", "192.0.2.1")))
    assert found.lines == ["warning: dns_lookup: Name server loop for d.test"]
    assert addresses(found) == ["192.0.2.1"]


async def test_u_labels_are_told_once_a_look_up() -> None:
    line = "b\u00fccher.test asciified to xn--bcher-kva.test"
    assert (await run(["b\u00fccher.test"], Dns())).lines == [line, line]
    assert (await run(["[b\u00fccher.test]"], Dns())).lines == [line]
    with_mx = Dns(data("xn--bcher-kva.test", "MX", "10 gone.test"))
    assert (await run(["b\u00fccher.test"], with_mx)).lines == [
        line, "warning: no MX host for b\u00fccher.test has a valid address record",
    ]  # fmt: skip


async def test_no_more_than_a_hundred_addresses_are_kept() -> None:
    many = [f"192.0.2.{i}" for i in range(150)]
    found = await run(["[a.test]"], Dns(data("a.test", "A", *many)))
    assert len(found.addresses) == MAX_RECORDS
    assert found.lines == [
        "warning: DNS record count limit (100) exceeded -- dropping excess record(s) after qname=a.test qtype=A"
    ]


# --- the native name service ----------------------------------------------------------------------------------


class Native:
    """A name service that knows one thing."""

    def __init__(self, says: Sequence[str] | str) -> None:
        self.says = says
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str] | str:
        self.asked.append(host)
        return self.says


async def test_native_alone_asks_no_dns_for_addresses_and_is_never_secure() -> None:
    dns = Dns(data("d.test", "MX", "10 a.test"))
    found = await run(["-h", "native", "d.test"], dns, Native(["192.0.2.1", "2001:db8::1"]))
    assert [rtype for _, rtype, _ in dns.asked] == ["MX"]
    assert {(c.address, c.security) for c in found.addresses} == {
        ("192.0.2.1", Security.INSECURE), ("2001:db8::1", Security.INSECURE),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([], ["a.test"]),  # NXDOMAIN
        ([nodata("a.test", "A"), nodata("a.test", "AAAA")], ["a.test"]),
        ([error("a.test", "A", "SERVFAIL")], []),
        ([error("a.test", "AAAA", "FORMERR")], []),
        ([data("a.test", "A", "192.0.2.1")], []),
    ],
)
async def test_native_comes_second_only_where_dns_says_no(answers: list[Answer], asked: list[str]) -> None:
    native = Native(["192.0.2.7"])
    await run(["-h", "native,dns", "[a.test]"], Dns(*answers), native)
    assert native.asked == asked


async def test_what_native_says_is_told() -> None:
    text = "unable to look up host a.test: Name or service not known"
    assert (await run(["-h", "native", "[a.test]"], Dns(), Native(text))).error == text
    other = await run(["-h", "native", "-o", "inet_protocols=ipv6", "[a.test]"], Dns(), Native(["192.0.2.1"]))
    assert other.error == "a.test: host not found"


async def test_without_any_way_of_looking_up_there_is_no_address_and_no_reason() -> None:
    found = await run(["-h", "", "d.test"], Dns(data("d.test", "MX", "10 a.test")))
    assert (found.addresses, found.error) == ([], "")
    assert found.lines == ["warning: no MX host for d.test has a valid address record"]


# --- SRV ------------------------------------------------------------------------------------------------------


async def test_srv_records_bring_hosts_and_ports() -> None:
    dns = Dns(
        data("_smtp._tcp.d.test", "SRV", "10 0 2525 a.test", "20 0 587 b.test"),
        data("a.test", "A", "192.0.2.1"),
        data("b.test", "A", "192.0.2.2"),
    )
    found = await run(["-R", "d.test"], dns)
    assert [(c.host, c.port) for c in found.addresses] == [("a.test", 2525), ("b.test", 587)]
    assert found.route is not None
    assert found.route.names == ("_smtp._tcp.d.test",)


async def test_srv_asks_for_the_service_as_typed() -> None:
    dns = Dns()
    found = await run(["-R", "d.test:submission"], dns)
    assert [name for name, _, _ in dns.asked] == ["_submission._tcp.d.test"]  # neither MX nor addresses after it
    assert found.error == f"{NOT_FOUND}_submission._tcp.d.test type=SRV: Host not found"


@pytest.mark.parametrize("argv", [["-R", "[d.test]"], ["-R", "-S", "d.test"]])
async def test_srv_plays_no_part_where_a_host_is_named(argv: list[str]) -> None:
    dns = Dns()
    await run(argv, dns)
    assert {rtype for _, rtype, _ in dns.asked} == {"A", "AAAA"}


@pytest.mark.parametrize(
    ("records", "lines", "text"),
    [
        (["0 0 0 ."], [], "Domain _smtp._tcp.d.test does not support SRV requests"),
        (["0 0 25 -x.test"], ["warning: valid_hostname: misplaced hyphen: -x.test",
                              ("warning: malformed domain name in resource data of SRV record for "
                              "_smtp._tcp.d.test: -x.test")],
         "Name service error for name=_smtp._tcp.d.test type=SRV: Malformed or unexpected name server reply"),
        (["0 0 25 gone.test"], ["warning: no SRV host for _smtp._tcp.d.test has a valid address record"],
         f"{NOT_FOUND}gone.test type=AAAA: Host not found"),
    ],
)  # fmt: skip
async def test_srv_records_that_lead_nowhere(records: list[str], lines: list[str], text: str) -> None:
    found = await run(["-R", "d.test"], Dns(data("_smtp._tcp.d.test", "SRV", *records)))
    assert (found.lines, found.error, found.addresses) == (lines, text, [])


async def test_the_port_of_an_srv_record_holds_for_native_addresses_too() -> None:
    """posttls-finger connects to the destination's port (25) there, and looks TLSA records up at it before."""
    dns = Dns(data("_smtp._tcp.d.test", "SRV", "0 0 2525 a.test"))
    found = await run(["-R", "-h", "native", "d.test"], dns, Native(["192.0.2.1"]))
    assert [c.port for c in found.addresses] == [2525]


async def test_each_candidate_carries_the_port_that_its_tlsa_records_are_at() -> None:
    """posttls-finger would ask for _25._tcp.a.test, then for _2525._tcp.b.test: always one port late."""
    dns = Dns(
        data("_smtp._tcp.d.test", "SRV", "10 0 2525 a.test", "20 0 587 b.test"),
        data("a.test", "A", "192.0.2.1"),
        data("b.test", "A", "192.0.2.2"),
    )
    found = await run(["-R", "d.test"], dns)
    assert [f"_{c.port}._tcp.{c.host}" for c in found.addresses] == ["_2525._tcp.a.test", "_587._tcp.b.test"]


async def test_a_unix_socket_is_its_own_address() -> None:
    found = await run(["-S", "-o", "myhostname=me.test", "unix:/run/lmtp"], Dns())
    (host_address,) = found.addresses
    assert (host_address.host, host_address.address, host_address.port) == ("me.test", "/run/lmtp", 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [("0x7f.1", "127.0.0.1"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("0x7g", ""), ("a.1", "")],
)
def test_addresses_as_the_c_library_reads_them(host: str, address: str) -> None:
    assert numeric_address(host) == address


async def test_a_name_without_records_behind_an_alias_is_the_target() -> None:
    void = replace(nodata("d.test", "AAAA"), rname="void.test")
    dns = Dns(nodata("d.test", "MX"), replace(void, rtype="A"), void)
    assert (await run(["d.test"], dns)).error.startswith(
        "Host or domain name not found. Name service error for name=void.test type=AAAA: Host found but no data"
    )


async def test_a_host_name_that_is_too_long_for_the_dns_is_a_failed_lookup() -> None:
    """Expected: Debian's 3.7.11 with a name of 254 octets, which no DNS message can carry."""
    name = ".".join(["x" * 60] * 4) + ".abcdefghij"
    found = await run([name], Dns(failed(name, "MX", NOT_A_NAME)))
    assert found.error == (
        f"Host or domain name not found. Name service error for name={name} type=MX: Non-recoverable error"
    )
