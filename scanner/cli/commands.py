"""The commands and their flags. What they do is in the modules that they call."""

import math
import sys
from collections.abc import Sequence
from typing import Any

import rich_click as click
from click.core import ParameterSource
from click.exceptions import NoArgsIsHelpError

from scanner import __version__
from scanner.cli import config, reports
from scanner.cli import report_modes as analysis
from scanner.cli.console import unwritable
from scanner.cli.dns_flags import resolver_options
from scanner.cli.errors import CliError, Exit
from scanner.vocabulary import Family, Level

LEVELS = [level.value for level in (Level.MAY, Level.ENCRYPT, Level.DANE, Level.DANE_ONLY, Level.VERIFY, Level.SECURE)]
_LEVELS = f"Level to judge by: {', '.join(LEVELS)}."
FAMILIES = [family.value for family in Family]


class _Seconds(click.FloatRange):
    """A number that ends: less than for ever."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number that the text says."""
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no time.", param, ctx)
        return seconds


_SECONDS = _Seconds(min=0, min_open=True)
_PAUSE = _Seconds(min=0)
_COUNT = click.IntRange(min=1)


def main(argv: Sequence[str]) -> int:
    """Run a command line; every error of the user's is one line on stderr and exit code 2."""
    try:
        result = group.main(args=list(argv), prog_name="mxsweep", standalone_mode=False)
    except NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return Exit.USAGE
    except click.ClickException as error:
        return _fail(error.format_message(), Exit.USAGE)
    except click.Abort:
        return Exit.INTERRUPTED
    except CliError as error:
        return _fail(str(error), error.code)
    return result if isinstance(result, int) else Exit.DONE


def _fail(text: str, code: Exit) -> int:
    if text:
        sys.stderr.write(f"mxsweep: {' '.join(text.split())}\n")
    return code


