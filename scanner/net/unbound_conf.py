"""What a private unbound is told: its configuration as text, sized to the scan and the machine, and its trust anchor.

Beside safety the configuration serves truth: nothing is answered from expired or neighbouring answers, and names are
asked for whole, since servers that stumble over QNAME minimisation would look broken where they are not.
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
CACHE_MB = 64  # for messages; unbound's manual wants twice as much for RRsets
RECEIVE_BUFFER = 4 * 1024 * 1024  # octets, holds bursts of replies while signatures are computed
QUESTIONS_EACH = 8  # questions of its own for one of ours while the cache is cold
LEAST_QUESTIONS = 1024
MOST_QUESTIONS = 16384  # each may hold a socket; more would only meet the limit of open files
SPARE_FILES = 64  # descriptors beside the outgoing sockets
_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_ANCHORS = "root-anchors.ds"


@dataclass(frozen=True, slots=True)
class UnboundSettings:
    """What a private resolver is told. Without files it is the public internet's.

    ``in_flight`` is how many questions it is asked at once.
    """

    trust_anchor: str | None = None
    root_hints: str | None = None
    forward: tuple[str, int] | None = None
    in_flight: int = 256

    @property
    def closed(self) -> bool:
        """True in a network that is not, or not only, the public internet."""
        return self.root_hints is not None or self.forward is not None


def configuration(settings: UnboundSettings, directory: Path, port: int, *, sign: str, version: tuple[int, ...]) -> str:
    """Write the configuration.

    Args:
        settings: what was asked for.
        directory: for the anchor where there is no cache.
        port: where to listen on loopback.
        sign: a name that only this resolver has an address for, by which it is known.
        version: of unbound, for options that older ones refuse.

    Returns:
        The text of unbound.conf(5).
    """
    server = [
        *_fixed(port),
        f'local-data: "{sign}. A {LOOPBACK}"',
        *_sizes(settings.in_flight),
        *_anchor(settings, directory),
    ]
    if version >= EDE_SINCE:
        server.append("ede: yes")
    if settings.root_hints is not None:
        server.append(f'root-hints: "{Path(settings.root_hints).absolute()}"')
    if settings.closed:
        server += _CLOSED
    lines = ["server:", *(f"    {line}" for line in server), "remote-control:", "    control-enable: no"]
    if settings.forward is not None:
        address, forward_port = settings.forward
        lines += ["forward-zone:", '    name: "."', f"    forward-addr: {address}@{forward_port}"]
    return "\n".join(lines) + "\n"


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
        "so-reuseport: no",  # nobody else may listen where we do
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
"""Names and addresses that the public internet does not have (RFC 6303, RFC 6761), but a network of one's own may."""


def _has_ipv6() -> bool:
    """True if the kernel speaks IPv6 at all; whether it leads anywhere is unbound's to find out."""
    return Path("/proc/net/if_inet6").exists()


def _sizes(in_flight: int) -> list[str]:
    """Room for every question that the scan has in flight, within the limit of open files that a child inherits."""
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
    """What the kernel allows of what we want; asking for more only makes unbound complain."""
    try:
        return min(RECEIVE_BUFFER, int(_RMEM_MAX.read_text()))
    except (OSError, ValueError):
        return 0  # unbound's word for the kernel's default


# --- the trust anchor -----------------------------------------------------------------------------------------


def shipped_anchor() -> bytes:
    """The root's keys as DS records, as they come with the package."""
    return resources.files("scanner.net").joinpath(_ANCHORS).read_bytes()


def cache_directory() -> Path:
    """Where we keep what can be had again (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "mxsweep"


def _anchor(settings: UnboundSettings, directory: Path) -> list[str]:
    if settings.trust_anchor is not None:
        return [f'trust-anchor-file: "{Path(settings.trust_anchor).absolute()}"']
    return [f'auto-trust-anchor-file: "{_kept(shipped_anchor(), directory)}"']


def _kept(anchor: bytes, directory: Path) -> Path:
    """The anchor that unbound keeps current (RFC 5011), in the cache or, where that cannot be written, for now only.

    Its name depends on what was shipped, so that a newer package starts from its own keys.
    """
    name = f"root-{hashlib.sha256(anchor).hexdigest()[:12]}.key"
    cache = cache_directory()
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = cache / name
        if not kept.exists() or kept.stat().st_size == 0:
            _write_whole(kept, anchor)
        if os.access(cache, os.W_OK) and os.access(kept, os.R_OK | os.W_OK):
            return kept
    except (OSError, RuntimeError):  # a home that cannot be found is a RuntimeError
        pass
    kept = directory / name
    kept.write_bytes(anchor)
    return kept


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that another scan that starts now sees all of it or none."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)
