"""Checks of ``mxsweep doctor`` of the machine and network: port 25, IPv6, EHLO name, file limit and trust store."""

from dataclasses import replace

from scanner.core.file_limit import FILES_BESIDE, LEAST, InFlight, permitted
from scanner.core.preflight import Check, State
from scanner.facts import Probe
from scanner.settings import DNSSettings

PORT25_HOSTS = ("gmail-smtp-in.l.google.com", "mx01.mail.icloud.com")
"""Default hosts for the port 25 check: MX hosts of the largest operators."""

_BLOCKED = "ask the operator of this network to open outbound port 25, or scan from another network"
_NAME_YOURSELF = "set --ehlo to a name that resolves to the source address and is in the PTR record of that address"


def port25(host: str, probes: tuple[Probe, ...], why_none: str = "") -> Check:
    """Return the result of the port 25 check for one host, from the probes of its addresses.

    ``why_none`` is the reason why no probe was made, as text.
    """
    greeted = [probe for probe in probes if probe.banner is not None and probe.failure is None]
    if greeted:
        return Check("port 25", host, State.OK, f"{greeted[0].endpoint.address} answers")
    if not probes:
        return Check("port 25", host, State.FAIL, why_none or "no address", "see the rows of the resolver")
    met = [probe for probe in probes if probe.banner is not None]
    texts = "; ".join(f"{probe.endpoint.address}: {_failure(probe)}" for probe in probes)
    if met:
        advice = "port 25 is open, but this server refuses the scanner: see the row ehlo"
        return Check("port 25", host, State.WARN, texts, advice)
    return Check("port 25", host, State.FAIL, texts, _BLOCKED)


def _failure(probe: Probe) -> str:
    failure = probe.failure
    if failure is None:
        return "no greeting"
    return f"{failure.phase}: {failure.kind}" + (f" ({failure.text})" if failure.text else "")


def any_port25(rows: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return the results of the port 25 check; if any host answered, failures of other hosts are only warnings."""
    if all(row.state is not State.OK for row in rows):
        return rows
    return tuple(replace(row, state=State.WARN, advice="") if row.state is State.FAIL else row for row in rows)


def ipv6(probes: tuple[Probe, ...], *, has_route: bool) -> Check:
    """Return the result of the IPv6 check, from the probes of IPv6 addresses."""
    reached = [probe.endpoint.address for probe in probes if probe.banner is not None]
    if reached:
        return Check("ipv6", "", State.OK, f"{reached[0]} answers")
    texts = "; ".join(f"{probe.endpoint.address}: {_failure(probe)}" for probe in probes)
    text, advice = f"an IPv6 route exists, but no IPv6 address answers: {texts}", "repair IPv6, or give --family ipv4"
    if not has_route:
        text, advice = "no IPv6 route: IPv6 addresses will be skipped", "set up IPv6, or give --family ipv4"
    elif not probes:
        text, advice = "no host with an IPv6 address was tried", "name such a host by --port25-host"
    return Check("ipv6", "", State.WARN, text, advice)


def ehlo(name: str, source: str, forward: tuple[str, ...], back: tuple[str, ...], *, public: bool) -> Check:
    """Return the result of the EHLO name check; mail servers make the same check (RFC 8601 section 3: iprev).

    Args:
        name: the EHLO name; an address literal is allowed.
        source: the source address of connections.
        forward: the addresses of the EHLO name.
        back: the PTR names of the source address.
        public: whether the source address is public; NAT may replace a private address with an address that the EHLO
            name has.
    """
    if name.strip("[]").removeprefix("IPv6:") == source:
        return Check("ehlo", source, State.OK, f"{name} is the source address")
    wrong = []
    if source not in forward:
        wrong.append(f"{name} resolves to {'other addresses' if forward else 'no address'}")
    if name.lower() not in back:
        wrong.append(f"the PTR record of the source address is {', '.join(back) or 'missing'}")
    if not wrong:
        return Check("ehlo", source, State.OK, f"{name} and the source address match in forward and reverse DNS")
    if not public:
        text = f"{'; '.join(wrong)}; but the source address is private, and servers see another address"
        return Check("ehlo", source, State.WARN, text, f"for the public address: {_NAME_YOURSELF}")
    text = f"{'; '.join(wrong)}: some servers will refuse the session"
    return Check("ehlo", source, State.WARN, text, _NAME_YOURSELF)


def files(limit: int | None, concurrency: int) -> Check:
    """Check the hard limit of open files (None: unlimited), to which a scan raises its soft limit."""
    advice = f"set ulimit -Hn {concurrency + FILES_BESIDE}"
    found = permitted(limit, InFlight(concurrency, DNSSettings().in_flight))
    if found is None:
        text = f"at most {limit} open files, but a scan needs at least {LEAST}"
        return Check("files", "", State.FAIL, text, advice)
    if found.connections == concurrency:
        text = f"{'no limit' if limit is None else limit}: enough for {concurrency} connections at a time"
        return Check("files", "", State.OK, text)
    text = f"at most {limit} open files: a scan makes {found.connections} connections at a time, not {concurrency}"
    return Check("files", "", State.WARN, text, f"{advice}, or give --concurrency {found.connections}")


def trust_store(count: int, source: str) -> Check:
    """Check that the trust store contains certificates."""
    if count:
        return Check("trust store", source, State.OK, f"{count} trusted roots")
    text = "no trusted roots: no certificate will be trusted by PKIX"
    return Check("trust store", source, State.WARN, text, "apt-get install ca-certificates, or give --ca-file FILE")
