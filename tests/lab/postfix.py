"""The real Postfix of the lab: Debian's programs with a configuration, queue and data of their own.

Postfix and posttls-finger drop their privileges and then cannot get into a private state directory. So its parts are
mounted over public directories, which nobody outside the lab's namespaces sees.
"""

import shutil
from pathlib import Path

from tests.lab.layout import Layout

COMPATIBILITY = "3.6"
SPOOL = "/var/spool"
QUEUE = f"{SPOOL}/queue"
DATA = f"{SPOOL}/data"
LOG = "/var/log"
COMMAND = ["postfix", "-c", f"{SPOOL}/conf", "start-fg"]
CLIENT_CONFIG = "/etc/postfix"
_SERVICES = """\
postlog unix-dgram n - n - 1 postlogd
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
local unix - n n - - local
error unix - - n - - error
"""


def missing() -> str:
    """Return why Postfix cannot run here; empty if it can."""
    return "" if shutil.which("postconf") and Path("/usr/lib/postfix/sbin/master").exists() else "not installed"


def configure(layout: Layout, host: str, addresses: tuple[str, ...], chains: tuple[Path, ...]) -> dict[Path, str]:
    """Write main.cf and master.cf; returns what must be mounted where."""
    base = layout.postfix
    for name in ("conf", "queue", "data"):
        (base / name).mkdir(mode=0o755, exist_ok=True)
    settings = {
        "compatibility_level": COMPATIBILITY,
        "queue_directory": QUEUE,
        "data_directory": DATA,
        "command_directory": "/usr/sbin",
        "daemon_directory": "/usr/lib/postfix/sbin",
        "maillog_file": f"{LOG}/postfix.log",
        "myhostname": host,
        "mydestination": "",
        "mynetworks": "127.0.0.1/32",
        "inet_interfaces": ", ".join(addresses),
        "inet_protocols": "all",
        "alias_maps": "",
        "alias_database": "",
        "smtpd_recipient_restrictions": "reject",
        "smtpd_tls_security_level": "may",
        "smtpd_tls_chain_files": ", ".join(map(str, chains)),
        "smtpd_tls_loglevel": "1",
        "smtpd_client_connection_rate_limit": "0",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_peername_lookup": "no",
    }
    (base / "conf" / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
    (base / "conf" / "master.cf").write_text(_SERVICES)
    (base / "conf" / "dynamicmaps.cf").touch()
    return {base: SPOOL, layout.logs: LOG}


def ownership(layout: Layout) -> str:
    """The shell commands, for the lab's root, that give the directories their owners."""
    return f"chown root '{layout.postfix}/conf' '{layout.postfix}/queue'\nchown postfix '{layout.postfix}/data'"


def client_mounts(layout: Layout) -> dict[Path, str]:
    """Write a main.cf for posttls-finger, which reads one even if it needs nothing of it; what to mount where.

    The lab's root lies beside it, where posttls-finger can read it.
    """
    text = f"compatibility_level = {COMPATIBILITY}\nmyhostname = client.lab.test\ninet_protocols = all\n"
    (layout.mail_config / "main.cf").write_text(text)
    (layout.mail_config / "master.cf").touch()
    shutil.copy(layout.root_pem, layout.mail_config)
    return {layout.mail_config: CLIENT_CONFIG} if Path(CLIENT_CONFIG).is_dir() else {}
