"""The request of a scan: values that options turn into, and what is refused before any contact."""

from dataclasses import replace
from typing import Any

import pytest

from scanner.cli import request
from scanner.cli.commands import scan
from scanner.cli.errors import CliError
from scanner.cli.request import bind_address, build
from scanner.settings import POST_QUANTUM, Caps, Settings, Timeouts


def flags(*argv: str) -> dict[str, Any]:
    """Options as click gives them for a command line."""
    return scan.make_context("scan", list(argv)).params


def test_the_defaults_of_the_options_are_those_of_the_settings() -> None:
    made = build(flags("--domain", "a.example")).settings
    plain = Settings()
    assert (made.level, made.port, made.mode, made.sni, made.family) == (
        *(plain.level, plain.port, plain.mode),
        *(plain.sni, plain.family),
    )
    assert (made.timeouts, made.caps, made.dns.rate) == (Timeouts(), Caps(), plain.dns.rate)
    assert made.retries.after == plain.retries.after
    assert (made.hosts, made.addresses, made.domain_addresses) == (
        *(plain.hosts, plain.addresses),
        plain.domain_addresses,
    )


@pytest.mark.parametrize(
    ("argv", "warned"),
    [
        ((), False),
        (("--sni-sample", "2"), False),
        (("--sni-sample", "2", "--sni", "none"), True),
        (("--sni-sample", "2", "--level", "may"), True),
        (("--sni", "none"), False),
    ],
)
def test_a_sample_that_is_never_used_is_reported(
    argv: tuple[str, ...],
    warned: bool,  # noqa: FBT001 - table
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = build(flags("--domain", "a.example", *argv))
    assert ("--sni-sample has no effect" in capsys.readouterr().err) is warned
    assert made.settings.sni_sample == (2 if "--sni-sample" in argv else 0)


@pytest.mark.parametrize(
    ("argv", "least"),
    [(("--domain-addresses", "39"), 40), (("--addresses", "300"), 300), (("--addresses", "3"), None)],
)
def test_the_addresses_of_a_domain_suffice_for_a_host(argv: tuple[str, ...], least: int | None) -> None:
    wanted = flags("--domain", "a.example", *argv)
    if least is None:
        assert build(wanted).settings.addresses == 3
        return
    with pytest.raises(CliError, match=rf"--domain-addresses .* --addresses \({least}\)"):
        build(wanted)


@pytest.mark.parametrize(
    ("argv", "times"),
    [
        (("--domain", "a.example"), 0),
        (("--domain", "a.example", "-o", "-"), 2),
        (("--domain", "a.example", "--retries", "1"), 1),
        (("--domain", "a.example", "-o", "-", "--retries", "0"), 0),
    ],
)
def test_a_verdict_in_words_does_not_wait_for_later_passes(argv: tuple[str, ...], times: int) -> None:
    assert build(flags(*argv)).settings.retries.times == times


@pytest.mark.parametrize(
    ("text", "algorithms"),
    [
        ("auto", "rsa ecdsa"),
        ("off", ""),
        ("ecdsa", "ecdsa"),
        ("eddsa, rsa,eddsa", "eddsa rsa"),
        ("rsa,ecdsa,eddsa,mldsa", "rsa ecdsa eddsa mldsa"),
    ],
)
def test_key_algorithms(text: str, algorithms: str) -> None:
    made = build(flags("--domain", "a.example", "--cert-algs", text, "--pq")).settings
    assert (" ".join(made.cert_algs), made.pq) == (algorithms, True)


@pytest.mark.parametrize("text", ["", "dsa", "other", "rsa,", "auto,rsa", "RSA"])
def test_key_algorithms_that_are_refused(text: str) -> None:
    with pytest.raises(CliError, match=r"--cert-algs .*: auto, off or a list of rsa,ecdsa,eddsa,mldsa was expected"):
        build(flags("--domain", "a.example", "--cert-algs", text))


def test_a_library_without_post_quantum_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL before 3.5 knows neither ML-KEM nor ML-DSA."""
    odd = replace(POST_QUANTUM, name="odd", groups="NO-SUCH")
    for name in ("POST_QUANTUM", "OF_ALGORITHM"):
        known = getattr(request, name)
        monkeypatch.setattr(request, name, dict.fromkeys(known, odd) if isinstance(known, dict) else odd)
    for argv in (("--pq",), ("--cert-algs", "mldsa")):
        with pytest.raises(CliError, match="the TLS library of this scanner does not support it"):
            build(flags("--domain", "a.example", *argv))


def test_conditions() -> None:
    argv = ("--domain", "a.example", "--fail-on", "dane=broken", "--fail-on", "outcome=fail")
    assert build(flags(*argv)).fail_on == (("dane", "broken"), ("outcome", "fail"))


@pytest.mark.parametrize("text", ["dane", "dane=", "=broken", "tls=no", "dane=brokn"])
def test_conditions_that_are_refused(text: str) -> None:
    with pytest.raises(CliError, match="--fail-on"):
        build(flags("--domain", "a.example", "--fail-on", text))


def test_addresses_to_connect_from() -> None:
    assert bind_address(None) is None
    assert bind_address("127.0.0.1") == "127.0.0.1"
    for address in ("here", "192.0.2.1"):  # RFC 5737: an address of no host
        with pytest.raises(CliError, match="--bind"):
            bind_address(address)
