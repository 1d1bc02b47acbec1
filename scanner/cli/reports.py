"""``mxsweep report``, ``explain`` and ``schema``: documents about a run."""

import gc
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results.explain.domain_steps import Reasoning
from results.explain.sightings import sightings
from results.explain.worklist import LIMIT
from results.report import formats
from results.report.mail_merge import write_texts
from results.report.model import Report, make_report
from results.report.text import render
from results.schema.schema import schema as schema_of
from results.store.by_key import certs_of, find
from results.store.reader import Run
from scanner.cli import code_of, console
from scanner.cli.errors import CliError
from scanner.cli.runs import reading, write
from scanner.model import DomainRecord, HostReport
from targets.destination import DestinationError, parse_destination

TOP = 10
"""Maximum number of rows of long tables in text and Markdown; in other formats, it is ``worklist.LIMIT``."""


# --- report ---------------------------------------------------------------------------------------------------


def report(path: str, history: tuple[str, ...], flags: Mapping[str, Any]) -> None:
    """Print or write a report of the run in ``path``, or the output of another mode such as ``--paper``.

    ``history`` contains the directories of earlier runs, and ``flags`` the other options by name.

    Raises:
        CliError: options contradict each other, a run cannot be read, or a file cannot be written.
    """
    _check(flags)
    gc.disable()  # records are plain values without reference cycles; the search for cycles takes a tenth of the time
    with reading(strict=flags["strict"]) as open_run:
        run, earlier = open_run(path), [open_run(past) for past in history]
        if flags["metrics"] or flags["paper"] or flags["rejudge"]:
            _other_mode(run, earlier, flags)
        else:
            _report(run, earlier, flags)


def _check(flags: Mapping[str, Any]) -> None:
    """Raise an error for options that would have no effect on the output."""
    chosen = [f"--{name}" for name in ("metrics", "paper", "rejudge") if flags[name]]
    if len(chosen) > 1:
        raise CliError(f"{' and '.join(chosen)}: only one of them is possible")
    if flags["paper"] and not flags["output"]:
        raise CliError("--paper: -o DIR is missing")
    if flags["rejudge"] and flags["form"] not in ("text", "json"):
        raise CliError(f"--rejudge --format {flags['form']}: text or json was expected")
    if flags["mail_merge"] and (chosen or flags["output"]):
        raise CliError(f"--mail-merge: not together with {chosen[0] if chosen else '-o'}")
    ineffective = [f"--{name.replace('_', '-')}" for name in ("at", "level", "ca_file", "ca_path") if flags[name]]
    if ineffective and not flags["rejudge"]:
        raise CliError(f"{', '.join(ineffective)}: only with --rejudge")


def _other_mode(run: Run, earlier: Sequence[Run], flags: Mapping[str, Any]) -> None:
    """Write the output of the requested mode (such as ``--paper``) instead of a report.

    The code of each mode is imported in this function, because the import is slow.
    """
    if flags["metrics"]:
        code_of("results.export.metrics:write_metrics")(run, Path(flags["metrics"]))
    elif flags["paper"]:
        code_of("scanner.cli.report_modes:paper")(run, flags["output"], earlier)
    else:
        wanted = ("at", "level", "ca_file", "ca_path", "form")
        code_of("scanner.cli.report_modes:rejudge")(run, **{name: flags[name] for name in wanted})


def _report(run: Run, earlier: Sequence[Run], flags: Mapping[str, Any]) -> None:
    form, output = flags["form"], flags["output"]
    few = form in ("text", "markdown") and not flags["mail_merge"]
    rows = flags["top"] or (TOP if few else LIMIT)
    hosts = LIMIT if flags["group_by"] else rows  # the rows of each group are chosen later
    made = make_report(run, days=flags["days"], history=earlier, top=hosts, column=flags["group_by"] or "")
    if made.column and not any(group.value for group in made.by_column):
        console.say(f"--group-by {made.column}: no domain of the run has a value in this column")
    if flags["mail_merge"]:
        sys.stdout.writelines(f"{path}\n" for path in write_texts(made, Path(flags["mail_merge"])))
    elif form == "text" and output is None:
        render(made, console.stdout(), rows)
    else:
        write(_rendered(made, run, form, rows), output)


def _rendered(made: Report, run: Run, form: str, rows: int) -> bytes:
    match form:
        case "html":
            page: str = code_of("results.report.html:to_html")(made, run)  # the template engine loads slowly
            return page.encode()
        case "json":
            return formats.to_json(made)
        case "csv":
            return formats.to_csv(made).encode()
        case "markdown":
            return formats.to_markdown(made, rows).encode()
        case _:
            return formats.to_text(made, rows).encode()


# --- explain and schema ---------------------------------------------------------------------------------------


def explain(path: str, domain: str, history: Sequence[str], *, strict: bool) -> None:
    """Print the steps that lead to the verdict of a domain. With ``strict``, a corrupt line of a run is an error.

    Raises:
        CliError: the domain is not in the run, or a run cannot be read.
    """
    with reading(strict=strict) as open_run:
        run, earlier = open_run(path), [open_run(past) for past in history]
        record = next(iter(find(run, "domains", DomainRecord, _keys(domain)).values()), None)
        if record is None:
            raise CliError(f"{domain}: not in {run.path}")
        wanted = [host.report for host in record.hosts if host.report is not None]
        reports = find(run, "hosts", HostReport, wanted)
        certs = certs_of(run, reports.values())
        data = {report.host: {tlsa.data for tlsa in report.tlsa.records} for report in reports.values()}
        Reasoning(console.stdout(), reports, certs, sightings(run, earlier, data)).print(record)


def _keys(domain: str) -> set[str]:
    """Return the possible keys of a domain in a run: the typed text, and the key that a scan makes of the text."""
    keys = {domain, domain.lower().rstrip(".")}
    try:
        return keys | {parse_destination(domain).key}
    except DestinationError:
        return keys


def schema(name: str | None) -> None:
    """Print the JSON Schema of one file of a run, or of all files.

    Raises:
        CliError: no file of a run has the given name.
    """
    try:
        document = schema_of(name)
    except (KeyError, ValueError):
        raise CliError(
            f"{name}: no such file in a run; domains, hosts, certs, rejects, run or status was expected"
        ) from None
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
