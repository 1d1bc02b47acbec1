"""The options of ``mxsweep scan``. Each option of ``scan`` is in a panel (a titled group) of the help of ``scan``.

Each option of ``scan`` is also a key of the configuration file (``scanner.cli.config``) and is stored in a run for
``--resume`` (``scanner.cli.resume``).
"""

import rich_click as click

from scanner.cli.options import (
    BIND,
    CA_FILE,
    CA_PATH,
    CONCURRENCY,
    CONFIG,
    COUNT,
    EHLO,
    FAMILY,
    LEVELS,
    PAUSE,
    PORT,
    TIMEOUT,
    Command,
    Percent,
    block,
    option,
    resolver_options,
)
from scanner.settings import ADDRESSES, DOMAIN_ADDRESSES, HOSTS

_INPUT = block(
    "Input",
    option(
        "--domain",
        "domains",
        multiple=True,
        metavar="D",
        help="Destination to scan. Without lists and -o, the verdict is printed as text. Repeatable.",
    ),
    option("--first", multiple=True, metavar="FILE", help="List to scan before the other lists. Repeatable."),
    option(
        "--exclude", multiple=True, metavar="FILE", help="Domains, MX hosts and networks not to contact. Repeatable."
    ),
    option(
        "--allow-private",
        is_flag=True,
        help="Contact special-purpose addresses too, such as private and loopback ones.",
    ),
    option(
        "--hosts",
        type=COUNT,
        metavar="N",
        default=HOSTS,
        show_default=True,
        help="Maximum number of MX hosts to examine for each domain, by preference.",
    ),
    option(
        "--addresses",
        type=COUNT,
        metavar="N",
        default=ADDRESSES,
        show_default=True,
        help="Maximum number of addresses to probe for each MX host.",
    ),
    option(
        "--domain-addresses",
        type=COUNT,
        metavar="N",
        default=DOMAIN_ADDRESSES,
        show_default=True,
        help="Maximum number of addresses to probe for each domain. The MX hosts beyond are not examined.",
    ),
)

_LISTS = block(
    "Lists",
    option("--column", metavar="NAME|NUMBER", help="Column that contains the domain: its name or its number from 1."),
    option(
        "--format",
        "list_format",
        type=click.Choice(["auto", "zone"]),
        default="auto",
        show_default=True,
        help="Format of the lists. With zone, the lists are zone files, and names with NS records are scanned.",
    ),
    option(
        "--accept",
        metavar="urls,emails",
        help="Accept URLs (scan the host), e-mail addresses (scan the domain), or both.",
    ),
    option(
        "--max-rejects",
        type=Percent(0, 100),
        default=10,
        show_default=True,
        metavar="PERCENT",
        help="Percentage of rejected lines above which a warning is written to stderr and run.json.",
    ),
    option("--head", type=COUNT, metavar="N", help="Scan only the first N destinations of the lists."),
    option("--sample", type=COUNT, metavar="N", help="Scan only N destinations, chosen at random."),
    option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="S",
        help="Seed of the random choice of --sample, so that it can be repeated.",
        show_default="0",
    ),
    option("--label", metavar="TEXT", help="Name of the run, stored in run.json."),
)

_OUTPUT = block(
    "Output",
    option("-o", "--output", metavar="RUN", help="New directory for the run. With -, domain lines go to stdout."),
    option("--resume", metavar="RUN", help="Continue a run with its own lists and options."),
    option("--retry-inconclusive", metavar="RUN", help="Scan the inconclusive domains of a complete run again."),
    option("--latest", is_flag=True, help="After a complete scan, make the link latest beside the run lead to it."),
    option(
        "--exclusive",
        metavar="NAME",
        help="Lock of this name. While a scan of this user holds the lock, another scan ends with exit code 3.",
    ),
    option("--dry-run", is_flag=True, help="Print an estimate of the scan without any SMTP connection."),
    option("--quiet", is_flag=True, help="Show no progress on stderr."),
    option("--log-file", metavar="FILE", help="File to which a log of the scan is appended."),
    option("--status-file", metavar="FILE", help="File to which progress figures are appended as JSON lines."),
    option("--metrics-file", metavar="FILE", help="File for the current progress figures as OpenMetrics text."),
    option(
        "--status-every",
        type=TIMEOUT,
        default=10,
        metavar="S",
        show_default=True,
        help="Seconds between two updates of the status file and the metrics file.",
    ),
    option(
        "--fail-on",
        multiple=True,
        metavar="FIELD=VALUE",
        help="Exit with code 4 if any domain has this verdict, for example dane=broken. Repeatable.",
    ),
    CONFIG,
)

_JUDGEMENT = block(
    "Security level",
    option(
        "--level",
        type=click.Choice(LEVELS),
        default=LEVELS[2],
        metavar="LEVEL",
        show_default=True,
        help=f"TLS security level to judge by: {', '.join(LEVELS)}.",
    ),
    option(
        "--sts/--no-sts",
        default=None,
        help="Examine MTA-STS and TLSRPT: two more DNS questions a domain, and the policy by HTTPS where one exists.",
        show_default="on with --domain, off with lists",
    ),
    option(
        "--cert-algs",
        metavar="auto|off|LIST",
        default="auto",
        show_default=True,
        help="Key algorithms of the certificates to ask each server for that has usable TLSA records: auto (rsa,ecdsa),"
        " off, or some of rsa,ecdsa,eddsa,mldsa. One more connection for each algorithm that the server did not use.",
    ),
    option(
        "--pq",
        is_flag=True,
        help="Ask each server that negotiates a classical key exchange group in TLS 1.3 for a post-quantum group: one"
        " more connection.",
    ),
    CA_FILE,
    CA_PATH,
)

