"""``mxsweep scan --dry-run``: print the hosts that a scan would contact, and an estimate of its duration."""

from rich.text import Text

from scanner.cli import console as consoles
from scanner.cli.errors import Exit
from scanner.cli.request import Request
from scanner.cli.tools import wired
from scanner.cli.wiring import fit_resolver
from scanner.run.estimate import estimate
from scanner.run.stats import Stats
from targets.spool import Spool

TOP = 10
"""Maximum number of providers that the estimate lists."""


async def dry_run(request: Request, spool: Spool | None) -> int:
    """Print the hosts to contact and the estimated duration of the scan on stdout, and return the exit code."""
    stats = Stats()
    async with (
        fit_resolver(request.settings, request.choice, consoles.say) as resolved,
        wired(request.settings, request.reach.trust, request.reach.scope, resolved, stats, consoles.say) as tools,
    ):
        found = await estimate(spool.items() if spool else iter(()), tools)
        seconds = found.seconds(tools.settings.caps)
    addresses = len({address for address, _ in found.connections})
    console = consoles.stdout()
    console.print(Text(f"{found.domains} domains, {found.rejects} lines not scanned"))
    console.print(Text(f"{len(found.hosts)} MX hosts of {len(found.providers)} providers, {addresses} addresses"))
    connections = found.connections.total()
    duration = f"about {seconds:.0f} s at these caps if every server answers"
    console.print(Text(f"at most {connections} connections, {duration}"))
    if connections and request.settings.cert_algs:
        console.print(Text("one more connection to each address with TLSA records (--cert-algs)"))
    if found.providers:
        console.print(Text("Most connections go to"))
    for provider, count in found.providers.most_common(TOP):
        console.print(Text(f"  {count:6} {provider}"))
    for reason, count in found.skipped.most_common():
        console.print(Text(f"{count} addresses skipped: {reason}"))
    return Exit.DONE
