"""``mxsweep scan``: the exit code of a scan, its totals, its errors, and the sink and the work that it opens."""

import hashlib
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from results.store.line_sink import LineSink
from results.store.writer import Store
from scanner.cli import scan as module
from scanner.cli.commands import scan as command
from scanner.cli.errors import CliError, Exit
from scanner.cli.request import Request, build
from scanner.cli.resolver import Resolved
from scanner.cli.resume import input_source
from scanner.cli.sinks import ReportingSink, WordsSink
from scanner.cli.work import Work
from scanner.model import InputSource
from scanner.run.pipeline import Stop
from scanner.run.stats import Stats
from scanner.settings import DNSSettings
from scanner.vocabulary import RunState
from targets.lists import Reader
from targets.spool import Spool
from tests.unit import fakes, records

RESOLVED = Resolved(DNSSettings(), (), validated=True, label="127.0.0.1:53")


def request(*argv: str) -> Request:
    return build(command.make_context("scan", list(argv)).params)


def work(place: Path, *, cut: tuple[str, ...] = (), **parts: Any) -> Work:
    spool = Spool.make(place / "spool", [fakes.target(), fakes.target(line=2)], Reader(), cut=lambda: list(cut))
    return Work(spool.items(), spool.total, spool, **parts)


# --- exit code and totals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interrupted", "errors", "matched", "cut", "code"),
    [
        (False, 0, False, (), Exit.DONE),
        (False, 0, False, ("list.gz",), Exit.USAGE),
        (False, 0, True, ("list.gz",), Exit.MATCHED),
        (False, 1, True, ("list.gz",), Exit.INTERNAL),
        (True, 1, True, ("list.gz",), Exit.INTERRUPTED),
    ],
)
async def test_the_gravest_end_decides_the_exit_code(
    interrupted: bool,  # noqa: FBT001 - a case
    errors: int,
    matched: bool,  # noqa: FBT001 - a case
    cut: tuple[str, ...],
    code: Exit,
    tmp_path: Path,
) -> None:
    stop = Stop()
    if interrupted:
        stop.drain()
    reporting = cast("ReportingSink", SimpleNamespace(matched=matched))
    assert module._exit_code(Stats(internal_errors=errors), stop, reporting, work(tmp_path, cut=cut)) is code


def test_totals_include_earlier_processes_of_the_run(tmp_path: Path) -> None:
    stats = Stats(done=5, rejects=2, endpoints_probed=7, endpoints_shared=3, internal_errors=1)
    plain = module._totals(stats, work(tmp_path), 11.6)
    assert plain == {
        "domains": 5,
        "rejects": 2,
        "lines": 2,
        "duplicates": 1,
        "endpoints_probed": 7,
        "endpoints_shared": 3,
        "internal_errors": 1,
        "seconds": 12,
    }
    before = {"endpoints_probed": 10, "endpoints_shared": 20, "internal_errors": 30, "seconds": 40}
    later = module._totals(stats, work(tmp_path, others=4, before=before), 11.6)
    assert later == plain | {
        "domains": 9,
        "endpoints_probed": 17,
        "endpoints_shared": 23,
        "internal_errors": 31,
        "seconds": 52,
    }


# --- sink and work --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("argv", "kind"), [((), WordsSink), (("-o", "-"), LineSink)])
def test_sinks_of_standard_output(
    argv: tuple[str, ...], kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO()))
    assert isinstance(module._open_sink(request("--domain", "a.example", *argv), RESOLVED, None), kind)


def test_a_new_run_has_a_header_of_the_request(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("a.example\n")
    asked = request(str(tmp_path / "list"), "-o", str(tmp_path / "run"), "--label", "weekly", "--ehlo", "scan.example")
    with module._open_sink(asked, RESOLVED, work(tmp_path).spool) as store:
        assert isinstance(store, Store)
        header = store.header
    assert (header.state, header.label, header.ehlo) == (RunState.RUNNING, "weekly", "scan.example")
    assert header.resolver == "127.0.0.1:53"
    assert header.preflight == RESOLVED.record(asked.choice)
    digest = hashlib.sha256(b"a.example\n").hexdigest()
    assert header.input == (InputSource(str(tmp_path / "list"), digest),)


def test_only_the_most_frequent_reject_reasons_are_kept(tmp_path: Path) -> None:
    reasons = {f"reason {number}": 100 - number for number in range(module.REASONS_KEPT + 1)}
    spool = SimpleNamespace(reasons=reasons, rejects=0, lines=0, cut=[], total=0)
    header = module.header_of(request("--domain", "a.example"), RESOLVED, cast("Spool", spool))
    assert list(header.reject_reasons) == list(reasons)[:-1]


def test_a_directory_in_use_is_a_usage_error(tmp_path: Path) -> None:
    asked = request("--domain", "a.example", "-o", str(tmp_path / "run"))
    with Store.create(tmp_path / "run", records.header()):
        pass
    with pytest.raises(CliError, match="already a run here") as caught:
        module._open_sink(asked, RESOLVED, None)
    assert caught.value.code is Exit.USAGE


def test_a_source_that_cannot_be_read_twice_has_no_digest(tmp_path: Path) -> None:
    for name in ("-", str(tmp_path), str(tmp_path / "none")):
        assert input_source(name) == InputSource(name)


def test_standard_output_cannot_be_continued() -> None:
    with pytest.raises(CliError, match="continued in its own directory"):
        module._open_work(request("--domain", "a.example"), WordsSink(cast("Any", None)), None)
