"""A run that is continued: the options that it keeps, the options that may change, and what is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from results.store import codec
from results.store.writer import Store
from scanner.cli.commands import scan
from scanner.cli.errors import CliError
from scanner.cli.request import build
from scanner.cli.resume import changed_lists, check_settings, header_of, resumed, to_keep
from scanner.cli.work import new_work
from scanner.model import InputSource
from scanner.settings import Caps, Settings
from scanner.vocabulary import Level, RunState
from targets.lists import Reader
from targets.spool import Spool
from tests.unit import fakes, records

KEPT = ("--domain", "a.example", "-o", "run", "--rate", "7", "--ehlo", "scan.example")


def flags(*argv: str) -> dict[str, Any]:
    """Options as click gives them for a command line."""
    return scan.make_context("scan", list(argv)).params


def run_with(path: Path, *more: str, state: RunState = RunState.INTERRUPTED) -> Path:
    """Write a run that keeps these options."""
    given = flags(*KEPT, *more)
    with Store.create(path, records.header(state=state)) as store:
        new_work(Spool.make(path.parent / "made", [fakes.target()], Reader()), store, to_keep(given, Settings()))
        if state is RunState.COMPLETE:
            store.finish(state, {}, records.NOON)
    return path


def continued(*argv: str) -> dict[str, Any]:
    """Return the options of a command line that continues a run."""
    with scan.make_context("scan", list(argv)) as ctx:
        given = {name for name in ctx.params if (source := ctx.get_parameter_source(name)) and source.name != "DEFAULT"}
        return resumed(ctx.params, given)


def test_the_name_of_this_host_is_kept_and_the_input_is_not() -> None:
    kept = to_keep(flags("--domain", "a.example", "--quiet"), Settings(ehlo="scan.example"))
    assert kept["ehlo"] == "scan.example"
    assert kept["rate"] == 100
    assert not {"domains", "lists", "output", "quiet", "fail_on", "config", "resume"} & set(kept)


def test_a_run_continues_with_its_options_and_shows_as_asked(tmp_path: Path) -> None:
    path = str(run_with(tmp_path / "run", "--preflight-signed", "a.example"))
    found = continued("--resume", path, "--quiet", "--fail-on", "dane=broken", "--rate", "7")
    assert (found["rate"], found["output"], found["quiet"]) == (7, path, True)
    assert found["preflight_signed"] == ("a.example",)
    assert found["fail_on"] == ("dane=broken",)
    assert build(found).resume


@pytest.mark.parametrize(
    ("argv", "state", "text"),
    [
        (("--resume", "RUN", "--retry-inconclusive", "RUN"), RunState.INTERRUPTED, "one of them was expected"),
        (("--retry-inconclusive", "RUN"), RunState.INTERRUPTED, "the run is interrupted"),
        (("--retry-inconclusive", "RUN", "--head", "3"), RunState.COMPLETE, "--head: --retry-inconclusive continues"),
        (("--resume", "RUN", "list"), RunState.INTERRUPTED, "LIST: --resume continues with the input of the run"),
        (("--resume", "RUN", "--domain", "b.example"), RunState.INTERRUPTED, "--domain: --resume continues"),
        (("--resume", "RUN", "--format", "zone"), RunState.INTERRUPTED, "--format: --resume continues"),
        (("--resume", "RUN", "--rate", "8"), RunState.INTERRUPTED, "--rate: this run continues with 7"),
        (("--resume", "RUN", "--bind", "::1"), RunState.INTERRUPTED, "--bind: this run continues without it"),
        (("--resume", "RUN/none"), RunState.INTERRUPTED, "no run here"),
    ],
)
def test_contradictions_are_refused(argv: tuple[str, ...], state: RunState, text: str, tmp_path: Path) -> None:
    path = run_with(tmp_path / "run", state=state)
    with pytest.raises(CliError) as caught:
        continued(*(each.replace("RUN", str(path)) for each in argv))
    assert text in str(caught.value)


def test_a_spool_of_another_run_is_refused(tmp_path: Path) -> None:
    path = run_with(tmp_path / "run")
    (path / "run.json").write_bytes(codec.pretty(records.header(input=(InputSource("other.csv"),))))
    with pytest.raises(CliError, match="belong to different runs"):
        continued("--resume", str(path))


@pytest.mark.parametrize("place", [".", "run.json", "spool"])
def test_files_named_by_a_run_that_others_can_write_to_are_confirmed(place: str, tmp_path: Path) -> None:
    (tmp_path / "no.txt").write_text("b.example\n")
    named = ("--exclude", str(tmp_path / "no.txt"))
    path = run_with(tmp_path / "run", *named)
    assert continued("--resume", str(path))["exclude"] == named[1:]
    (path / place).chmod(0o777)
    with pytest.raises(CliError, match="other users can write to it") as caught:
        continued("--resume", str(path))
    assert str(caught.value).endswith(f"add {' '.join(named)}")
    assert continued("--resume", str(path), *named)["exclude"] == named[1:]


def test_a_run_that_names_no_files_needs_no_confirmation(tmp_path: Path) -> None:
    path = run_with(tmp_path / "run")
    path.chmod(0o777)
    assert continued("--resume", str(path))["exclude"] == ()


def test_settings_that_differ_are_refused(tmp_path: Path) -> None:
    settings = codec.plain(asdict(Settings()))
    with Store.create(tmp_path / "run", records.header(settings=settings)):
        pass
    check_settings(tmp_path / "run", Settings())
    with pytest.raises(CliError, match="the run has level = dane, but the options make it may"):
        check_settings(tmp_path / "run", Settings(level=Level.MAY))


def test_settings_that_an_earlier_version_did_not_have_are_not_compared(tmp_path: Path) -> None:
    settings = codec.plain(asdict(Settings()))
    del settings["hosts"], settings["caps"]["per_domain"]
    with Store.create(tmp_path / "run", records.header(settings=settings)):
        pass
    check_settings(tmp_path / "run", Settings(hosts=7, caps=Caps(per_domain=3)))
    with pytest.raises(CliError, match="the run has caps = "):
        check_settings(tmp_path / "run", Settings(caps=Caps(total=3)))


def removed(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    path.write_text("b.example\n")


def same(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(("do", "is_named"), [(same, False), (changed, True), (removed, False)])
def test_only_lists_with_other_content_are_named(
    do: Callable[[Path], None],
    is_named: bool,  # noqa: FBT001 - a case
    tmp_path: Path,
) -> None:
    path = tmp_path / "list"
    path.write_text("a.example\n")
    source = InputSource(str(path), hashlib.sha256(b"a.example\n").hexdigest())
    do(path)
    assert changed_lists(records.header(input=(source, InputSource("-")))) == [str(path)] * is_named


def test_a_header_that_is_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="no run here"):
        header_of(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CliError, match=r"run\.json"):
        header_of(tmp_path)
