"""The commands of mxsweep with their options and help. The code of a command is imported when the command runs."""

import sys
from collections.abc import Sequence
from typing import Any

import rich_click as click
from click.core import ParameterSource
from click.exceptions import NoArgsIsHelpError

from scanner import __version__
from scanner.cli import code_of
from scanner.cli import options as opt
from scanner.cli.console import one_line, plugin_text, unwritable
from scanner.cli.errors import PLUGIN_UNKNOWN, CliError, Exit
from scanner.cli.everyday import COMMANDS
from scanner.cli.scan_options import scan_options


def main(argv: Sequence[str]) -> int:
    """Run the command that a command line names and return the exit code; print a usage error as one line on stderr."""
    fail = _fail_plugin if argv[:1] == ["check"] else _fail
    try:
        result = group.main(args=list(argv), prog_name="mxsweep", standalone_mode=False)
    except NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return Exit.USAGE
    except click.ClickException as error:
        return fail(error.format_message(), Exit.USAGE)
    except click.Abort:
        return fail("", Exit.INTERRUPTED)
    except CliError as error:
        return fail(str(error), error.code)
    return result if isinstance(result, int) else Exit.DONE


def _fail(text: str, code: Exit) -> int:
    if text:
        sys.stderr.write(f"mxsweep: {one_line(text)}\n")
    return code


def _fail_plugin(text: str, _code: Exit) -> int:
    """Print an error as a monitoring plugin does, and return the exit code of the plugin state UNKNOWN."""
    sys.stdout.write(f"DANE UNKNOWN - {plugin_text(text or 'interrupted')}\n")
    return PLUGIN_UNKNOWN


class _Group(click.RichGroup):
    """The group of all commands, which reports every error in writing standard output.

    The library click itself handles only the error of a closed pipe.
    """

    def add_command(self, cmd: click.Command, *arguments: Any, **more: Any) -> None:
        """Add a command; shell completion offers file names for the arguments that are files, lists or runs."""
        opt.complete_files(cmd)
        super().add_command(cmd, *arguments, **more)

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Parse the command line; click executes the options for help and version in this method.

        Raises:
            CliError: standard output is closed or full.
        """
        try:
            return super().make_context(*arguments, **more)
        except OSError as error:
            raise unwritable(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            CliError: standard output is closed or full.
        """
        try:
            return super().invoke(ctx)
        except OSError as error:
            raise unwritable(error) from None


@click.group(
    name="mxsweep",
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=opt.examples("mxsweep scan --domain example.com", "mxsweep scan domains.txt -o RUN"),
)
@click.version_option(
    __version__, prog_name="mxsweep", message="%(prog)s %(version)s", help="Show the version and exit."
)
def group() -> None:
    """Test whether mail to a domain is sent over TLS, how the server is authenticated, and which faults prevent TLS."""


for _command in COMMANDS:
    group.add_command(_command)

# --- observation ----------------------------------------------------------------------------------------------


@group.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS] DEST [MATCH]...")
def finger(arguments: tuple[str, ...]) -> Any:
    """Test one destination as posttls-finger does. See `mxsweep finger --help` for the options."""
    return code_of("scanner.cli.finger:main")(arguments)


