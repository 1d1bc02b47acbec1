"""Random SMTP scripts: mostly an honest server, with one oddity now and then."""

import random

from tests.parity.randomised.servers import SMTPScript

_CODES = ("220", "250", "221", "421", "450", "500", "502", "554", "25", "2500", "abc", "", "354", "199", "999", "000")
_ODD = (
    b"220 \x80\xff\x01 binary\r\n",
    b"220 tab\there\r\n",
    b"220-one\r\n220-two\r\n220 three\r\n",
    b"220-one\r\n250 two\r\n",
    b"220-one\r\n554 two\r\n",
    b"250-one\n250 bare\n",
    b"220\r\n",
    b"220-\r\n220 \r\n",
    b"220   spaces\r\n",
    b"220 cr\rin\r\r\n",
    b"220 nul\0in\r\n",
    b"22o text\r\n",
    b"HTTP/1.1 400\r\n",
    b"\r\n",
    b"220_x\r\n",
    b"220\ttab\r\n",
    b"220+x\r\n",
    b"220-only\r\n220-open\r\n",
    b"220 " + b"x" * 600 + b"\r\n",
    b"220 " + b"x" * 2043 + b"\r\n",
    b"220 " + b"x" * 2044 + b"\r\n",
    b"220 " + b"x" * 3000 + b"\r\n",
    b"".join(b"220-" + b"y" * 100 + b"\r\n" for _ in range(30)) + b"220 end\r\n",
    b"".join(b"220-line %d\r\n" % n for n in range(150)) + b"220 end\r\n",
    b"554-" + b"z" * 1000 + b"\r\n554-" + b"z" * 1000 + b"\r\n554-" + b"z" * 1000 + b"\r\n554 end\r\n",
    b"554-a\tb\r\n554 \x80c\r\n",
    b"421 later\r\n",
    b"220 half",
    b"220-half\r\n220 ha",
    b"",
)
_TEXTS = ("2.0.0 Ok", "ready", "x", "", "4.7.0 later", "ESMTP lab", "two  spaces", "trailing ")


def _line(rng: random.Random, code: str) -> bytes:
    return f"{code} {rng.choice(_TEXTS)}\r\n".encode()


def _ehlo(rng: random.Random, name: str, *, starttls: bool) -> bytes:
    words = [
        "PIPELINING",
        "SIZE 1000",
        "8BITMIME",
        "AUTH=PLAIN",
        "ENHANCEDSTATUSCODES",
        "DSN",
        "X-" + "w" * rng.choice((3, 300)),
    ]
    chosen = rng.sample(words, rng.randrange(5))
    first = rng.choice([name] * 8 + ["", "STARTTLS", f"{name} at your service", "starttls hello"])
    if starttls:
        word = rng.choice(
            ["STARTTLS"] * 8
            + ["starttls", "STARTTLS=x", "STARTTLS y", "\tSTARTTLS", "XSTARTTLS", "STARTTLS\t", " STARTTLS"]
        )
        chosen.insert(rng.randint(0, len(chosen)), word)
    if rng.random() < 0.03:
        chosen = ["Z" * 500 for _ in range(rng.randint(3, 6))] + chosen
    lines = [first, *chosen]
    ending = rng.choice(["\r\n"] * 12 + ["\n"])
    return "".join(f"250{'-' if n < len(lines) - 1 else ' '}{word}{ending}" for n, word in enumerate(lines)).encode()


def script(rng: random.Random, name: str, chain: str, *, wrapper: bool) -> SMTPScript:
    """Return a random script for a server; about half of them are without fault."""
    stages = {
        "greeting": _line(rng, "220"),
        "ehlo": _ehlo(rng, name, starttls=rng.random() < 0.95),
        "starttls": _line(rng, "220"),
        "ehlo_tls": _ehlo(rng, name, starttls=rng.random() < 0.1),
        "quit": _line(rng, "221"),
    }
    then: dict[str, str] = {}
    if rng.random() < 0.3:
        stage = rng.choice(list(stages))
        how = rng.random()
        if how < 0.3:
            then[stage] = rng.choice(("close", "close", "reset", "silent"))
            stages[stage] = rng.choice((b"", stages[stage], b"220-half\r\n220-more\r\n", b"220-half\r\nand"))
        elif how < 0.6:
            stages[stage] = _line(rng, rng.choice(_CODES))
        else:
            stages[stage] = rng.choice(_ODD)
            if not stages[stage].endswith(b"\n"):
                then[stage] = rng.choice(("close", "silent"))
    if not stages["starttls"].endswith(b"\n"):
        then.setdefault("starttls", "close")
    tls = rng.choice(
        ["ok"] * 20 + ["tls12"] * 5 + ["tls10", "tls10", "anonymous", "anonymous", "close", "reset", "silent", "plain"]
    )
    return SMTPScript(
        greeting=stages["greeting"],
        ehlo=stages["ehlo"],
        starttls=stages["starttls"],
        ehlo_tls=stages["ehlo_tls"],
        quit=stages["quit"],
        then=then,
        tls=tls,
        chain=chain,
        wrapper=wrapper,
    )
