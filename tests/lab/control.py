"""Start, stop and status of the lab."""

import base64
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.lab import bulk, cases_sample, cases_sts, postfix, public, zones
from tests.lab.layout import DNS_CHILD, DNS_PARENT, RESOLVER, Layout, Placed, place
from tests.lab.netns import Namespaces, in_namespaces
from tests.lab.pki import PKI, Bundle
from tests.lab.ready import SIGNS
from tests.lab.scenarios import SCENARIOS

READY_LIMIT = 30.0  # seconds until everything must answer
READY_LIMIT_EACH = 0.002  # more for each domain of the bulk lab
STOP_LIMIT = 5.0  # seconds between SIGTERM and SIGKILL
BUSY = "421 4.7.0 {name} try again later"
ROOT = Path(__file__).resolve().parents[2]
ALL = (*SCENARIOS, *cases_sts.SCENARIOS, *cases_sample.SCENARIOS)


class LabError(Exception):
    """The lab cannot be started; the text is the cause in one line."""


@dataclass(slots=True)
class LabRecord:
    """The content of ``lab.json``: a running lab."""

    client: int
    server: int
    nets: list[str]
    digest: str
    postfix: str
    processes: dict[str, int] = field(default_factory=dict)
    ready: bool = False
    scale: int = 0  # domains of the bulk lab
    crowded: bool = False  # and whether it is one in which caps can be seen

    @property
    def namespaces(self) -> Namespaces:
        """Namespaces of the lab."""
        return Namespaces(self.client, self.server, (self.nets[0], self.nets[1]))


def digest() -> str:
    """Return a digest of the lab's definition, without its tests."""
    sources = [path for path in sorted(Path(__file__).parent.glob("*.py")) if not path.name.startswith("test_")]
    text = b"".join(path.read_bytes() for path in (*sources, bulk.SOURCE))
    return hashlib.sha256(text).hexdigest()


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """One ``up`` or ``down`` at a time; the lock stands beside the state directory and goes with it."""
    path = Path(f"{layout.state}.lock")
    while True:
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (path.exists() and path.samefile(f"/proc/self/fd/{lock.fileno()}")):
                continue  # whoever held it before us has removed it: it guards nothing any more
            try:
                yield
            finally:
                if not layout.state.exists():
                    path.unlink()
            return


def read(layout: Layout) -> LabRecord | None:
    """Return the record of a lab that runs or ran; None if there is none."""
    try:
        return LabRecord(**json.loads(layout.record.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running(record: LabRecord | None) -> bool:
    """Return whether all processes of the lab still run."""
    if record is None or not record.ready:
        return False
    alive = set(in_namespaces(tuple(record.nets)))
    return {record.client, record.server, *record.processes.values()} <= alive


# --- up -------------------------------------------------------------------------------------------------------


def up(layout: Layout, scale: int = 0, *, crowded: bool = False) -> LabRecord:
    """Start the lab unless this very lab runs already; what is left of another one is cleared away first.

    Args:
        layout: where it keeps its files.
        scale: so many domains more, see ``bulk``; a lab that runs with some serves those who want none.
        crowded: these have hosts that share providers, networks and addresses.
    """
    with locked(layout):
        record = read(layout)
        wanted = record is not None and (scale == 0 or (scale, crowded) == (record.scale, record.crowded))
        if record is not None and wanted and running(record) and record.digest == digest():
            return record
        _clear(layout)
        _check_programs()
        try:
            return _start(layout, scale, crowded=crowded)
        except BaseException:
            _stop(layout)
            raise


def _check_programs() -> None:
    programs = ("unshare", "nsenter", "ip", "knotd", "unbound", "ldns-signzone", "dig")
    missing = [name for name in programs if shutil.which(name, path=_path()) is None]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)} (apt-get install {_PACKAGES})")


_PACKAGES = "postfix knot unbound ldnsutils bind9-dnsutils iproute2 util-linux uidmap"


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def _start(layout: Layout, scale: int, *, crowded: bool) -> LabRecord:
    layout.make()
    placed = place(ALL)
    try:
        spaces = Namespaces.make({"MXSWEEP_LAB": str(layout.state)})
    except RuntimeError as error:
        raise LabError(str(error)) from error
    record = LabRecord(spaces.client, spaces.server, list(spaces.nets), digest(), "", scale=scale, crowded=crowded)
    _save(layout, record)
    spaces.link(tuple(here.address for here in placed if here.kind == "blackhole"))
    key = zones.ZoneKey()
    _write_files(layout, placed, key, record)
    spaces.bind(spaces.client, {layout.resolv_conf: "/etc/resolv.conf"} | postfix.client_mounts(layout))
    _launch_all(layout, record, placed)
    _await_ready(layout, record, placed)
    record.ready = True
    _save(layout, record)
    return record


def _save(layout: Layout, record: LabRecord) -> None:
    layout.record.write_text(json.dumps(asdict(record), indent=1))


