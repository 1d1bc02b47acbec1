"""``mxsweep doctor``: its request, the addresses that it contacts, and the exit code and output of its checks."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import doctor
from scanner.cli.commands import doctor as command
from scanner.cli.doctor import DoctorRequest
from scanner.cli.errors import CliError, Exit
from scanner.core.doctor import PORT25_HOSTS
from scanner.core.preflight import Check, State
from scanner.facts import Answer, Probe
from scanner.net.unbound import UnboundError
from scanner.vocabulary import Family
from tests.unit import fakes, records
from tests.unit.pki import ROOT

FINE = Check("tcp", "127.0.0.1:53", State.OK, "answers")
ODD = Check("ipv6", "", State.WARN, "no route", "get IPv6")
BAD = Check("port 25", "mx.example", State.FAIL, "refused\x1b[2J", "open it")


def flags(*argv: str) -> dict[str, Any]:
    """Options as click gives them for a command line."""
    return command.make_context("doctor", list(argv)).params


def request(*argv: str) -> DoctorRequest:
    return doctor._request(flags(*argv))


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[str, ...]:
    """Options for trusted roots that do not depend on this machine."""
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    return "--ca-file", str(tmp_path / "root.pem"), "--concurrency", "1"


def network(monkeypatch: pytest.MonkeyPatch, result: tuple[Check, ...] | BaseException) -> None:
    """Let the checks of the network have these rows or fail; this machine may open any number of files."""

    async def checks(_: DoctorRequest) -> tuple[Check, ...]:
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr(doctor, "_network_checks", checks)
    monkeypatch.setattr(doctor, "_file_limit", lambda: None)


# --- the command ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "code"), [((), Exit.DONE), ((FINE, ODD), Exit.DONE), ((FINE, BAD), Exit.UNFIT), ((BAD, ODD), Exit.UNFIT)]
)
def test_only_a_failed_check_makes_the_machine_unfit(
    rows: tuple[Check, ...],
    code: Exit,
    trusted: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    network(monkeypatch, rows)
    assert doctor.run(flags("--json", *trusted)) is code
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is (code is Exit.DONE)
    names = [(row["check"], row["state"]) for row in printed["checks"]]
    assert names == [*((row.check, row.state) for row in rows), ("files", "ok"), ("trust store", "ok")]


def test_few_files_make_the_machine_unfit(trusted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    network(monkeypatch, (FINE,))
    monkeypatch.setattr(doctor, "_file_limit", lambda: 60)
    assert doctor.run(flags(*trusted)) is Exit.UNFIT


def test_the_table_has_advice_and_no_escapes_of_others(
    trusted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network(monkeypatch, (BAD,))
    doctor.run(flags(*trusted))
    printed = capsys.readouterr().out
    assert "mx.example: refused" in printed
    assert "open it" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: BaseExceptionGroup("nursery", [error])])
def test_a_lost_unbound_is_one_line(
    wrap: Callable[[Exception], BaseException], trusted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    network(monkeypatch, wrap(UnboundError("unbound ended")))
    with pytest.raises(CliError, match="unbound ended") as caught:
        doctor.run(flags(*trusted))
    assert caught.value.code is Exit.UNFIT


def test_a_bug_is_not_hidden(trusted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    network(monkeypatch, BaseExceptionGroup("nursery", [ZeroDivisionError("a bug")]))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        doctor.run(flags(*trusted))


# --- the request ----------------------------------------------------------------------------------------------


def test_hosts() -> None:
    assert request().hosts == PORT25_HOSTS
    assert request("--port25-host", "MX.bücher.example").hosts == ("mx.xn--bcher-kva.example",)
    with pytest.raises(CliError, match="--port25-host: "):
        request("--port25-host", "not a host")


@pytest.mark.parametrize(
    ("family", "bind", "types"),
    [
        (Family.ANY, None, ("A", "AAAA")),
        (Family.IPV4, None, ("A",)),
        (Family.IPV6, None, ("AAAA",)),
        (Family.ANY, fakes.V4, ("A",)),
        (Family.ANY, fakes.V6, ("AAAA",)),
        (Family.IPV6, fakes.V4, ()),
    ],
)
def test_address_types_follow_family_and_source_address(
    family: Family, bind: str | None, types: tuple[str, ...]
) -> None:
    assert doctor._address_types(replace(request(), family=family, bind=bind)) == types


# --- mail hosts -----------------------------------------------------------------------------------------------

HOST = fakes.MX1


@pytest.mark.parametrize(
    ("table", "unrouted", "probed", "why_none"),
    [
        (fakes.addresses(HOST, fakes.V4, fakes.V6), (), [fakes.V4, fakes.V6], "no route to 192.0.2.1, 2001:db8::1"),
        (fakes.addresses(HOST, fakes.V4, fakes.V6), (fakes.V6,), [fakes.V4], "no route to 192.0.2.1, 2001:db8::1"),
        (fakes.addresses(HOST, fakes.V4), (fakes.V4,), [], "no route to 192.0.2.1"),
        (fakes.missing(HOST), (), [], "A: nxdomain; AAAA: nxdomain"),
        (fakes.rows(fakes.failed(HOST, "A"), fakes.nothing(HOST, "AAAA")), (), [], "A: SERVFAIL; AAAA: nodata"),
    ],
)
async def test_each_address_with_a_route_is_probed(
    table: dict[fakes.Question, Answer],
    unrouted: tuple[str, ...],
    probed: list[str],
    why_none: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def probe(address: str, _: DoctorRequest) -> Probe:
        return records.probe(address)

    monkeypatch.setattr(doctor, "_probe", probe)
    monkeypatch.setattr(doctor, "has_route", lambda address: address not in unrouted)
    found = await doctor._mail_host(HOST, request(), fakes.Zone(table))
    assert [each.endpoint.address for each in found.probes] == probed
    assert (found.host, found.why_none) == (HOST, why_none)


def test_the_source_address_of_a_connection() -> None:
    assert doctor._source("127.0.0.1", None) == "127.0.0.1"
    assert doctor._source("127.0.0.1", "127.0.0.2") == "127.0.0.2"
    assert doctor._source("127.0.0.1", "192.0.2.1") is None  # RFC 5737: an address of no host


@pytest.mark.parametrize(
    ("argv", "probes", "routed", "states"),
    [
        (("--family", "ipv4"), (), True, []),
        ((), (), False, [State.WARN]),
        ((), (records.probe(fakes.V4),), True, [State.WARN]),
        ((), (records.probe(fakes.V6),), False, [State.OK]),
        ((), (records.refused(),), True, [State.WARN]),
    ],
)
def test_ipv6(
    argv: tuple[str, ...],
    probes: tuple[Probe, ...],
    routed: bool,  # noqa: FBT001 - a case
    states: list[State],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "has_route", lambda _: routed)
    assert [row.state for row in doctor._ipv6(request(*argv), probes)] == states
