"""The options about the resolver: their meaning, and combinations that are errors."""

from pathlib import Path
from typing import Any

import pytest

from scanner.cli.errors import CliError
from scanner.cli.resolver_choice import ResolverChoice, ResolverMode, choice_of
from scanner.core.preflight import PreflightNames

ADDRESS, AUTO, SYSTEM, UNBOUND = (
    ResolverMode.ADDRESS,
    ResolverMode.AUTO,
    ResolverMode.SYSTEM,
    ResolverMode.UNBOUND,
)
FLAGS: dict[str, Any] = {
    "resolver": (),
    "trust_anchor": None,
    "root_hints": None,
    "forward": None,
    "unvalidated": False,
    "preflight_signed": (),
    "preflight_bogus": (),
    "preflight_unsigned": (),
    "preflight_denied": (),
}


def choice(**flags: Any) -> ResolverChoice:
    return choice_of(FLAGS | flags)


@pytest.mark.parametrize(
    ("given", "mode", "servers"),
    [
        ((), AUTO, ()),
        (("auto",), AUTO, ()),
        (("system",), SYSTEM, ()),
        (("unbound",), UNBOUND, ()),
        (("127.0.0.1",), ADDRESS, (("127.0.0.1", 53),)),
        (("127.0.0.1:5353",), ADDRESS, (("127.0.0.1", 5353),)),
        (("::1",), ADDRESS, (("::1", 53),)),
        (("[::1]",), ADDRESS, (("::1", 53),)),
        (("[::1]:5353", "127.0.0.1"), ADDRESS, (("::1", 5353), ("127.0.0.1", 53))),
    ],
)
def test_resolver(given: tuple[str, ...], mode: ResolverMode, servers: tuple[tuple[str, int], ...]) -> None:
    found = choice(resolver=given)
    assert (found.mode, found.servers) == (mode, servers)
    assert found.names == PreflightNames()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"resolver": ("system", "127.0.0.1")}, "--resolver system must be the only value"),
        ({"resolver": ("address",)}, "--resolver address: auto, system, unbound, ADDR"),
        ({"resolver": ("127.0.0.1:0",)}, "--resolver 127.0.0.1:0"),
        ({"resolver": ("127.0.0.1:65536",)}, "--resolver 127.0.0.1:65536"),
        ({"resolver": ("system",), "forward": "127.0.0.1"}, "--forward is for a private unbound"),
        ({"resolver": ("127.0.0.1",), "trust_anchor": "/etc/hosts"}, "--trust-anchor is for a private unbound"),
        ({"root_hints": "/no/such/file"}, "--root-hints /no/such/file: No such file or directory"),
        ({"forward": "localhost"}, "--forward localhost: ADDR, ADDR:PORT or [V6]:PORT was expected"),
        ({"preflight_signed": ("bad domain",)}, "--preflight-signed bad domain: "),
    ],
)
def test_errors(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(CliError) as caught:
        choice(**flags)
    assert str(caught.value).startswith(words)


def test_configuration_of_a_private_unbound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are absolute because unbound has another working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anchor").write_text("")
    found = choice(resolver=("unbound",), trust_anchor="anchor", forward="[::1]:54", unvalidated=True)
    assert found.trust_anchor == str(tmp_path / "anchor")
    assert found.forward == ("::1", 54)
    assert found.unvalidated


@pytest.mark.parametrize("purpose", ["signed", "bogus", "unsigned", "denied"])
def test_names_of_ones_own(purpose: str) -> None:
    names = choice(**{f"preflight_{purpose}": ("A.example", "bücher.example")}).names
    assert getattr(names, purpose) == ("a.example", "xn--bcher-kva.example")
    others = {"signed", "bogus", "unsigned", "denied"} - {purpose}
    assert all(getattr(names, other) == getattr(PreflightNames(), other) for other in others)
