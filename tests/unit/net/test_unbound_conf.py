"""The configuration of a private unbound and its trust anchor."""

import os
import resource
import subprocess
from pathlib import Path

import dns.dnssec
import dns.rdata
import pytest

from scanner.net import unbound_conf
from scanner.net.unbound_conf import UnboundSettings, UnquotablePathError, configuration, shipped_anchor

PUBLIC = UnboundSettings()
ROOT_KSK = {  # IANA's root-anchors.xml, as Debian's dns-root-data has it in root.ds
    20326: "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d",
    38696: "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16",
}
OWN_NAME = "own-name.invalid"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a cache directory for this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mxsweep"


# --- configuration --------------------------------------------------------------------------------------------


def test_shipped_anchor() -> None:
    rows = [line for line in shipped_anchor().decode().splitlines() if not line.startswith(";")]
    assert all(row.startswith(". IN DS ") for row in rows)
    records = [dns.rdata.from_text("IN", "DS", row.partition(" DS ")[2]) for row in rows]
    assert {r.key_tag: r.digest.hex() for r in records} == ROOT_KSK  # type: ignore[attr-defined] # dnspython's DS
    assert {(r.algorithm, r.digest_type) for r in records} == {(8, 2)}  # type: ignore[attr-defined] # the same


@pytest.mark.parametrize(
    "settings",
    [
        PUBLIC,
        UnboundSettings(forward=("2001:db8::53", 5353)),
        UnboundSettings(forward=("192.0.2.53", 53), in_flight=100_000),
    ],
)
def test_unbound_accepts_the_configuration(settings: UnboundSettings, tmp_path: Path) -> None:
    conf = tmp_path / "unbound.conf"
    conf.write_text(configuration(settings, tmp_path, 5300, own_name=OWN_NAME, version=(1, 17)))
    done = subprocess.run(["unbound-checkconf", str(conf)], capture_output=True, text=True, check=False,
                          env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin"})  # fmt: skip
    assert done.returncode == 0, done.stderr


def options(settings: UnboundSettings, tmp_path: Path, version: tuple[int, ...] = (1, 17)) -> list[str]:
    return [
        line.strip()
        for line in configuration(settings, tmp_path, 5300, own_name=OWN_NAME, version=version).splitlines()
    ]


def test_only_this_machine_may_query_and_remote_control_is_off(tmp_path: Path) -> None:
    lines = options(PUBLIC, tmp_path)
    assert [line for line in lines if line.startswith("interface:")] == ["interface: 127.0.0.1@5300"]
    assert [line for line in lines if line.startswith("access-control:")] == ["access-control: 127.0.0.0/8 allow"]
    assert "control-enable: no" in lines
    assert 'module-config: "validator iterator"' in lines


@pytest.mark.parametrize(("version", "has"), [((), False), ((1, 15), False), ((1, 16), True), ((1, 22), True)])
def test_extended_errors_by_version(version: tuple[int, ...], tmp_path: Path, *, has: bool) -> None:
    """RFC 8914; the option came with unbound 1.16."""
    assert ("ede: yes" in options(PUBLIC, tmp_path, version)) is has


def test_private_networks_may_have_names_that_the_internet_has_not(tmp_path: Path) -> None:
    """RFC 6761 and RFC 6303: by default unbound answers such names itself."""
    hints = UnboundSettings(root_hints="hints")
    assert 'local-zone: "test." nodefault' in options(hints, tmp_path)
    assert f'root-hints: "{Path.cwd()}/hints"' in options(hints, tmp_path)
    assert 'local-zone: "test." nodefault' not in options(PUBLIC, tmp_path)
    assert "do-not-query-localhost: no" not in options(PUBLIC, tmp_path)


@pytest.mark.parametrize(
    ("in_flight", "files", "questions"),
    [
        (1, 20_000, 1024),
        (256, 20_000, 2048),
        (1_000_000, 100_000, 16384),
        (256, 1024, 1024 - 64),
        (256, resource.RLIM_INFINITY, 2048),
        (256, 10, 1),
    ],
)
def test_sizes(in_flight: int, files: int, questions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    lines = options(UnboundSettings(in_flight=in_flight), tmp_path)
    assert f"outgoing-range: {questions}" in lines
    assert f"num-queries-per-thread: {questions}" in lines


def test_the_receive_buffer_is_within_the_limit_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = tmp_path / "rmem_max"
    monkeypatch.setattr(unbound_conf, "_RMEM_MAX", allowed)
    assert "so-rcvbuf: 0" in options(PUBLIC, tmp_path)
    allowed.write_text("212992\n")
    assert "so-rcvbuf: 212992" in options(PUBLIC, tmp_path)
    allowed.write_text("99999999\n")
    assert "so-rcvbuf: 4194304" in options(PUBLIC, tmp_path)


# --- the anchor -----------------------------------------------------------------------------------------------


def anchor_option(tmp_path: Path, settings: UnboundSettings = PUBLIC) -> tuple[str, Path]:
    (line,) = [line for line in options(settings, tmp_path) if "trust-anchor-file:" in line]
    option, _, path = line.partition(": ")
    return option, Path(path.strip('"'))


def test_the_anchor_is_cached_and_changes_by_unbound_are_kept(cache: Path, tmp_path: Path) -> None:
    option, path = anchor_option(tmp_path)
    assert option == "auto-trust-anchor-file"
    assert path.parent == cache
    assert path.read_bytes() == shipped_anchor()
    path.write_text("; kept current by unbound\n")
    assert anchor_option(tmp_path) == (option, path)
    assert path.read_text() == "; kept current by unbound\n"
    path.write_text("")
    anchor_option(tmp_path)
    assert path.read_bytes() == shipped_anchor(), "an empty anchor is none"
    assert list(cache.iterdir()) == [path]


def test_a_newer_package_starts_from_its_own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, old = anchor_option(tmp_path)
    monkeypatch.setattr(unbound_conf, "shipped_anchor", lambda: b". IN DS 1 8 2 00\n")
    _, new = anchor_option(tmp_path)
    assert new != old
    assert new.read_bytes() == b". IN DS 1 8 2 00\n"


def test_without_a_cache_the_anchor_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    private = tmp_path / "private"
    private.mkdir()
    option, path = anchor_option(private)
    assert option == "auto-trust-anchor-file"
    assert path.parent == private
    assert path.read_bytes() == shipped_anchor()


@pytest.mark.parametrize(
    ("value", "expected"), [("/x", "/x/mxsweep"), ("", "/h/.cache/mxsweep"), ("x", "/h/.cache/mxsweep")]
)
def test_cache_directory(value: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG Base Directory Specification: a path that is not absolute is ignored."""
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", "/h")
    assert unbound_conf.cache_directory() == Path(expected)


def test_a_given_anchor_is_only_read(tmp_path: Path, cache: Path) -> None:
    assert anchor_option(tmp_path, UnboundSettings(trust_anchor="/a/b")) == ("trust-anchor-file", Path("/a/b"))
    assert not cache.exists()


@pytest.mark.parametrize("name", ['a"b', "a\\", "a\nremote-control: b", "a\x1b", "a\udc80"])
@pytest.mark.parametrize("flag", ["root_hints", "trust_anchor"])
def test_no_path_adds_to_the_configuration(flag: str, name: str, tmp_path: Path) -> None:
    settings = UnboundSettings(**{flag: str(tmp_path / name)})  # type: ignore[arg-type] # either of two paths
    with pytest.raises(UnquotablePathError, match="without quotes"):
        options(settings, tmp_path)


def test_a_cache_that_cannot_be_quoted_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / 'a"b'))
    (line,) = [line for line in options(PUBLIC, tmp_path) if "trust-anchor-file" in line]
    assert line.startswith(f'auto-trust-anchor-file: "{tmp_path}/root-')