def _write_files(layout: Layout, placed: tuple[Placed, ...], key: zones.ZoneKey, record: LabRecord) -> None:
    pki = PKI()
    layout.root_pem.write_bytes(pki.root_pem())
    layout.resolv_conf.write_text(f"nameserver {RESOLVER}\n")
    bundles = _bundles(layout, pki)
    more = _write_bulk(layout, pki, key, record) if record.scale else []
    _write_dns(layout, placed, bundles, key, more)
    entries = [_entry(layout, here) for here in placed if here.kind in ("serve", "busy") and not here.host.postfix]
    layout.smtpd_config.write_text(json.dumps(entries, indent=1))
    layout.httpsd_config.write_text(json.dumps(list(_policy_hosts(layout, pki)), indent=1))


def _policy_hosts(layout: Layout, pki: PKI) -> Iterator[dict[str, str]]:
    """Write the certificates of the policy hosts; yield the configuration of their server."""
    for each in cases_sts.CASES:
        if each.policy.listening:
            name = each.policy.cert_name or f"mta-sts.{each.domain}"
            pki.make(each.policy.cert, name, each.domain).write(_chain(layout, f"https-{each.domain}"))
            response = base64.b64encode(each.policy.response).decode()
            chain = str(_chain(layout, f"https-{each.domain}"))
            yield {"address": cases_sts.ADDRESSES[each.domain], "chain": chain, "response": response}


def _write_bulk(layout: Layout, pki: PKI, key: zones.ZoneKey, record: LabRecord) -> list[zones.ZoneFile]:
    """Write the files of the bulk server; return its zones."""
    served = bulk.hosts(record.scale, crowded=record.crowded)
    try:
        records = bulk.configure(layout.bulk, served, pki)
    except RuntimeError as error:
        raise LabError(str(error)) from error
    return bulk.zones(records, record.scale, key)


def _bundles(layout: Layout, pki: PKI) -> dict[str, Bundle]:
    bundles = {}
    for scenario in ALL:
        for host in scenario.hosts:
            bundle = bundles[host.name] = pki.make(host.cert, host.name, scenario.domain)
            bundle.write(_chain(layout, host.name))
            if host.second:
                other = pki.make(host.second, host.name, scenario.domain)
                other.write(_second(layout, host.name))
                bundle.named["second"] = other.named["leaf"]
    return bundles


def _chain(layout: Layout, host: str) -> Path:
    return layout.certs / f"{host}.pem"


def _second(layout: Layout, host: str) -> Path:
    return layout.certs / f"{host}-second.pem"


def _entry(layout: Layout, here: Placed) -> dict[str, object]:
    manners: dict[str, object] = {"name": here.host.name, "chain": str(_chain(layout, here.host.name))}
    manners |= here.host.smtp
    if here.host.second:
        manners["second"] = str(_second(layout, here.host.name))
    if here.kind == "busy":
        manners["greeting"] = BUSY
    return {"address": here.address, "port": 25, "behaviour": manners}


def _write_dns(
    layout: Layout,
    placed: tuple[Placed, ...],
    bundles: dict[str, Bundle],
    key: zones.ZoneKey,
    more: list[zones.ZoneFile],
) -> None:
    directory = layout.zones
    children, odd = zones.build(ALL, placed, bundles)
    children += public.zones(placed)
    upper = zones.sign_all(zones.parents([*children, *more[:1]], key), key, directory)
    lower = zones.sign_all([*children, *more], key, directory)
    (directory / "parent.conf").write_text(zones.knot_conf("parent", DNS_PARENT, upper, directory))
    (directory / "child.conf").write_text(zones.knot_conf("child", DNS_CHILD, lower, directory))
    (directory / "unbound.conf").write_text(zones.unbound_conf(directory, key))
    (directory / "odd.json").write_text(json.dumps(odd))


def _launch_all(layout: Layout, record: LabRecord, placed: tuple[Placed, ...]) -> None:
    server, directory = record.server, layout.zones
    python = sys.executable
    _launch(layout, record, server, "knot-parent", ["knotd", "-c", f"{directory}/parent.conf"])
    _launch(layout, record, server, "knot-child", ["knotd", "-c", f"{directory}/child.conf"])
    _launch(layout, record, server, "odddns", [python, "-m", "tests.lab.odddns", f"{directory}/odd.json", DNS_CHILD])
    files = [str(layout.smtpd_config), str(layout.smtpd_log)]
    _launch(layout, record, server, "smtpd", [python, "-m", "tests.lab.smtpd", *files])
    files = [str(layout.httpsd_config), str(layout.httpsd_log)]
    _launch(layout, record, server, "httpsd", [python, "-m", "tests.lab.httpsd", *files])
    if record.scale:
        _launch(layout, record, server, "bulk", bulk.command(layout.bulk, logged=record.crowded))
    start_resolver(layout, record)
    _launch_postfix(layout, record, placed)


def start_resolver(layout: Layout, record: LabRecord) -> None:
    """Start the client's resolver with an empty cache. A running one has to be ended before."""
    _launch(layout, record, record.client, "unbound", ["unbound", "-d", "-p", "-c", f"{layout.zones}/unbound.conf"])


