"""``mxsweep scan --dry-run``: say what would be contacted, and for how long."""

from rich.text import Text

from scanner.cli import console as consoles
from scanner.cli.request import Request
from scanner.cli.wiring import fit_resolver, wired
from scanner.run.plan import plan
from scanner.run.stats import Stats

TOP = 10


async def dry_run(request: Request) -> int:
    """Print the plan on stdout; the result is the exit code."""
    async with fit_resolver(request) as resolved, wired(request, resolved, Stats()) as tools:
        found = await plan(request.input.lines(), tools)
        seconds = found.seconds(tools)
    addresses = len({address for address, _ in found.connections})
    console = consoles.stdout()
    console.print(Text(f"{found.domains} domains, {found.rejects} lines not scanned"))
    console.print(Text(f"{len(found.hosts)} MX hosts of {len(found.providers)} providers, {addresses} addresses"))
    connections = len(found.connections)
    console.print(Text(f"{connections} connections, about {seconds:.0f} s at these caps if every server answers"))
    if found.providers:
        console.print(Text("Most connections go to"))
    for provider, count in found.providers.most_common(TOP):
        console.print(Text(f"  {count:6} {provider}"))
    for reason, count in found.skipped.most_common():
        console.print(Text(f"{count} addresses skipped: {reason}"))
    return 0