@group.command(
    epilog=opt.examples(
        "mxsweep scan --domain example.com --level dane",
        "mxsweep scan domains.txt -o RUN --ehlo scanner.example.org",
    )
)
@click.argument("lists", nargs=-1, metavar="LIST...")
@scan_options
@click.pass_context
def scan(ctx: click.RichContext, /, **flags: Any) -> Any:
    """Scan lists of mail domains: one domain per line, CSV or xlsx tables, also compressed, or - for stdin."""
    given = {name for name in flags if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
    return code_of("scanner.cli.start:run")(flags, given)


_DOCTOR = opt.block(
    "Checks",
    opt.repeatable(
        "--port25-host",
        metavar="HOST",
        help="Mail host for the test of port 25.",
        show_default="hosts of two large providers",
    ),
    opt.CA_FILE,
    opt.CA_PATH,
    opt.EHLO,
    opt.BIND,
    opt.FAMILY,
    opt.CONCURRENCY,
    opt.flag("--json", "as_json", help="Print the checks as JSON."),
    opt.CONFIG,
)


@group.command(epilog=opt.examples("mxsweep doctor", "mxsweep doctor --resolver unbound --ehlo scanner.example.org"))
@_DOCTOR
@opt.resolver_options
def doctor(**flags: Any) -> Any:
    """Check whether this machine and its network are suitable for a scan, with advice for each problem."""
    return code_of("scanner.cli.doctor:run")(flags)


@group.command(epilog=opt.examples("mxsweep finger --save case.json example.com", "mxsweep replay case.json"))
@click.argument("case", metavar="FILE")
def replay(case: str) -> Any:
    """Judge again, offline, a session saved by `mxsweep finger --save FILE`, and print its log lines.

    The exit code is 5 if the log lines differ from the saved log lines.
    """
    return code_of("scanner.cli.replay:run")(case)


# --- reading runs ---------------------------------------------------------------------------------------------

_REPORT = opt.block(
    "Report",
    opt.choice("--format", "form", of=["text", "markdown", "json", "csv", "html"], help="Format of the report."),
    opt.count_or_zero("--days", default=opt.DAYS, help="List certificates that expire within N days after the run."),
    opt.HISTORY,
    opt.count("--top", help="Maximum rows of long tables.", show_default="10 in text and markdown, else 1000"),
    opt.option("--group-by", metavar="COLUMN", help="Divide the failing hosts by a column of the list, such as owner."),
    opt.option(
        "--mail-merge",
        metavar="DIR",
        help="Write a text for each contact with failing hosts into DIR instead of a report. A contact is a value of"
        " the column of --group-by, else the postmaster of the host.",
    ),
    opt.option(
        "-o", "--output", metavar="FILE", help="File to write, or directory with --paper.", show_default="stdout"
    ),
    opt.option("--metrics", metavar="FILE", help="Write the figures as metrics for Prometheus instead of a report."),
    opt.flag("--paper", help="Write tables for a paper into the directory of -o instead of a report."),
)

_REJUDGE = opt.block(
    "Judging again",
    opt.flag("--rejudge", help="Judge the run again and print the differences instead of a report."),
    opt.option(
        "--at", metavar="TIME", help="With --rejudge: date for certificate validity, such as 2026-12-31 or +30d."
    ),
    opt.option(
        "--level",
        type=click.Choice(opt.LEVELS),
        metavar="LEVEL",
        help=f"With --rejudge: TLS security level to judge by: {', '.join(opt.LEVELS)}.",
    ),
    opt.option("--ca-file", metavar="FILE", help="With --rejudge: PEM bundle of trusted root certificates."),
    opt.option("--ca-path", metavar="DIR", help="With --rejudge: directory of trusted root certificates."),
)


@group.command(epilog=opt.examples("mxsweep report RUN", "mxsweep report RUN --format html -o report.html"))
@opt.RUN
@opt.STRICT()
@_REPORT
@_REJUDGE
def report(path: str, history: tuple[str, ...], **flags: Any) -> Any:
    """Show the results of a run: protected domains, faults and their remedies, expiring certificates."""
    return code_of("scanner.cli.reports:report")(path, history, flags)


@group.command(
    epilog=opt.examples("mxsweep explain RUN example.com", "mxsweep explain RUN example.com --history RUN-OF-LAST-WEEK")
)
@opt.RUN
@opt.STRICT()
@click.argument("domain", metavar="DOMAIN")
@opt.HISTORY()
def explain(path: str, domain: str, history: tuple[str, ...], *, strict: bool) -> Any:
    """Explain the verdict of one domain step by step from its MX records on, with a remedy for each fault."""
    return code_of("scanner.cli.reports:explain")(path, domain, history, strict=strict)


_DIFF = opt.block(
    "Comparison",
    opt.option(
        "--against",
        metavar="DIR",
        help="Directory of runs. RUN (if it is missing, the latest run in DIR) is compared with the earlier runs in DIR"
        " that have its label.",
    ),
    opt.count("--last", default=7, help="With --against: maximum number of earlier runs."),
    opt.choice("--format", "form", of=["text", "json", "markdown", "html", "csv"], help="Format of the comparison."),
    opt.option("--group-by", metavar="COLUMN", help="Divide the changes by a column of the list, such as owner."),
    opt.count_or_zero(
        "--days", default=opt.DAYS, help="List certificates that expire within N days after the newest run."
    ),
    opt.count_or_zero(
        "--limit", help="Maximum rows of each table, 0 for all.", show_default="20, or all in html and csv"
    ),
    opt.repeatable(
        "--fail-on",
        metavar="CHANGE",
        help="Exit with code 4 after a change: new-broken, new-unknown, removed (domains are no longer in the list) or"
        " shrunk=10% (the number of domains fell by 10 % or more).",
    ),
    opt.option(
        "--metrics",
        metavar="FILE",
        help="Write the numbers of changes as metrics for Prometheus, beside the comparison.",
    ),
)


@group.command(
    epilog=opt.examples("mxsweep diff OLD NEW", "mxsweep diff RUN --against DIR --fail-on new-broken --format markdown")
)
@click.argument("runs", nargs=-1, metavar="[OLD [RUN...]] NEW")
@opt.STRICT()
@_DIFF
def diff(runs: tuple[str, ...], **flags: Any) -> Any:
    """Compare two or more runs, the oldest first: verdicts, MX records, certificates, TLSA records."""
    return code_of("scanner.cli.diff:diff")(runs, flags)


@group.command(
    epilog=opt.examples("mxsweep export RUN -o tables", "mxsweep export RUN1 RUN2 --format duckdb -o tables"),
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@opt.STRICT()
@opt.choice(
    "--format",
    "form",
    of=["csv", "parquet", "sqlite", "duckdb", "jsonl"],
    help="Format of the tables; jsonl writes the files of the run with the last line of each key only.",
)()
@opt.option("-o", "--output", required=True, metavar="DIR", help="Directory for the files. No file is overwritten.")()
def export(**flags: Any) -> Any:
    """Write runs as tables: domains, routes, hosts, endpoints, certs, rejects and runs."""
    return code_of("scanner.cli.export:export")(**flags)


@group.command(
    epilog=opt.examples(
        "mxsweep query RUN 'SELECT dane, count(*) FROM domains GROUP BY dane'",
        "mxsweep query RUN1 RUN2 'SELECT run, dane, count(*) FROM domains GROUP BY ALL ORDER BY run' --format json",
    )
)
@click.argument("runs", nargs=-1, metavar="RUN...")
@click.argument("sql", metavar="SQL")
@opt.STRICT()
@opt.choice("--format", "form", of=["text", "csv", "json"], help="Format of the rows.")()
@opt.flag("--allow-files", help="Let the SQL read and write files beside the runs.")()
def query(**flags: Any) -> Any:
    """Run an SQL query on runs. The column run of each table, such as domains or hosts, names the run of a row."""
    return code_of("scanner.cli.export:query")(**flags)


@group.command(epilog=opt.examples("mxsweep schema", "mxsweep schema domains"))
@click.argument("name", required=False, metavar="[NAME]")
def schema(name: str | None) -> Any:
    """Print the JSON Schema of a file of a run (domains, hosts, certs, rejects, run or status), or of all files."""
    return code_of("scanner.cli.reports:schema")(name)