def _launch(layout: Layout, record: LabRecord, where: int, name: str, command: list[str]) -> None:
    with (layout.logs / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            [*record.namespaces.enter(where), *command],
            cwd=ROOT,
            env=os.environ | {"PATH": _path(), "PYTHONPATH": _python_path(), "MXSWEEP_LAB": str(layout.state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    record.processes[name] = process.pid
    _save(layout, record)


def _python_path() -> str:
    """Return the command in the project's root; entering a mount namespace loses the working directory."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def _launch_postfix(layout: Layout, record: LabRecord, placed: tuple[Placed, ...]) -> None:
    mine = tuple(here for here in placed if here.host.postfix)
    why_not = postfix.missing()
    if why_not:
        record.postfix = f"skipped: {why_not}"
        return
    addresses = tuple(here.address for here in mine)
    host = mine[0].host.name
    mounts = postfix.configure(layout, host, addresses, (_chain(layout, host), _second(layout, host)))
    spaces = record.namespaces
    # Postfix looks its addresses up among those that the machine has, so local routes are not enough
    added = (f"ip addr add {address} dev lo {'nodad' if ':' in address else ''}" for address in addresses)
    spaces.shell(spaces.server, "\n".join((*added, postfix.ownership(layout))))
    spaces.bind(spaces.server, mounts)
    record.postfix = "running"
    _launch(layout, record, record.server, "postfix", postfix.COMMAND)


# --- ready ----------------------------------------------------------------------------------------------------


def _await_ready(layout: Layout, record: LabRecord, placed: tuple[Placed, ...]) -> None:
    until = time.monotonic() + READY_LIMIT + record.scale * READY_LIMIT_EACH
    waiting = dict(SIGNS)
    while waiting:
        for name, ready in list(waiting.items()):
            if ready(layout, record, placed):
                del waiting[name]
        dead = {pid for pid in record.processes.values() if _ended(pid)}
        if dead or time.monotonic() > until:
            names = [name for name, pid in record.processes.items() if pid in dead] or list(waiting)
            raise LabError(f"{', '.join(names)} did not start, see {layout.logs}: {_last_words(layout, names)}")
        time.sleep(0.02)


def _ended(pid: int) -> bool:
    """Return whether a process has ended or is a zombie (proc(5): state, after the name)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _last_words(layout: Layout, names: list[str]) -> str:
    logs = [layout.logs / f"{name}.log" for name in names]
    return " | ".join(" ".join(log.read_text().splitlines()[-3:]) for log in logs if log.exists())


# --- use ----------------------------------------------------------------------------------------------------


def client_command(record: LabRecord, argv: list[str]) -> list[str]:
    """Return the command that runs ``argv`` as a client in the lab, in the current directory."""
    # entering a mount namespace loses the working directory
    stay = ["sh", "-c", 'cd "$0" && exec "$@"', str(Path.cwd())]
    return [*record.namespaces.enter(record.client), *stay, *argv]


def client_environment(layout: Layout) -> dict[str, str]:
    """Return the environment with a main.cf for Postfix's programs and sbin on the path."""
    more = {"MAIL_CONFIG": postfix.CLIENT_CONFIG, "MXSWEEP_LAB": str(layout.state), "PATH": _path()}
    return os.environ | more


# --- down -----------------------------------------------------------------------------------------------------


def down(layout: Layout) -> bool:
    """Stop the lab and remove its state; return False if there was none."""
    with locked(layout):
        return _clear(layout)


def _clear(layout: Layout) -> bool:
    if not layout.state.exists():
        return False
    if layout.state.stat().st_uid != os.getuid():
        raise LabError(f"{layout.state} belongs to another user")
    _stop(layout)
    _remove(layout)
    return True


def _stop(layout: Layout) -> None:
    """End every process in the lab's namespaces, the holders last."""
    record = read(layout)
    if record is None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + STOP_LIMIT
        while time.monotonic() < until and (alive := _left(record, layout)):
            _signal([pid for pid in alive if pid not in (record.client, record.server)] or alive, number)
            time.sleep(0.05)
            _reap()


def _left(record: LabRecord, layout: Layout) -> list[int]:
    """Return the running processes of the lab. Read anew each time: another lab may reuse a namespace's name."""
    return in_namespaces(tuple(net for net in record.nets if _is_ours(net, layout)))


def _is_ours(net: str, layout: Layout) -> bool:
    """Return whether a process carries this lab's mark; kernel names of namespaces are reused."""
    mark = f"MXSWEEP_LAB={layout.state}".encode()
    return any(mark in _environment(pid) for pid in in_namespaces((net,)))


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap() -> None:
    """Wait for ended children; there are some if this process started the lab."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _remove(layout: Layout) -> None:
    """Remove the state directory, inside a user namespace where files belong to mapped users."""
    shutil.rmtree(layout.state, ignore_errors=True)
    if layout.state.exists():
        mapped = ["unshare", "-U", "--map-root-user", "--map-auto", "rm", "-rf", str(layout.state)]
        subprocess.run(mapped, check=False, capture_output=True)
    if layout.state.exists():
        raise LabError(f"cannot remove {layout.state}")
