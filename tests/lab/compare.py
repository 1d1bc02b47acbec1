"""Comparison of a domain line of ``mxsweep scan`` with the expectation of the table."""

from typing import Any

from tests.lab.model import Scenario


def reasons(line: dict[str, Any]) -> set[str]:
    """Return the reasons of a domain, its hosts and their endpoints."""
    found = set(line["verdict"]["reasons"])
    for host in line["hosts"]:
        found.update(host["reasons"])
        for endpoint in host["endpoints"]:
            found.update(endpoint["reasons"])
    return found


def difference(scenario: Scenario, line: dict[str, Any]) -> str:
    """Return the differences from the expectation in one line; empty where there are none."""
    expect, verdict = scenario.expect, line["verdict"]
    wanted = {
        "outcome": expect.outcome,
        "sender": expect.sender,
        "dane": expect.dane,
        "starttls": expect.starttls,
    }
    wrong = [f"{key} {verdict[key]}, not {value}" for key, value in wanted.items() if verdict[key] != value]
    found = reasons(line)
    wrong += [f"no reason {reason}" for reason in expect.reasons if reason not in found]
    if not wrong:
        return ""
    return f"{scenario.domain}: {'; '.join(wrong)} (has {', '.join(sorted(found)) or 'no reasons'})"
