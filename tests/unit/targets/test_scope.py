"""Exclusion files, and the scope of a scan."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.lists import ListError
from targets.scope import Exclusions, Refusal, Scope, load_exclusions


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
    (b"a\xff", "not UTF-8 text"),
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
