"""Random pairs: a zone, servers and one command line for both programs, all made from a seed and a number."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.parity.randomised import chains, replies
from tests.parity.randomised.servers import ScriptedAnswer, SMTPScript, Zone


@dataclass(slots=True)
class RandomPair:
    """One pair: the command line, and the DNS answers and servers that it meets."""

    name: str
    line: list[str] = field(default_factory=list)
    zone: Zone = field(default_factory=dict)
    servers: list[tuple[str, int, SMTPScript]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Host:
    name: str
    address: str
    chain: chains.RandomChain


def make(seed: int, number: int, work: Path) -> RandomPair:
    """Return the pair of a seed and a number; ``work`` is the directory of the files that options and servers name."""
    return _PairMaker(seed, number, work).pair


class _PairMaker:
    """The parts of one pair, in the order in which they are drawn."""

    def __init__(self, seed: int, number: int, work: Path) -> None:
        self._rng = rng = random.Random(f"{seed}/{number}")
        self._number, self._work = number, work
        self.pair = RandomPair(f"random-{seed}-{number}")
        self._domain = f"d{number}.rnd.test"
        self._lmtp = rng.random() < 0.05
        self._wrapper = not self._lmtp and rng.random() < 0.05
        self._level = rng.choice(
            ["dane"] * 8
            + ["secure"] * 4
            + ["verify", "may", "may", "encrypt", "fingerprint", "fingerprint", "dane-only", "none"]
        )
        self._port = 465 if self._wrapper else 24 if self._lmtp else 25
        self._digest = rng.choice([""] * 6 + ["sha1", "sha512", "md5", "sha224"])
        self._hosts = [self._host(n) for n in range(rng.choice((1, 1, 1, 1, 2, 3)))]
        self._mx()
        self._command()

    # --- servers and DNS --------------------------------------------------------------------------------------

    def _host(self, n: int) -> _Host:
        rng, number = self._rng, self._number
        name = f"mx{n}.{self._domain}"
        if rng.random() < 0.015:  # the name of its TLSA records has 253 to 261 octets
            name = f"{'.'.join(['c' * 59] * 4)}.{name}"[-rng.randint(244, 252) :].lstrip(".")
        address = f"127.{80 + n}.{number // 250}.{1 + number % 250}"
        chain = chains.chain(rng, name, self._domain)
        path = self._work / f"chain-{number}-{n}.pem"
        path.write_bytes(chain.pem)
        script = replies.script(rng, name, str(path), wrapper=self._wrapper)
        if rng.random() > 0.1:
            self.pair.servers.append((address, self._port, script))
        self._address(name, address)
        self._tlsa(name, chain)
        return _Host(name, address, chain)

    def _address(self, name: str, address: str) -> None:
        rng, zone = self._rng, self.pair.zone
        secure = rng.random() < 0.9
        where = name
        records: tuple[tuple[str, str, str | bytes], ...] = ()
        if rng.random() < 0.12 and len(name) < 200:  # a longer name leaves no room for the prefix
            where = f"real-{name}"
            records = ((name, "CNAME", f"{where}."),)
            zone[name, "CNAME"] = ScriptedAnswer(records, rng.random() < 0.8)
            zone[where, "AAAA"] = ScriptedAnswer((), secure)
        rcode = rng.choice([0] * 30 + [2, 3, 1, 4, 5])
        zone[name, "A"] = ScriptedAnswer((*records, (where, "A", address)) if rcode == 0 else (), secure, rcode)
        six = rng.random()
        if six < 0.06:
            zone[name, "AAAA"] = ScriptedAnswer((*records, (where, "AAAA", "::1")), secure)
        elif six < 0.1:
            zone[name, "AAAA"] = ScriptedAnswer(rcode=rng.choice((2, 3, 5)))
        else:
            zone[name, "AAAA"] = ScriptedAnswer(records, secure)

    def _tlsa(self, name: str, chain: chains.RandomChain) -> None:
        rng, zone = self._rng, self.pair.zone
        if rng.random() < 0.2:
            return
        where = rng.choice([name] * 6 + [f"real-{name}"])
        owner = asked = f"_{self._port}._tcp.{where}"
        records: list[tuple[str, str, str | bytes]] = []
        if rng.random() < 0.06:
            owner = f"tlsa.{self._domain}"
            records.append((asked, "CNAME", f"{owner}."))
        rdata = chains.tlsa(rng, chain)
        if rng.random() < 0.01:
            rdata += [bytes((3, 1, 1)) + n.to_bytes(32) for n in range(120)]
        records += [(owner, "TLSA", data) for data in rdata]
        rcode = rng.choice([0] * 30 + [2, 3, 5])
        zone[asked, "TLSA"] = ScriptedAnswer(tuple(records) if rcode == 0 else (), rng.random() < 0.95, rcode)

    def _mx(self) -> None:
        rng, zone, domain = self._rng, self.pair.zone, self._domain
        records: list[tuple[str, str, str | bytes]] = [
            (domain, "MX", f"{10 * (n + 1)} {host.name}.") for n, host in enumerate(self._hosts)
        ]
        odd = rng.randrange(40)
        if odd == 0:
            records = [(domain, "MX", "0 .")]
        elif odd == 1:
            records.append((domain, "MX", f"5 gone.{domain}."))
        elif odd == 2:
            records = [(domain, "MX", f"5 gone.{domain}.")]
        elif odd == 3:
            records = [(domain, "MX", f"5 {self._hosts[0].address}.")]
        elif odd == 4:
            records.append((domain, "MX", f"5 -bad.{domain}."))
        elif odd == 5:
            records = []
            zone[domain, "A"] = ScriptedAnswer(((domain, "A", self._hosts[0].address),), rng.random() < 0.8)
        elif odd == 6:
            owner = f"alias-target.{domain}"
            records = [(domain, "CNAME", f"{owner}."), *((owner, "MX", data) for _, _, data in records)]
        rcode = rng.choice([0] * 30 + [2, 3, 1, 5])
        zone[domain, "MX"] = ScriptedAnswer(tuple(records) if rcode == 0 else (), rng.random() < 0.85, rcode)
        zone["", "NS"] = ScriptedAnswer(((".", "NS", "a.root."),), secure=True)

    # --- the command line -------------------------------------------------------------------------------------

    def _command(self) -> None:
        rng = self._rng
        line = self.pair.line
        if self._level != "dane" or rng.random() < 0.3:
            line += ["-l", rng.choice((self._level, self._level.upper()))]
        line += ["-S"] if self._lmtp else []
        line += ["-w"] if self._wrapper and self._level != "none" else []
        line += ["-d", self._digest] if self._digest else []
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            line += self._option()
        if self._level in ("secure", "verify"):
            if rng.random() < 0.25:
                line += ["-A", f"{{work}}/{rng.choice(FILES)}.pem"] * rng.choice((1, 1, 1, 2))
            if rng.random() < 0.7:
                line += ["-F", "{work}/roots.pem"]
        destination = self._destination()
        line += ["--", destination] if destination.startswith("-") else [destination]
        line += self._matches()

    def _option(self) -> list[str]:
        rng, domain, host = self._rng, self._domain, self._hosts[0].name
        rows = [
            lambda: ["-c"],
            lambda: ["-C"],
            lambda: ["-f"],
            lambda: ["-A", f"{{work}}/{rng.choice(FILES)}.pem"],
            lambda: [
                "-F",
                f"{{work}}/{rng.choice(ROOTS)}.pem",
            ],
            lambda: ["-g", rng.choice(("high", "medium", "low", "null", "Export", "bogus"))],
            lambda: ["-L", rng.choice(LOGS)],
            lambda: ["-M", rng.choice(("may", "encrypt", "dane"))],
            lambda: ["-o", rng.choice(PARAMETERS)],
            lambda: ["-o", rng.choice(PARAMETERS)],
            lambda: ["-p", rng.choice(PROTOCOLS)],
            lambda: [
                "-s",
                rng.choice(
                    (
                        host,
                        domain,
                        "hostname",
                        "nexthop",
                        "x." * 130 + "test",
                        "\u00e4.test",
                        "bad..name",
                        "1.2.3.4",
                        "-x.test",
                        "y" * 70 + ".test",
                    )
                ),
            ],
            lambda: ["-h", rng.choice(("dns", "native", "dns,native", "native dns"))],
            lambda: ["-d", rng.choice(("sha256", "sha1", "bogus", "md5", "SHA256", "sha3-256"))],
            lambda: ["-m", "1"],
        ]
        return rng.choice(rows)()

    def _destination(self) -> str:
        rng, domain, host = self._rng, self._domain, self._hosts[0]
        forms = [domain] * 150
        forms += [f"[{host.name}]"] * 30
        forms += [
            f"[{host.address}]",
            host.address,
            f"{domain}:{self._port}",
            f"[{host.name}]:{self._port}",
            f"{domain}:",
            f"alias.{domain}",
        ]
        forms += [f"[gone.{domain}]", f"gone.{domain}", *ODD_DESTINATIONS]
        chosen = rng.choice(forms)
        if chosen == f"alias.{domain}":
            self._alias()
        if (
            self._port != 25
            and not self._lmtp
            and chosen in (domain, f"[{host.name}]", host.address, f"[{host.address}]")
        ):
            chosen += f":{self._port}"
        return chosen

    def _alias(self) -> None:
        """Make an alias without MX: of the first host, or of a name without addresses."""
        rng, name = self._rng, f"alias.{self._domain}"
        target = rng.choice((self._hosts[0].name, f"void.{self._domain}"))
        record = (name, "CNAME", f"{target}.")
        for rtype in ("MX", "A", "AAAA"):
            there = self.pair.zone.get((target, rtype), ScriptedAnswer())
            self.pair.zone[name, rtype] = ScriptedAnswer((record, *there.records), there.secure, there.rcode)
            self.pair.zone.setdefault((target, rtype), ScriptedAnswer())

    def _matches(self) -> list[str]:
        rng, host, domain = self._rng, self._hosts[0], self._domain
        if self._level == "fingerprint":
            quirk = "-F" in self.pair.line  # without any fingerprint posttls-finger verifies the chain
            return [*chains.fingerprints(rng, host.chain, self._digest or "sha256"), *(["00" * 32] if quirk else [])]
        if rng.random() < 0.75:
            return []
        words = [
            host.name,
            domain,
            f".{domain}",
            ".test",
            "hostname",
            "nexthop",
            "DOT-NEXTHOP",
            "other.test",
            host.name.upper(),
            ".",
            "",
            f"{host.name}.",
            f"*.{domain}",
            "\u3002test",
            "\u00e4.test",
            "a..b",
            "127.0.0.1",
            f" {host.name}",
            "x" * 300,
        ]
        return [rng.choice(words) for _ in range(rng.choice((1, 1, 2)))]


ROOTS = (*["roots"] * 4, "both", "broken", "mixed", "mixed2", "text", "empty", "gone")
FILES = ("roots", "roots", "middle", "both", "bare", "broken", "mixed", "mixed2", "text", "empty", "gone", "leaf")
LOGS = (
    *("none", "0", "1", "routine", "summary", "certmatch", "peercert", "untrusted", "routine,untrusted"),
    *("routine,certmatch", "dane,routine", "routine,dane,certmatch", "bogus", "peercert,untrusted"),
)
PROTOCOLS = (
    *(">=TLSv1.2", "!TLSv1.3", "TLSv1.2", "TLSv1.3", ">=TLSv1.3", "<=TLSv1.2", "!SSLv2,!SSLv3", ">=0305", ">=abc"),
    *("<=03", ">=771", "<=0303", ">=0x303", "bogus", ">=none", "<=none", ">=", "<=", "!TLSv1.2", ">=TLSv1.2,!TLSv1.3"),
    *(
        "tlsv1.2:TLSV1.3",
        "",
        "SSLv2",
        "!SSLv3",
        "SSLv3",
        ">=SSLv3",
        "<=SSLv3",
        ">=SSLv2",
        "!bogus",
        "!",
        ">=0304",
        "<=0302",
    ),
    *(
        "<=1000",
        ">=0300",
        "<=0x0",
        ">=fffff",
        ">=0x",
        "!TLSv1,!TLSv1.1",
        ">TLSv1",
        "=TLSv1",
        "TLSv1",
        ">=TLSv1.2 <=TLSv1.3",
    ),
)
PARAMETERS = (
    *("tls_high_cipherlist=ALL:@SECLEVEL=0", "tls_medium_cipherlist=ALL:@SECLEVEL=2", "tls_medium_cipherlist=DEFAULT"),
    *("tls_medium_cipherlist=ALL:@SECLEVEL=0", "tls_medium_cipherlist=bogus", "tls_medium_cipherlist=@SECLEVEL=3:ALL"),
    *("smtp_tls_fingerprint_digest=sha1", "compatibility_level=2", "compatibility_level=0", "smtputf8_enable=no"),
    *("tls_dane_digests=sha256", "tls_dane_digests=sha256 sha512", "tls_dane_digests=sha512", "tls_dane_digests=bogus"),
    *("tls_dane_digests=sha512=2 sha256=1", "tls_dane_digests=sha1=3 sha256", "tls_dane_digests=sha224"),
    *("dnssec_probe=", "inet_protocols=ipv4", "inet_protocols=all", "line_length_limit=512", "line_length_limit=600"),
    *("myhostname=other.test", "myhostname=bad..name", "tls_append_default_CA=no", "tls_fast_shutdown_enable=no"),
    *("tls_ssl_options=NO_TICKET", "tls_ssl_options=bogus", "tls_disable_workarounds=CRYPTOPRO_TLSEXT_BUG"),
    *("tls_eecdh_auto_curves=prime256v1", "tls_eecdh_auto_curves=bogus prime256v1", "nothing=here", "smtp_helo_name=x"),
    *("line_length_limit=bogus", "line_length_limit=100", "tls_fast_shutdown_enable=maybe", "mydomain=x.test"),
)
ODD_DESTINATIONS = (
    *("[]", "a..test", "-.test", "12345", "[ipv6:::1]", "[::1]", "::1", "127.0.0.1:0", "x.test:65536", "x.test:nosuch"),
    *(
        "[x.test",
        "x.test]",
        "[x.test]y",
        ":25",
        "x.test:25x",
        "\u00e4.bc--de.example",
        "\u00e4.xn--zz.test",
        "xn--.test",
    ),
    *(
        "\u00e4" * 58 + ".test",
        ".".join(["\u00e4" * 30] * 6),
        ".".join(["\u00e4" * 20] * 9) + ".t",
        "\u00df.test",
        "\u2167.test",
    ),
    *(
        "a_b.test",
        "a b.test",
        "\u00e4..test",
        "\u00e4.test.",
        "-\u00e4.test",
        "\u00e4-.test",
        "ab--\u00e4.test",
        "\u0301a.test",
    ),
    *(
        "x" * 64 + ".test",
        ".".join(["x" * 60] * 4) + ".abcdefghijk",
        ".".join(["x" * 60] * 4) + ".abcdefghijkl",
        "faß.de",
    ),
    *(
        "[\u00e4.test]",
        "\u00e4.test:25",
        "test\u3002test",
        "a\u200db.test",
        "\u05d0a.test",
        "1\u05d0.test",
        "\u00c4.TEST",
        "[1.2.3]",
    ),
    *("1.2.3.4.5", "0x7f.1", "[127.1]", "x.test:", "[x.test]:", "x.test:smtp", "x.test:submission", "x.test:smtps", ""),
)