_DNS = block(
    "DNS queries",
    option(
        "--confirm",
        multiple=True,
        metavar="ADDR",
        help="Resolver for a second opinion, only recorded, if the first resolver fails. Repeatable.",
    ),
    option(
        "--dns-rate", type=COUNT, metavar="N", default=500, show_default=True, help="Maximum DNS queries per second."
    ),
)

_CONNECTIONS = block(
    "Connections",
    option("--port", type=PORT, default=25, metavar="N", show_default=True, help="TCP port to connect to."),
    option(
        "--mode",
        type=click.Choice(["smtp", "smtps", "lmtp"]),
        default="smtp",
        show_default=True,
        help="Protocol: SMTP with STARTTLS, SMTP inside TLS, or LMTP with STARTTLS.",
    ),
    option(
        "--sni",
        type=click.Choice(["auto", "mx", "none"]),
        default="auto",
        show_default=True,
        help="Server name to send in TLS: auto (the TLSA base domain where DANE applies), mx (the MX host) or none.",
    ),
    option(
        "--sni-sample",
        type=click.IntRange(min=0),
        metavar="N",
        default=0,
        show_default="0, all hosts",
        help="Number of MX hosts to probe of each group of hosts with equal addresses and equal usable TLSA records."
        " After clean and equal results, the other hosts get the result of the sample (reason inferred-from-sample).",
    ),
    EHLO,
    BIND,
    FAMILY,
)

_CAPS = block(
    "Caps and rates",
    CONCURRENCY,
    option(
        "--per-address",
        type=COUNT,
        metavar="N",
        default=1,
        show_default=True,
        help="Maximum simultaneous connections to one address.",
    ),
    option(
        "--per-network",
        type=COUNT,
        metavar="N",
        default=4,
        show_default=True,
        help="Maximum simultaneous connections to one IPv4 /24 or IPv6 /48 network.",
    ),
    option(
        "--per-provider",
        type=COUNT,
        metavar="N",
        default=8,
        show_default=True,
        help="Maximum simultaneous connections to one provider (registrable domain of the MX host).",
    ),
    option(
        "--per-domain",
        type=COUNT,
        metavar="N",
        default=16,
        show_default=True,
        help="Maximum simultaneous connections for one scanned domain.",
    ),
    option(
        "--rate", type=COUNT, metavar="N", default=100, show_default=True, help="Maximum new connections per second."
    ),
    option(
        "--spacing",
        type=PAUSE,
        metavar="S",
        default=1,
        show_default=True,
        help="Minimum seconds between two new connections to one address.",
    ),
)

_SCALE = block(
    "Many processes and machines",
    option(
        "--dask",
        metavar="WHERE",
        help="Scan in many processes: with local or local:N, N processes on this machine (one per core by default);"
        " with tcp://HOST:PORT, tls://HOST:PORT or a scheduler file, the workers of a Dask cluster.",
    ),
    option(
        "--dask-security",
        metavar="FILE",
        help="TOML file with the PEM files of a tls:// scheduler: ca, cert and key.",
    ),
)

_TIMES = block(
    "Time limits and retries",
    option(
        "--connect-timeout",
        type=TIMEOUT,
        default=30,
        show_default=True,
        metavar="S",
        help="Maximum seconds for the TCP connection.",
    ),
    option(
        "--greeting-timeout",
        type=TIMEOUT,
        default=60,
        show_default=True,
        metavar="S",
        help="Maximum seconds for the greeting of the server.",
    ),
    option(
        "--command-timeout",
        type=TIMEOUT,
        default=30,
        show_default=True,
        metavar="S",
        help="Maximum seconds for the reply to each SMTP command, and for the TLS handshake.",
    ),
    option(
        "--deadline",
        type=TIMEOUT,
        default=150,
        show_default=True,
        metavar="S",
        help="Maximum seconds for one probe as a whole.",
    ),
    option(
        "--max-time",
        type=TIMEOUT,
        metavar="S",
        help="Maximum seconds for the scan, which then ends with exit code 3; --resume continues it.",
        show_default="no limit",
    ),
    option(
        "--give-up-after",
        type=TIMEOUT,
        metavar="S",
        help="Seconds after which a scan without a working network ends with exit code 3; --resume continues it.",
        show_default="900 until a mail server has been reached, then no limit",
    ),
    option(
        "--retries",
        type=click.IntRange(min=0),
        metavar="N",
        help="Maximum number of retry passes over inconclusive domains.",
        show_default="2, or 0 if the verdict is printed as text",
    ),
    option(
        "--retry-after",
        type=PAUSE,
        metavar="S",
        default=300,
        show_default=True,
        help="Seconds to wait before each retry pass.",
    ),
)

_BLOCKS = (_INPUT, _LISTS, _OUTPUT, _JUDGEMENT, resolver_options, _DNS, _CONNECTIONS, _CAPS, _TIMES, _SCALE)


def scan_options(command: Command) -> Command:
    """Add all options of a scan to a command."""
    for add in reversed(_BLOCKS):
        command = add(command)
    return command
