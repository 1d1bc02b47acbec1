"""The options of ``mxsweep scan``. Each option of ``scan`` is in a panel (a titled group) of the help of ``scan``.

Each option of ``scan`` is also a key of the configuration file (``scanner.cli.config``) and is stored in a run for
``--resume`` (``scanner.cli.resume``).
"""

import rich_click as click

from scanner.cli import options as opt
from scanner.settings import ADDRESSES, DOMAIN_ADDRESSES, HOSTS

_INPUT = opt.block(
    "Input",
    opt.repeatable(
        "--domain",
        "domains",
        metavar="D",
        help="Destination to scan. Without lists and -o, the verdict is printed as text.",
    ),
    opt.repeatable("--first", metavar="FILE", help="List to scan before the other lists."),
    opt.repeatable("--exclude", metavar="FILE", help="Domains, MX hosts and networks not to contact."),
    opt.flag("--allow-private", help="Contact special-purpose addresses too, such as private and loopback ones."),
    opt.count("--hosts", default=HOSTS, help="Maximum number of MX hosts to examine for each domain, by preference."),
    opt.count("--addresses", default=ADDRESSES, help="Maximum number of addresses to probe for each MX host."),
    opt.count(
        "--domain-addresses",
        default=DOMAIN_ADDRESSES,
        help="Maximum number of addresses to probe for each domain. The MX hosts beyond are not examined.",
    ),
)

_LISTS = opt.block(
    "Lists",
    opt.option(
        "--column", metavar="NAME|NUMBER", help="Column that contains the domain: its name or its number from 1."
    ),
    opt.choice(
        "--format",
        "list_format",
        of=["auto", "zone"],
        help="Format of the lists. With zone, the lists are zone files, and names with NS records are scanned.",
    ),
    opt.option(
        "--accept",
        metavar="urls,emails",
        help="Accept URLs (scan the host), e-mail addresses (scan the domain), or both.",
    ),
    opt.option(
        "--max-rejects",
        type=opt.Percent(0, 100),
        default=10,
        metavar="PERCENT",
        help="Percentage of rejected lines above which a warning is written to stderr and run.json.",
    ),
    opt.count("--head", help="Scan only the first N destinations of the lists."),
    opt.count("--sample", help="Scan only N destinations, chosen at random."),
    opt.option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="S",
        help="Seed of the random choice of --sample, so that it can be repeated.",
        show_default="0",
    ),
    opt.option("--label", metavar="TEXT", help="Name of the run, stored in run.json."),
)

_OUTPUT = opt.block(
    "Output",
    opt.option("-o", "--output", metavar="RUN", help="New directory for the run. With -, domain lines go to stdout."),
    opt.option("--resume", metavar="RUN", help="Continue a run with its own lists and options."),
    opt.option("--retry-inconclusive", metavar="RUN", help="Scan the inconclusive domains of a complete run again."),
    opt.flag("--latest", help="After a complete scan, make the link latest beside the run lead to it."),
    opt.option(
        "--exclusive",
        metavar="NAME",
        help="Lock of this name. While a scan of this user holds the lock, another scan ends with exit code 3.",
    ),
    opt.flag("--dry-run", help="Print an estimate of the scan without any SMTP connection."),
    opt.flag("--quiet", help="Show no progress on stderr."),
    opt.option("--log-file", metavar="FILE", help="File to which a log of the scan is appended."),
    opt.option("--status-file", metavar="FILE", help="File to which progress figures are appended as JSON lines."),
    opt.option("--metrics-file", metavar="FILE", help="File for the current progress figures as OpenMetrics text."),
    opt.timeout(
        "--status-every", default=10, help="Seconds between two updates of the status file and the metrics file."
    ),
    opt.repeatable(
        "--fail-on",
        metavar="FIELD=VALUE",
        help="Exit with code 4 if any domain has this verdict, for example dane=broken.",
    ),
    opt.CONFIG,
)

