"""Who may be contacted. Blocks are those of the IANA special-purpose registries (RFC 6890, October 2025)."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.lists import ListError
from targets.scope import Exclusions, Refusal, Scope, load_exclusions, special_purpose

# first and last address of each block, its registered name
SPECIAL = [
    ("0.0.0.0", "0.255.255.255", '"This network"'),  # noqa: S104 - nothing is bound
    ("10.0.0.0", "10.255.255.255", "Private-Use"),
    ("100.64.0.0", "100.127.255.255", "Shared Address Space"),
    ("127.0.0.0", "127.255.255.255", "Loopback"),
    ("169.254.0.0", "169.254.255.255", "Link Local"),
    ("172.16.0.0", "172.31.255.255", "Private-Use"),
    ("192.0.0.0", "192.0.0.7", "IPv4 Service Continuity Prefix"),
    ("192.0.0.8", "192.0.0.8", "IPv4 dummy address"),
    ("192.0.0.11", "192.0.0.169", "IETF Protocol Assignments"),
    ("192.0.0.170", "192.0.0.171", "NAT64/DNS64 Discovery"),
    ("192.0.0.172", "192.0.0.255", "IETF Protocol Assignments"),
    ("192.0.2.0", "192.0.2.255", "Documentation (TEST-NET-1)"),
    ("192.88.99.0", "192.88.99.1", "Deprecated (6to4 Relay Anycast)"),
    ("192.88.99.2", "192.88.99.2", "6a44-relay anycast address"),
    ("192.88.99.3", "192.88.99.255", "Deprecated (6to4 Relay Anycast)"),
    ("192.168.0.0", "192.168.255.255", "Private-Use"),
    ("198.18.0.0", "198.19.255.255", "Benchmarking"),
    ("198.51.100.0", "198.51.100.255", "Documentation (TEST-NET-2)"),
    ("203.0.113.0", "203.0.113.255", "Documentation (TEST-NET-3)"),
    ("224.0.0.0", "239.255.255.255", "Multicast"),
    ("240.0.0.0", "255.255.255.254", "Reserved"),
    ("255.255.255.255", "255.255.255.255", "Limited Broadcast"),
    ("::", "::", "Unspecified Address"),
    ("::1", "::1", "Loopback Address"),
    ("::808:808", "::808:808", "IPv4-compatible Address"),
    ("::ffff:8.8.8.8", "::ffff:8.8.8.8", "IPv4-mapped Address"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "IPv4-IPv6 Translat."),
    ("64:ff9a::", "64:ff9a::", "Reserved by IETF"),
    ("100::", "100::ffff:ffff:ffff:ffff", "Discard-Only Address Block"),
    ("100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "Dummy IPv6 Prefix"),
    ("200::", "3ff:ffff::", "Reserved by IETF"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "TEREDO"),
    ("2001:1::", "2001:1::", "IETF Protocol Assignments"),
    ("2001:1::4", "2001:1:ffff::", "IETF Protocol Assignments"),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "Benchmarking"),
    ("2001:2:1::", "2001:2:1::", "IETF Protocol Assignments"),
    ("2001:10::", "2001:1f:ffff::", "Deprecated (previously ORCHID)"),
    ("2001:40::", "2001:1ff:ffff::", "IETF Protocol Assignments"),
    ("2001:db8::", "2001:db8:ffff::", "Documentation"),
    ("3fff::", "3fff:fff:ffff::", "Documentation"),
    ("4000::", "5eff:ffff::", "Reserved by IETF"),
    ("5f00::", "5f00:ffff::", "Segment Routing (SRv6) SIDs"),
    ("fc00::", "fdff:ffff::", "Unique-Local"),
    ("fe80::", "febf:ffff::", "Link-Local Unicast"),
    ("fe80::1%eth0", "fe80::1%1", "Link-Local Unicast"),
    ("fec0::", "feff:ffff::", "Deprecated (Site-Local)"),
    ("ff00::", "ffff:ffff::", "Multicast"),
    # an IPv4 address within: RFC 4291 section 2.5.5, RFC 6052 section 2, RFC 3056 section 2
    ("::a00:1", "::aff:ffff", "IPv4-compatible Address (Private-Use)"),
    ("::ffff:127.0.0.1", "::ffff:127.255.255.255", "IPv4-mapped Address (Loopback)"),
    ("64:ff9b::a00:1", "64:ff9b::10.255.255.255", "IPv4-IPv6 Translat. (Private-Use)"),
    ("2002:a00:1::", "2002:aff:ffff:ffff::1", "6to4 (Private-Use)"),
]


@pytest.mark.parametrize(("first", "last", "name"), SPECIAL)
def test_special_purpose_blocks(first: str, last: str, name: str) -> None:
    assert (special_purpose(first), special_purpose(last)) == (name, name)


# neighbours of the blocks above, and blocks that the registry marks globally reachable
GLOBAL = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.0.9", "192.0.0.10",
    "192.0.1.0", "192.0.3.0", "192.31.196.1", "192.52.193.1", "192.88.98.255", "192.88.100.0", "192.167.255.255",
    "192.169.0.0", "192.175.48.1", "198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.114.0", "223.255.255.255",
    "64:ff9b::808:808", "2000::", "2001:1::1", "2001:1::2", "2001:1::3", "2001:3::1", "2001:4:112::1", "2001:20::1",
    "2001:2f::1", "2001:30::1", "2001:3f::1", "2001:200::", "2001:db7::1", "2001:db9::1", "2002:808:808::1",
    "2620:4f:8000::1", "2a00::1", "3ffe::1", "3fff:1000::",
]  # fmt: skip


@pytest.mark.parametrize("address", GLOBAL)
def test_global_addresses(address: str) -> None:
    assert special_purpose(address) is None


def test_no_address_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="example"):
        special_purpose("example.com")


# Where Python's is_global goes another way than the registry. It also lacks, by version, blocks registered late
# (3fff::/20, 5f00::/16, 100:0:0:1::/64, 64:ff9b:1::/48) and marked reachable (192.0.0.9, parts of 2001::/23).
KNOWN_DIFFERENCES = [
    "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "64:ff9b:1::/48", "64:ff9b::/96", "100:0:0:1::/64", "2001::/23",
    "2002::/16", "3fff::/20", "::/3", "4000::/2", "8000::/1",
]  # fmt: skip
_DIFFERENT = [ipaddress.ip_network(text) for text in KNOWN_DIFFERENCES]

ADDRESSES = (
    st.ip_addresses()
    | st.sampled_from(SPECIAL).map(lambda row: ipaddress.ip_address(row[0]))
    | st.sampled_from([ipaddress.ip_address(text) for text in GLOBAL])
)


@given(address=ADDRESSES)
def test_agrees_with_python_but_for_known_differences(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if any(address in network for network in _DIFFERENT):
        return
    assert (special_purpose(str(address)) is None) == address.is_global


# --- exclusions -----------------------------------------------------------------------------------------------


def scope(tmp_path: Path, text: str, *, allow_private: bool = False) -> Scope:
    path = tmp_path / "optout"
    path.write_text(text, encoding="utf-8")
    return Scope(allow_private, load_exclusions([path]))


LISTED = """# opt-outs
one.example      # by mail, 2 May
.tree.example
BÜCHER.example.
198.41.0.4
198.41.1.0/24
2600:1::/32
2600:2::5
"""

NAMES = [
    ("one.example", 2),
    ("ONE.Example.", 2),
    ("sub.one.example", None),
    ("none.example", None),
    ("tree.example", 3),
    ("a.tree.example", 3),
    ("a.b.Tree.example.", 3),
    ("subtree.example", None),
    ("example", None),
    ("xn--bcher-kva.example", 4),
    ("bücher.example", 4),
    ("b\udc80d..name*", None),
    ("é*.tree.example", 3),  # no host name, yet below an excluded one
    ("", None),
]


@pytest.mark.parametrize(("name", "line"), NAMES)
def test_excluded_names(tmp_path: Path, name: str, line: int | None) -> None:
    rules = scope(tmp_path, LISTED)
    where = f"{tmp_path}/optout line {line}: "
    for refusal in (rules.domain(name), rules.host(name)):
        if line is None:
            assert refusal is None
        else:
            assert refusal is not None
            assert refusal.why == "opted-out"
            assert refusal.text.startswith(where)


ADDRESS_ROWS = [
    ("198.41.0.4", 5),
    ("198.41.0.5", None),
    ("198.41.1.255", 6),
    ("198.41.2.0", None),
    ("2600:1:ffff::1", 7),
    ("2600:2::5", 8),
    ("2600:2::6", None),
    ("2002:c629:104::1", 6),  # 6to4 of 198.41.1.4
    ("64:ff9b::198.41.0.4", 5),
]


@pytest.mark.parametrize(("address", "line"), ADDRESS_ROWS)
def test_excluded_addresses(tmp_path: Path, address: str, line: int | None) -> None:
    refusal = scope(tmp_path, LISTED).address(address)
    entry = LISTED.splitlines()[line - 1] if line else ""
    assert refusal == (Refusal("opted-out", f"{tmp_path}/optout line {line}: {entry}") if line else None)


def test_private_addresses_open_but_not_the_excluded(tmp_path: Path) -> None:
    assert Scope().address("10.0.0.1") == Refusal("address-not-public", "Private-Use")
    assert Scope(allow_private=True).address("10.0.0.1") is None
    rules = scope(tmp_path, "10.0.0.0/24", allow_private=True)
    assert rules.address("10.0.0.1") == Refusal("opted-out", f"{tmp_path}/optout line 1: 10.0.0.0/24")
    assert rules.address("10.0.1.1") is None


def test_several_files_and_the_first_entry_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone.example\r\n.one.example\r\n1.2.3.4\n")
    (tmp_path / "b").write_bytes(b"one.example\n1.2.3.4\n1.2.3.0/24\n")
    found = load_exclusions([tmp_path / "a", str(tmp_path / "b")])
    assert found.name("one.example") == f"{tmp_path}/a line 1: one.example"
    assert found.name("a.one.example") == f"{tmp_path}/a line 2: .one.example"
    assert found.address("1.2.3.4") == f"{tmp_path}/a line 3: 1.2.3.4"
    assert found.address("1.2.3.5") == f"{tmp_path}/b line 3: 1.2.3.0/24"


BAD_ENTRIES = [
    (b"user@example.com", "'user@example.com': character '@' is not allowed"),
    (b"*.example.com", "'*.example.com': character '*' is not allowed"),
    (b"example.com:25", "'example.com:25' does not appear to be an IPv4 or IPv6 network"),
    (b"192.0.2.1/24", "192.0.2.1/24 has host bits set"),
    (b"192.0.2", "'192.0.2' does not appear to be an IPv4 or IPv6 network"),
    (b"192.0.2.0-192.0.2.9", "a domain, .domain, address or CIDR was expected"),
    (b"192.0.2.1-9", "does not appear to be an IPv4 or IPv6 network"),
    (b".192.0.2", "does not appear to be an IPv4 or IPv6 network"),
    (b".", "'.': it is empty"),
    (b"a..b", "empty label"),
    (b"a b", "character ' ' is not allowed"),
    (b"a\xff", "no UTF-8 text"),
    (b"a\0b", "NUL octet in the line"),
]


@pytest.mark.parametrize(("entry", "words"), BAD_ENTRIES)
def test_a_bad_entry_is_an_error(tmp_path: Path, entry: bytes, words: str) -> None:
    path = tmp_path / "optout"
    path.write_bytes(b"# list\n" + entry + b"\n")
    with pytest.raises(ListError) as caught:
        load_exclusions([path])
    assert str(caught.value).startswith(f"{path}: line 2: ")
    assert words in str(caught.value)


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="missing"):
        load_exclusions([tmp_path / "missing"])


@given(data=st.binary(max_size=40))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    try:
        assert isinstance(load_exclusions([path]), Exclusions)
    except ListError as error:
        assert str(path) in str(error)  # noqa: PT017 - most files raise, none has to


@given(networks=st.lists(st.ip_addresses().flatmap(
    lambda address: st.integers(0, address.max_prefixlen).map(
        lambda length: ipaddress.ip_network((address, length), strict=False)))), address=st.ip_addresses())  # fmt: skip
def test_networks_cover_what_python_says(
    tmp_path_factory: pytest.TempPathFactory,
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    path = tmp_path_factory.getbasetemp() / "networks"
    path.write_text("".join(f"{network}\n" for network in networks), encoding="ascii")
    probes = [address, *(network.network_address for network in networks), *(n.broadcast_address for n in networks)]
    found = load_exclusions([path])
    for probe in probes:
        if any(probe in network for network in networks):
            assert found.address(str(probe)) is not None
        elif probe.version == 4:  # IPv6 may carry an excluded IPv4 address
            assert found.address(str(probe)) is None
