"""Every option of ``scan`` is a key of the configuration file, and options of the command line override it."""

from pathlib import Path
from typing import Any

import pytest
import rich_click as click

from scanner.cli import commands
from scanner.cli.config import option_key

# key: its value in TOML, the value of the option, the option with another value, that value
VALUES: dict[str, tuple[str, Any, tuple[str, ...], Any]] = {
    "output": ("'run'", "run", ("-o", "other"), "other"),
    "domain": ("['a.example', 'b.example']", ("a.example", "b.example"), ("--domain", "c.example"), ("c.example",)),
    "first": ("'a'", ("a",), ("--first", "b"), ("b",)),
    "resume": ("'a'", "a", ("--resume", "b"), "b"),
    "retry_inconclusive": ("'a'", "a", ("--retry-inconclusive", "b"), "b"),
    "level": ("'may'", "may", ("--level", "dane-only"), "dane-only"),
    "cert_algs": ('"rsa"', "rsa", ("--cert-algs", "off"), "off"),
    "pq": ("true", True, ("--pq",), True),
    "sts": ("true", True, ("--sts",), True),
    "resolver": ("'127.0.0.1:5353'", ("127.0.0.1:5353",), ("--resolver", "::1"), ("::1",)),
    "trust_resolver": ("true", True, ("--trust-resolver",), True),
    "trust_anchor": ("'a'", "a", ("--trust-anchor", "b"), "b"),
    "root_hints": ("'a'", "a", ("--root-hints", "b"), "b"),
    "forward": ("'::1'", "::1", ("--forward", "127.0.0.1"), "127.0.0.1"),
    "unvalidated": ("true", True, ("--unvalidated",), True),
    "preflight_signed": ("'a.example'", ("a.example",), ("--preflight-signed", "b.example"), ("b.example",)),
    "preflight_bogus": ("'a.example'", ("a.example",), ("--preflight-bogus", "b.example"), ("b.example",)),
    "preflight_unsigned": ("'a.example'", ("a.example",), ("--preflight-unsigned", "b.example"), ("b.example",)),
    "preflight_denied": ("'a.example'", ("a.example",), ("--preflight-denied", "b.example"), ("b.example",)),
    "confirm": ("'::1'", ("::1",), ("--confirm", "192.0.2.1:53"), ("192.0.2.1:53",)),
    "dns_rate": ("50", 50, ("--dns-rate", "60"), 60),
    "ca_file": ("'a.pem'", "a.pem", ("--ca-file", "b.pem"), "b.pem"),
    "ca_path": ("'a'", "a", ("--ca-path", "b"), "b"),
    "port": ("2525", 2525, ("--port", "26"), 26),
    "mode": ("'smtps'", "smtps", ("--mode", "lmtp"), "lmtp"),
    "sni_sample": ("2", 2, ("--sni-sample", "3"), 3),
    "sni": ("'mx'", "mx", ("--sni", "none"), "none"),
    "ehlo": ("'a.example'", "a.example", ("--ehlo", "b.example"), "b.example"),
    "bind": ("'127.0.0.1'", "127.0.0.1", ("--bind", "::1"), "::1"),
    "family": ("'ipv4'", "ipv4", ("--family", "ipv6"), "ipv6"),
    "concurrency": ("7", 7, ("--concurrency", "8"), 8),
    "per_address": ("2", 2, ("--per-address", "3"), 3),
    "per_network": ("2", 2, ("--per-network", "3"), 3),
    "per_provider": ("2", 2, ("--per-provider", "3"), 3),
    "per_domain": ("2", 2, ("--per-domain", "3"), 3),
    "rate": ("50", 50, ("--rate", "60"), 60),
    "spacing": ("0", 0.0, ("--spacing", "2.5"), 2.5),
    "retries": ("1", 1, ("--retries", "0"), 0),
    "retry_after": ("10", 10.0, ("--retry-after", "2.5"), 2.5),
    "latest": ("false", False, ("--latest",), True),
    "exclusive": ("'nightly'", "nightly", ("--exclusive", "other"), "other"),
    "max_time": ("60", 60.0, ("--max-time", "2.5"), 2.5),
    "give_up_after": ("60", 60.0, ("--give-up-after", "2.5"), 2.5),
    "connect_timeout": ("2", 2.0, ("--connect-timeout", "2.5"), 2.5),
    "greeting_timeout": ("2.5", 2.5, ("--greeting-timeout", "3"), 3.0),
    "command_timeout": ("2", 2.0, ("--command-timeout", "3"), 3.0),
    "deadline": ("2", 2.0, ("--deadline", "3"), 3.0),
    "exclude": ("['a']", ("a",), ("--exclude", "b", "--exclude", "c"), ("b", "c")),
    "allow_private": ("true", True, ("--allow-private",), True),
    "addresses": ("2", 2, ("--addresses", "3"), 3),
    "hosts": ("2", 2, ("--hosts", "3"), 3),
    "domain_addresses": ("50", 50, ("--domain-addresses", "60"), 60),
    "format": ("'zone'", "zone", ("--format", "auto"), "auto"),
    "accept": ("'urls'", "urls", ("--accept", "emails"), "emails"),
    "max_rejects": ("20", 20, ("--max-rejects", "5%"), 5),
    "head": ("2", 2, ("--head", "3"), 3),
    "sample": ("2", 2, ("--sample", "3"), 3),
    "seed": ("2", 2, ("--seed", "3"), 3),
    "label": ("'a'", "a", ("--label", "b"), "b"),
    "column": ("'a'", "a", ("--column", "b"), "b"),
    "dry_run": ("true", True, ("--dry-run",), True),
    "quiet": ("true", True, ("--quiet",), True),
    "log_file": ("'a'", "a", ("--log-file", "b"), "b"),
    "status_file": ("'a'", "a", ("--status-file", "b"), "b"),
    "status_every": ("5", 5.0, ("--status-every", "1"), 1.0),
    "metrics_file": ("'a'", "a", ("--metrics-file", "b"), "b"),
    "dask": ("'local'", "local", ("--dask", "local:2"), "local:2"),
    "dask_security": ("'a'", "a", ("--dask-security", "b"), "b"),
    "fail_on": ("'dane=broken'", ("dane=broken",), ("--fail-on", "dane=none"), ("dane=none",)),
}

