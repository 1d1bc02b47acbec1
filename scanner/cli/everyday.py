"""The commands of everyday operation with their options and help: ``status``, ``runs``, ``prune`` and ``check``."""

from typing import Any

import rich_click as click

from scanner.cli import code_of
from scanner.cli import options as opt


@click.command(epilog=opt.examples("mxsweep runs /var/lib/mxsweep", "mxsweep runs /var/lib/mxsweep --json"))
@click.argument("directory", metavar="DIR")
@opt.flag("--json", "as_json", help="Print the runs as JSON.")()
def runs(**flags: Any) -> Any:
    """List the runs in a directory: date, label, state, and the numbers of domains and broken domains."""
    return code_of("scanner.cli.run_list:runs")(**flags)


@click.command(epilog=opt.examples("mxsweep status RUN", "mxsweep status RUN --json"))
@click.argument("run", metavar="RUN")
@opt.flag("--json", "as_json", help="Print the state as JSON.")()
def status(**flags: Any) -> Any:
    """Show the state of a run, and of each part of a scan with --dask, from its files."""
    return code_of("scanner.cli.run_status:status")(**flags)


_PRUNE = opt.block(
    "Kept runs",
    opt.count("--keep", default=30, help="Keep the last N complete runs of each label."),
    opt.count_or_zero(
        "--keep-weekly", default=12, help="Keep the last run of each of the last N weeks, for each label."
    ),
    opt.flag("--compress", "compress_kept", help="Compress the kept runs, except the last of each label."),
    opt.flag("--dry-run", help="Print the changes without making them."),
)


@click.command(
    epilog=opt.examples("mxsweep prune /var/lib/mxsweep --dry-run", "mxsweep prune /var/lib/mxsweep --keep 14")
)
@click.argument("directory", metavar="DIR")
@_PRUNE
def prune(**flags: Any) -> Any:
    """Remove old complete runs from a directory. Unfinished runs and the target of the link latest are kept."""
    return code_of("scanner.cli.run_list:prune")(**flags)


_CHECK = opt.block(
    "Check",
    opt.count("--warn-days", help="WARNING if a certificate expires within N days."),
    opt.count("--crit-days", help="CRITICAL if a certificate expires within N days."),
    opt.repeatable(
        "--warn", metavar="FIELD=VALUE", help="WARNING if the domain has this verdict, for example starttls=some."
    ),
    opt.repeatable(
        "--crit", metavar="FIELD=VALUE", help="CRITICAL if the domain has this verdict, for example sender=cleartext."
    ),
    opt.option(
        "--require",
        type=click.Choice(["dane"]),
        help="CRITICAL instead of WARNING if the domain is not protected by DANE.",
    ),
    opt.timeout("--timeout", default=50, help="Maximum seconds of the check."),
    opt.PORT,
    opt.flag("--allow-private", help="Contact special-purpose addresses too, such as private ones."),
    opt.CA_FILE,
    opt.CA_PATH,
    opt.EHLO,
    opt.BIND,
    opt.FAMILY,
    opt.CONFIG,
)


@click.command(
    epilog=opt.examples("mxsweep check example.com --crit-days 7", "mxsweep check example.com --require dane")
)
@click.argument("domain", metavar="DOMAIN")
@_CHECK
@opt.resolver_options
def check(**flags: Any) -> Any:
    """Check one domain as a plugin for Nagios or Icinga: one line, performance data, and the exit codes 0 to 3."""
    return code_of("scanner.cli.check:run")(flags)


COMMANDS = (status, runs, prune, check)
