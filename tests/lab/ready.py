"""Readiness checks of the parts of the lab."""

import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.lab import bulk
from tests.lab.layout import RESOLVER, Layout, Placed

if TYPE_CHECKING:
    from tests.lab.control import LabRecord

PROBE_DOMAIN = "good311.test"

Sign = Callable[[Layout, "LabRecord", tuple[Placed, ...]], bool]


def _smtpd_ready(layout: Layout, _record: "LabRecord", _placed: tuple[Placed, ...]) -> bool:
    return layout.smtpd_log.exists() and '"listening"' in layout.smtpd_log.read_text()


def _httpsd_ready(layout: Layout, _record: "LabRecord", _placed: tuple[Placed, ...]) -> bool:
    return layout.httpsd_log.exists() and '"listening"' in layout.httpsd_log.read_text()


def _postfix_ready(_layout: Layout, record: "LabRecord", placed: tuple[Placed, ...]) -> bool:
    if record.postfix != "running":
        return True
    address = next(here.address for here in placed if here.host.postfix)
    return _inside(record, ["bash", "-c", f"read -t 2 line < /dev/tcp/{address}/25 && [[ $line == 220* ]]"])[0] == 0


def _bulk_ready(layout: Layout, record: "LabRecord", _placed: tuple[Placed, ...]) -> bool:
    if not record.scale:
        return True
    return "listening" in (layout.logs / "bulk.log").read_text() and _secure_mx(record, bulk.domain(record.scale - 1))


def _dns_ready(_layout: Layout, record: "LabRecord", _placed: tuple[Placed, ...]) -> bool:
    return _secure_mx(record, PROBE_DOMAIN)


def _secure_mx(record: "LabRecord", domain: str) -> bool:
    """Return whether the resolver has the domain's validated MX record."""
    question = ["dig", f"@{RESOLVER}", "+time=1", "+tries=1", "+dnssec", domain, "MX"]
    code, text = _inside(record, question)
    flags = next((line for line in text.splitlines() if line.startswith(";; flags:")), "")
    return code == 0 and " ad" in flags and "RRSIG" in text


def _inside(record: "LabRecord", command: list[str]) -> tuple[int, str]:
    whole = [*record.namespaces.enter(record.client), *command]
    done = subprocess.run(whole, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


SIGNS: dict[str, Sign] = {
    "smtpd": _smtpd_ready,
    "httpsd": _httpsd_ready,
    "postfix": _postfix_ready,
    "dns": _dns_ready,
    "bulk": _bulk_ready,
}
"""Return a readiness check for each part, by name."""
