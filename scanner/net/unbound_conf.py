"""Configuration (adapted to the scan and the machine) and DNSSEC trust anchor of the private resolver unbound.

Options of unbound that could change a measurement are off. Unbound does not answer from expired records, and does not
derive answers from NSEC records of other names. QNAME minimisation is off, because lookups at servers that do not
support minimised names would fail.
"""

import hashlib
import os
import resource
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

LOOPBACK = "127.0.0.1"
EDE_SINCE = (1, 16)  # first version with the option `ede`
CACHE_MB = 64  # megabytes for messages; unbound's manual recommends twice as much for RRsets
RECEIVE_BUFFER = 4 * 1024 * 1024  # octets, for bursts of replies that arrive while unbound verifies signatures
QUESTIONS_EACH = 8  # number of queries that unbound sends for one of our queries while its cache is empty
LEAST_QUESTIONS = 1024
MOST_QUESTIONS = 16384  # each query may need a socket; more would exceed the usual limit of open files
SPARE_FILES = 64  # descriptors reserved for other uses than outgoing sockets
_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_ANCHORS = "root-anchors.ds"


class UnquotablePathError(ValueError):
    """Error: a file path cannot be written in unbound.conf, because a character could end the quotes or the line."""


@dataclass(frozen=True, slots=True)
class UnboundSettings:
    """Settings of a private resolver; with the default values, the resolver resolves names of the public internet.

    ``forward`` is the address and port of a resolver to which queries are forwarded, ``in_flight`` is the number of
    concurrent queries.
    """

    trust_anchor: str | None = None
    root_hints: str | None = None
    forward: tuple[str, int] | None = None
    in_flight: int = 256

    @property
    def closed(self) -> bool:
        """True if root hints or a forwarder are set, so that the resolver may resolve names of a private network."""
        return self.root_hints is not None or self.forward is not None


def configuration(
    settings: UnboundSettings, directory: Path, port: int, *, own_name: str, version: tuple[int, ...]
) -> str:
    """Return the text of the configuration file of unbound.

    Args:
        settings: trust anchor, root hints, forwarder and number of concurrent queries.
        directory: directory for the trust anchor file if the cache directory of mxsweep is not writable.
        port: the loopback port to listen on.
        own_name: a name that only the private resolver can resolve, by which mxsweep recognises the private resolver.
        version: the version of unbound; older versions reject some options.

    Returns:
        The text of unbound.conf(5).

    Raises:
        UnquotablePathError: the path of a file cannot be written in unbound.conf.
    """
    server = [
        *_fixed(port),
        f'local-data: "{own_name}. A {LOOPBACK}"',
        *_sizes(settings.in_flight),
        *_anchor(settings, directory),
    ]
    if version >= EDE_SINCE:
        server.append("ede: yes")
    if settings.root_hints is not None:
        server.append(f"root-hints: {_quoted(Path(settings.root_hints).absolute())}")
    if settings.closed:
        server += _CLOSED
    lines = ["server:", *(f"    {line}" for line in server), "remote-control:", "    control-enable: no"]
    if settings.forward is not None:
        address, forward_port = settings.forward
        lines += ["forward-zone:", '    name: "."', f"    forward-addr: {address}@{forward_port}"]
    return "\n".join(lines) + "\n"


def check_quotable(path: Path) -> None:
    """Check that a path can be written in quotes in unbound.conf(5), which has no escapes.

    Raises:
        UnquotablePathError: the path contains a quote, a backslash or an unprintable character.
    """
    if not str(path).isprintable() or not {'"', "\\"}.isdisjoint(str(path)):
        raise UnquotablePathError(
            f"{str(path)!r}: a path without quotes, backslashes and control characters was expected"
        )


def _quoted(path: Path) -> str:
    check_quotable(path)
    return f'"{path}"'