_JUDGEMENT = opt.block(
    "Security level",
    opt.option(
        "--level",
        type=click.Choice(opt.LEVELS),
        default=opt.LEVELS[2],
        metavar="LEVEL",
        help=f"TLS security level to judge by: {', '.join(opt.LEVELS)}.",
    ),
    opt.option(
        "--sts/--no-sts",
        default=None,
        help="Examine MTA-STS and TLSRPT: two more DNS questions a domain, and the policy by HTTPS where one exists.",
        show_default="on with --domain, off with lists",
    ),
    opt.option(
        "--cert-algs",
        metavar="auto|off|LIST",
        default="auto",
        help="Key algorithms of the certificates to ask each server for that has usable TLSA records: auto (rsa,ecdsa),"
        " off, or some of rsa,ecdsa,eddsa,mldsa. One more connection for each algorithm that the server did not use.",
    ),
    opt.flag(
        "--pq",
        help="Ask each server that negotiates a classical key exchange group in TLS 1.3 for a post-quantum group: one"
        " more connection.",
    ),
    opt.CA_FILE,
    opt.CA_PATH,
)

_DNS = opt.block(
    "DNS queries",
    opt.repeatable(
        "--confirm", metavar="ADDR", help="Resolver for a second opinion, only recorded, if the first resolver fails."
    ),
    opt.count("--dns-rate", default=500, help="Maximum DNS queries per second."),
)

_CONNECTIONS = opt.block(
    "Connections",
    opt.PORT,
    opt.choice(
        "--mode",
        of=["smtp", "smtps", "lmtp"],
        help="Protocol: SMTP with STARTTLS, SMTP inside TLS, or LMTP with STARTTLS.",
    ),
    opt.choice(
        "--sni",
        of=["auto", "mx", "none"],
        help="Server name to send in TLS: auto (the TLSA base domain where DANE applies), mx (the MX host) or none.",
    ),
    opt.count_or_zero(
        "--sni-sample",
        default=0,
        help="Number of MX hosts to probe of each group of hosts with equal addresses and equal usable TLSA records."
        " After clean and equal results, the other hosts get the result of the sample (reason inferred-from-sample).",
        show_default="0, all hosts",
    ),
    opt.EHLO,
    opt.BIND,
    opt.FAMILY,
)

_CAPS = opt.block(
    "Caps and rates",
    opt.CONCURRENCY,
    opt.count("--per-address", default=1, help="Maximum simultaneous connections to one address."),
    opt.count("--per-network", default=4, help="Maximum simultaneous connections to one IPv4 /24 or IPv6 /48 network."),
    opt.count(
        "--per-provider",
        default=8,
        help="Maximum simultaneous connections to one provider (registrable domain of the MX host).",
    ),
    opt.count("--per-domain", default=16, help="Maximum simultaneous connections for one scanned domain."),
    opt.count("--rate", default=100, help="Maximum new connections per second."),
    opt.pause("--spacing", default=1, help="Minimum seconds between two new connections to one address."),
)

_SCALE = opt.block(
    "Many processes and machines",
    opt.option(
        "--dask",
        metavar="WHERE",
        help="Scan in many processes: with local or local:N, N processes on this machine (one per core by default);"
        " with tcp://HOST:PORT, tls://HOST:PORT or a scheduler file, the workers of a Dask cluster.",
    ),
    opt.option(
        "--dask-security", metavar="FILE", help="TOML file with the PEM files of a tls:// scheduler: ca, cert and key."
    ),
)

_TIMES = opt.block(
    "Time limits and retries",
    opt.timeout("--connect-timeout", default=30, help="Maximum seconds for the TCP connection."),
    opt.timeout("--greeting-timeout", default=60, help="Maximum seconds for the greeting of the server."),
    opt.timeout(
        "--command-timeout",
        default=30,
        help="Maximum seconds for the reply to each SMTP command, and for the TLS handshake.",
    ),
    opt.timeout("--deadline", default=150, help="Maximum seconds for one probe as a whole."),
    opt.timeout(
        "--max-time",
        help="Maximum seconds for the scan, which then ends with exit code 3; --resume continues it.",
        show_default="no limit",
    ),
    opt.timeout(
        "--give-up-after",
        help="Seconds after which a scan without a working network ends with exit code 3; --resume continues it.",
        show_default="900 until a mail server has been reached, then no limit",
    ),
    opt.count_or_zero(
        "--retries",
        help="Maximum number of retry passes over inconclusive domains.",
        show_default="2, or 0 if the verdict is printed as text",
    ),
    opt.pause("--retry-after", default=300, help="Seconds to wait before each retry pass."),
)

_BLOCKS = (_INPUT, _LISTS, _OUTPUT, _JUDGEMENT, opt.resolver_options, _DNS, _CONNECTIONS, _CAPS, _TIMES, _SCALE)


def scan_options(command: opt.Command) -> opt.Command:
    """Add all options of a scan to a command."""
    for add in reversed(_BLOCKS):
        command = add(command)
    return command