NOT_HERE = {"config"}  # a file that names another file


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options that ``scan`` was called with."""
    got: dict[str, Any] = {}

    def keep(given: dict[str, Any], _: set[str]) -> int:
        got.update(given)
        return 0

    monkeypatch.setattr("scanner.cli.start.run", keep)
    return got


def options() -> dict[str, click.Option]:
    return {option_key(option): option for option in commands.scan.params if isinstance(option, click.Option)}


def name_of(key: str) -> str:
    return options()[key].name or ""


def test_no_flag_is_forgotten_here() -> None:
    """A new option needs a row in ``VALUES``."""
    known = set(options())
    assert known - NOT_HERE - {"help"} <= set(VALUES), "add the new flag to VALUES"
    assert set(VALUES) <= known


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("table", ["", "[scan]\n"])
@pytest.mark.parametrize("dash", ["-", "_"])
def test_every_flag_is_a_key(key: str, table: str, dash: str, tmp_path: Path, flags: dict[str, Any]) -> None:
    toml, value, _, _ = VALUES[key]
    config = tmp_path / "config.toml"
    config.write_text(f"{table}{key.replace('_', dash)} = {toml}\n")
    assert commands.main(["scan", "--config", str(config)]) == 0
    assert flags[name_of(key)] == value


@pytest.mark.parametrize("key", VALUES)
def test_flags_win(key: str, tmp_path: Path, flags: dict[str, Any]) -> None:
    toml, _, flag, value = VALUES[key]
    config = tmp_path / "config.toml"
    config.write_text(f"{key} = {toml if value is not True else 'false'}\n")
    assert commands.main(["scan", *flag, "--config", str(config)]) == 0
    assert flags[name_of(key)] == value