def _fixed(port: int) -> list[str]:
    return [
        'chroot: ""',
        'username: ""',
        'pidfile: ""',
        'directory: "/"',
        "use-syslog: no",
        'logfile: ""',
        "verbosity: 0",
        "val-log-level: 1",
        "do-daemonize: no",
        "num-threads: 1",
        f"interface: {LOOPBACK}@{port}",
        f"port: {port}",
        "so-reuseport: no",  # no other process may listen on the same port
        f"do-ip6: {'yes' if _has_ipv6() else 'no'}",
        "access-control: 127.0.0.0/8 allow",
        'module-config: "validator iterator"',
        "qname-minimisation: no",
        "aggressive-nsec: no",
        "serve-expired: no",
        "harden-dnssec-stripped: yes",
    ]


_CLOSED = (
    "do-not-query-localhost: no",
    "unblock-lan-zones: yes",
    'local-zone: "test." nodefault',
    'local-zone: "home.arpa." nodefault',
)
"""The unbound options for names and addresses that exist only in private networks (RFC 6303, RFC 6761)."""


def _has_ipv6() -> bool:
    """Return whether the kernel supports IPv6; unbound itself determines whether an IPv6 route exists."""
    return Path("/proc/net/if_inet6").exists()


def _sizes(in_flight: int) -> list[str]:
    """Return the unbound options for the number of concurrent queries, within the inherited limit of open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_QUESTIONS if hard == resource.RLIM_INFINITY else hard - SPARE_FILES
    questions = max(min(max(in_flight * QUESTIONS_EACH, LEAST_QUESTIONS), MOST_QUESTIONS, files), 1)
    return [
        f"outgoing-range: {questions}",
        f"num-queries-per-thread: {questions}",
        f"incoming-num-tcp: {LEAST_QUESTIONS // 8}",
        f"msg-cache-size: {CACHE_MB}m",
        f"rrset-cache-size: {2 * CACHE_MB}m",
        f"so-rcvbuf: {_receive_buffer()}",
    ]


def _receive_buffer() -> int:
    """Return the size in octets of the receive buffer of unbound's UDP sockets.

    The size is at most the kernel's limit, because unbound logs an error if the kernel refuses a larger size.
    """
    try:
        return min(RECEIVE_BUFFER, int(_RMEM_MAX.read_text()))
    except (OSError, ValueError):
        return 0  # the kernel's default


# --- the trust anchor -----------------------------------------------------------------------------------------


def shipped_anchor() -> bytes:
    """Return the DNSSEC root keys that the Python package contains, as DS records."""
    return resources.files("scanner.net").joinpath(_ANCHORS).read_bytes()


def cache_directory() -> Path:
    """Return the cache directory of mxsweep (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "mxsweep"


def _anchor(settings: UnboundSettings, directory: Path) -> list[str]:
    if settings.trust_anchor is not None:
        return [f"trust-anchor-file: {_quoted(Path(settings.trust_anchor).absolute())}"]
    return [f"auto-trust-anchor-file: {_quoted(_anchor_file(shipped_anchor(), directory))}"]


def _anchor_file(anchor: bytes, directory: Path) -> Path:
    """Return the path of the trust anchor file that unbound updates (RFC 5011).

    The trust anchor file is in the cache directory, or in ``directory`` if the cache directory is not writable. The
    name of the trust anchor file depends on the root keys in mxsweep's package, so that a newer mxsweep package starts
    from its own root keys.
    """
    name = f"root-{hashlib.sha256(anchor).hexdigest()[:12]}.key"
    cache = cache_directory()
    try:
        check_quotable(cache)
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = cache / name
        if not kept.exists() or kept.stat().st_size == 0:
            _write_whole(kept, anchor)
        if os.access(cache, os.W_OK) and os.access(kept, os.R_OK | os.W_OK):
            return kept
    except (OSError, RuntimeError, UnquotablePathError):  # Path.home raises RuntimeError without a home directory
        pass
    kept = directory / name
    kept.write_bytes(anchor)
    return kept


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically, so that a scan that starts at the same time never reads a partial file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)
