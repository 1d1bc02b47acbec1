"""The commands of everyday operation with their options and help: ``status``, ``runs``, ``prune`` and ``check``."""

from typing import Any

import rich_click as click

from scanner.cli import code_of
from scanner.cli.options import (
    BIND,
    CA_FILE,
    CA_PATH,
    CONFIG,
    COUNT,
    EHLO,
    FAMILY,
    PORT,
    TIMEOUT,
    block,
    examples,
    option,
    resolver_options,
)


@click.command(epilog=examples("mxsweep runs /var/lib/mxsweep", "mxsweep runs /var/lib/mxsweep --json"))
@click.argument("directory", metavar="DIR")
@option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")()
def runs(**flags: Any) -> Any:
    """List the runs in a directory: date, label, state, and the numbers of domains and broken domains."""
    return code_of("scanner.cli.run_list:runs")(**flags)


@click.command(epilog=examples("mxsweep status RUN", "mxsweep status RUN --json"))
@click.argument("run", metavar="RUN")
@option("--json", "as_json", is_flag=True, help="Print the state as JSON.")()
def status(**flags: Any) -> Any:
    """Show the state of a run, and of each part of a scan with --dask, from its files."""
    return code_of("scanner.cli.run_status:status")(**flags)


_PRUNE = block(
    "Kept runs",
    option(
        "--keep",
        type=COUNT,
        default=30,
        metavar="N",
        show_default=True,
        help="Keep the last N complete runs of each label.",
    ),
    option(
        "--keep-weekly",
        type=click.IntRange(min=0),
        default=12,
        metavar="N",
        show_default=True,
        help="Keep the last run of each of the last N weeks, for each label.",
    ),
    option("--compress", "compress_kept", is_flag=True, help="Compress the kept runs, except the last of each label."),
    option("--dry-run", is_flag=True, help="Print the changes without making them."),
)


@click.command(epilog=examples("mxsweep prune /var/lib/mxsweep --dry-run", "mxsweep prune /var/lib/mxsweep --keep 14"))
@click.argument("directory", metavar="DIR")
@_PRUNE
def prune(**flags: Any) -> Any:
    """Remove old complete runs from a directory. Unfinished runs and the target of the link latest are kept."""
    return code_of("scanner.cli.run_list:prune")(**flags)


_CHECK = block(
    "Check",
    option("--warn-days", type=COUNT, metavar="N", help="WARNING if a certificate expires within N days."),
    option("--crit-days", type=COUNT, metavar="N", help="CRITICAL if a certificate expires within N days."),
    option(
        "--warn",
        multiple=True,
        metavar="FIELD=VALUE",
        help="WARNING if the domain has this verdict, for example starttls=some. Repeatable.",
    ),
    option(
        "--crit",
        multiple=True,
        metavar="FIELD=VALUE",
        help="CRITICAL if the domain has this verdict, for example sender=cleartext. Repeatable.",
    ),
    option(
        "--require",
        type=click.Choice(["dane"]),
        help="CRITICAL instead of WARNING if the domain is not protected by DANE.",
    ),
    option("--timeout", type=TIMEOUT, default=50, metavar="S", show_default=True, help="Maximum seconds of the check."),
    option("--port", type=PORT, default=25, metavar="N", show_default=True, help="TCP port to connect to."),
    option("--allow-private", is_flag=True, help="Contact special-purpose addresses too, such as private ones."),
    CA_FILE,
    CA_PATH,
    EHLO,
    BIND,
    FAMILY,
    CONFIG,
)


@click.command(epilog=examples("mxsweep check example.com --crit-days 7", "mxsweep check example.com --require dane"))
@click.argument("domain", metavar="DOMAIN")
@_CHECK
@resolver_options
def check(**flags: Any) -> Any:
    """Check one domain as a plugin for Nagios or Icinga: one line, performance data, and the exit codes 0 to 3."""
    return code_of("scanner.cli.check:run")(flags)


COMMANDS = (status, runs, prune, check)