class _Group(click.RichGroup):
    """Commands whose standard output may be closed or full: click knows only the first, and calls it exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            raise unwritable(error) from None


@click.group(
    name="mxsweep", cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mxsweep", message="%(prog)s %(version)s")
def group() -> None:
    """Tell whether mail sent to a domain gets TLS, verified how, and if not, why not."""


@group.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS] DEST [MATCH]...")
def finger(arguments: tuple[str, ...]) -> int:
    """Do the work of posttls-finger for one destination; `mxsweep finger --help` tells its options."""
    from scanner.cli.finger import main as run  # noqa: PLC0415 - it reads its arguments in its own way

    return run(arguments)


@group.command()
@click.argument("lists", nargs=-1, metavar="LIST...")
@click.option("-o", "--output", metavar="RUN", help="Directory for the run, made anew; - streams domain lines.")
@click.option("--domain", "domains", multiple=True, metavar="D", help="A destination; alone, its verdict in words.")
@click.option("--first", multiple=True, metavar="FILE", help="A list that is served before the rest.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was interrupted, with its lists and flags.")
@click.option("--retry-inconclusive", metavar="RUN", help="Scan once more what a complete run could not tell.")
@click.option("--level", type=click.Choice(LEVELS), default=LEVELS[2], metavar="LEVEL", show_default=True, help=_LEVELS)
@resolver_options
@click.option("--confirm", multiple=True, metavar="ADDR", help="Resolver to ask too where DNS fails; only recorded.")
@click.option("--dns-rate", type=_COUNT, metavar="N", default=500, show_default=True, help="DNS queries a second.")
@click.option("--ca-file", metavar="F", help="PEM bundle of trusted roots [default: the system's].")
@click.option("--ca-path", metavar="D", help="Directory of trusted roots.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=25, metavar="N", show_default=True, help="Port to connect to."
)
@click.option("--mode", type=click.Choice(["smtp", "smtps", "lmtp"]), default="smtp", show_default=True)
@click.option("--sni", type=click.Choice(["auto", "mx", "none"]), default="auto", show_default=True)
@click.option("--ehlo", metavar="NAME", help="Name to give in EHLO [default: this host's].")
@click.option("--bind", metavar="ADDR", help="Local address to connect from.")
@click.option("--family", type=click.Choice(FAMILIES), default=FAMILIES[0], show_default=True)
@click.option("--concurrency", type=_COUNT, metavar="N", default=512, show_default=True, help="Connections at once.")
@click.option(
    "--per-address", type=_COUNT, metavar="N", default=1, show_default=True, help="Connections at once to an address."
)
@click.option("--per-network", type=_COUNT, metavar="N", default=4, show_default=True, help="The same to a /24 or /48.")
@click.option("--per-provider", type=_COUNT, metavar="N", default=8, show_default=True, help="And to a provider's.")
@click.option("--rate", type=_COUNT, metavar="N", default=100, show_default=True, help="New connections a second.")
@click.option(
    "--spacing", type=_PAUSE, metavar="S", default=1, show_default=True, help="Between two to one address, seconds."
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    metavar="N",
    help="Later passes over what could not be told [default: 2; 0 for a verdict in words].",
)
@click.option("--retry-after", type=_PAUSE, metavar="S", default=300, show_default=True, help="Wait before each.")
@click.option("--connect-timeout", type=_SECONDS, default=30, show_default=True, metavar="S")
@click.option("--greeting-timeout", type=_SECONDS, default=60, show_default=True, metavar="S")
@click.option("--command-timeout", type=_SECONDS, default=30, show_default=True, metavar="S", help="Also handshake.")
@click.option("--deadline", type=_SECONDS, default=150, show_default=True, metavar="S", help="For a whole probe.")
@click.option("--exclude", multiple=True, metavar="FILE", help="Domains, MX hosts and networks not to contact.")
@click.option("--allow-private", is_flag=True, help="Contact special-purpose addresses (private, loopback...) too.")
@click.option("--addresses", type=_COUNT, metavar="N", help="Addresses to probe of each MX host [default: all].")
@click.option("--column", metavar="NAME", help="The lists are CSV with a header; domains are in this column.")
@click.option("--dry-run", is_flag=True, help="Say what would be contacted; open no SMTP connection.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--log-file", metavar="F", help="Write a log of the scan there.")
@click.option("--status-file", metavar="F", help="Append the scan's numbers there, as JSON lines.")
@click.option("--metrics-file", metavar="F", help="Keep the same as OpenMetrics there, for node_exporter.")
@click.option("--status-every", type=_SECONDS, default=10, metavar="S", show_default=True, help="Between two of each.")
@click.option("--fail-on", multiple=True, metavar="FIELD=VALUE", help="Exit 4 if a verdict is this (dane=broken).")
@click.option("--config", metavar="FILE.toml", is_eager=True, callback=config.load, help="Flags as TOML keys.")
@click.pass_context
def scan(ctx: click.RichContext, /, **flags: Any) -> int:
    """Scan lists of domains, one a line (also rank,domain; CSV; gzip; - for stdin)."""
    from scanner.cli.scan import run  # noqa: PLC0415 - help and usage errors need no scanner

    return run(flags, {name for name in flags if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT})


@group.command()
@resolver_options
@click.option(
    "--port25-host", multiple=True, metavar="HOST", help="Mail host to try port 25 on [default: two large ones]."
)
@click.option("--ca-file", metavar="F", help="PEM bundle of trusted roots [default: the system's].")
@click.option("--ca-path", metavar="D", help="Directory of trusted roots.")
@click.option("--ehlo", metavar="NAME", help="Name to give in EHLO [default: this host's].")
@click.option("--bind", metavar="ADDR", help="Local address to connect from.")
@click.option("--family", type=click.Choice(FAMILIES), default=FAMILIES[0], show_default=True)
@click.option("--concurrency", type=_COUNT, metavar="N", default=512, show_default=True, help="Connections at once.")
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON.")
@click.option("--config", metavar="FILE.toml", is_eager=True, callback=config.load, help="Flags as TOML keys.")
def doctor(**flags: Any) -> int:
    """See whether this machine and its surroundings are fit for a scan, and what to do if not."""
    from scanner.cli.doctor import run  # noqa: PLC0415 - help and usage errors need no scanner

    return run(flags)


@group.command()
@click.argument("case", metavar="FILE")
def replay(case: str) -> int:
    """Judge a run that `mxsweep finger --save FILE` kept again, without any network, and print its lines.

    Exit code 5 if they are not those of the run.
    """
    from scanner.cli.replay import run  # noqa: PLC0415

    return run(case)


for _command in (*reports.COMMANDS, *analysis.COMMANDS):
    group.add_command(_command)
