"""The commands that read runs: report, explain, schema. Each is wiring; the work is in ``results``."""

import gc
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from scanner.cli.errors import CliError
from scanner.cli.runs import HISTORY, RUN, reading
from scanner.vocabulary import Level

if TYPE_CHECKING:
    from results.report.model import Report
    from results.store.reader import Run

FORMATS = ("text", "markdown", "json", "csv", "html")
LEVELS = [level.value for level in (Level.MAY, Level.ENCRYPT, Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE)]
TOP = 10  # rows for people; other formats have all


@click.command()
@RUN
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True)
@click.option(
    "--days",
    type=click.IntRange(min=0),
    default=14,
    metavar="N",
    show_default=True,
    help="Certificates ending by then.",
)
@HISTORY
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Rows of long tables [default: 10; csv...: 1000].")
@click.option("-o", "--output", metavar="FILE", help="Where to write [default: standard output].")
@click.option("--metrics", metavar="FILE", help="Write metrics for Prometheus there instead.")
@click.option("--paper", is_flag=True, help="Write the tables of a paper to the directory of -o instead.")
@click.option("--rejudge", is_flag=True, help="Judge the run again and show what changes instead.")
@click.option("--at", metavar="TIME", help="With --rejudge: when dates are judged (2026-12-31, +30d).")
@click.option("--level", type=click.Choice(LEVELS), metavar="LEVEL", help="With --rejudge: level to judge by.")
@click.option("--ca-file", metavar="F", help="With --rejudge: PEM bundle of trusted roots.")
@click.option("--ca-path", metavar="D", help="With --rejudge: directory of trusted roots.")
def report(path: str, history: tuple[str, ...], **flags: Any) -> None:
    """Show what a run found: how many are protected, what is broken, whom to write to."""
    from results.store.reader import Run  # noqa: PLC0415

    _check(flags)
    gc.disable()  # a run is read into plain values without cycles: looking for some costs a tenth of the time
    with reading():
        run = Run.open(Path(path))
        earlier = [Run.open(Path(past)) for past in history]
        if flags["metrics"] or flags["paper"] or flags["rejudge"]:
            _something_else(run, earlier, flags)
        else:
            _report(run, earlier, flags)


def _check(flags: Mapping[str, Any]) -> None:
    """Refuse flags that would be passed over in silence."""
    chosen = [f"--{name}" for name in ("metrics", "paper", "rejudge") if flags[name]]
    if len(chosen) > 1:
        raise CliError(f"{' and '.join(chosen)}: one at a time")
    if flags["paper"] and not flags["output"]:
        raise CliError("--paper: -o DIR is needed too")
    if flags["rejudge"] and flags["form"] not in ("text", "json"):
        raise CliError(f"--rejudge --format {flags['form']}: text or json was expected")
    lonely = [f"--{name.replace('_', '-')}" for name in ("at", "level", "ca_file", "ca_path") if flags[name]]
    if lonely and not flags["rejudge"]:
        raise CliError(f"{', '.join(lonely)}: only with --rejudge")


def _something_else(run: "Run", earlier: Sequence["Run"], flags: Mapping[str, Any]) -> None:
    from scanner.cli import report_modes as analysis  # noqa: PLC0415

    if flags["metrics"]:
        analysis.metrics(run, flags["metrics"])
    elif flags["paper"]:
        analysis.paper(run, flags["output"], earlier)
    else:
        wanted = ("at", "level", "ca_file", "ca_path", "form")
        analysis.rejudge(run, **{name: flags[name] for name in wanted})


def _report(run: "Run", earlier: Sequence["Run"], flags: Mapping[str, Any]) -> None:
    from results.explain.worklist import LIMIT  # noqa: PLC0415
    from results.report.model import make_report  # noqa: PLC0415

    form, output = flags["form"], flags["output"]
    rows = flags["top"] or (TOP if form in ("text", "markdown") else LIMIT)
    made = make_report(run, days=flags["days"], history=earlier, top=rows)
    if form == "text" and output is None:
        _on_terminal(made, rows)
    else:
        _write(_rendered(made, run, form, rows), output)


def _on_terminal(made: "Report", rows: int) -> None:
    from results.report.text import render  # noqa: PLC0415
    from scanner.cli import console  # noqa: PLC0415

    render(made, console.stdout(), rows)


def _rendered(made: "Report", run: "Run", form: str, rows: int) -> bytes:
    from results.report import formats  # noqa: PLC0415

    if form == "html":
        from results.report.html import to_html  # noqa: PLC0415

        return to_html(made, run).encode()
    if form == "json":
        return formats.to_json(made)
    if form == "csv":
        return formats.to_csv(made).encode()
    return formats.to_markdown(made, rows).encode() if form == "markdown" else formats.to_text(made, rows).encode()


def _write(content: bytes, output: str | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise CliError(f"{output}: {error.strerror or error}") from None


@click.command()
@RUN
@click.argument("domain", metavar="DOMAIN")
@HISTORY
def explain(path: str, domain: str, history: tuple[str, ...]) -> None:
    """Show how the verdict of one domain came about, from the MX answer on, and what would mend it."""
    from results.store.reader import Run  # noqa: PLC0415
    from scanner.cli.explaining import explain_domain  # noqa: PLC0415

    with reading():
        run = Run.open(Path(path))
        explain_domain(run, domain, [Run.open(Path(past)) for past in history])


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
def schema(name: str | None) -> None:
    """Print the JSON Schema of a run's files: domains, hosts, certs, rejects, run or status; without NAME, all."""
    from results.schema.schema import schema as make  # noqa: PLC0415

    try:
        document = make(name)
    except (KeyError, ValueError):
        raise CliError(
            f"{name}: no such file in a run; domains, hosts, certs, rejects, run or status was expected"
        ) from None
    click.echo(json.dumps(document, indent=2))


COMMANDS = (report, explain, schema)
"""To be added to the program's group."""
