"""Saved cases from strangers: the cases of the corpus with mutations, read by ``mxsweep replay``.

A replay opens no connection, so a case cannot make the fuzzer contact anything.
"""

import base64
import contextlib
import io
import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from scanner.cli.commands import main
from scanner.cli.errors import Exit
from tests.fuzz import certificates, documents
from tests.fuzz.fuzzer import Fuzzer, mutated
from tests.fuzz.runs import MemoryStream

_CORPUS = Path(__file__).parents[1] / "corpus"
_ARGUMENTS = (
    "-v", "-X", "-x", "-C", "-t", "0", "-T", "-1", "-l", "dane-only", "secure", "-L", "all", "-m", "1" * 400,
    "-S", "-A", "-F",
    "/dev/zero", "--json", "--all", "--save", "x", "--help", "-o", "line_length_limit=0", "-h", "native", "-w",
    "-d", "sha1",
    "[::1]:0", "unix:/dev/null", "-", "", "\u202e", "a\0b", ".", "--", "-g", "high", "-r", "5", "-f", "-s", "-P", "/",
)  # fmt: skip


@cache
def _contents() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(_CORPUS.glob("*.json")))


def make(chance: random.Random) -> bytes:
    """Return a case in which values, arguments, certificates or dialogues are mutated."""
    content = chance.choice(_contents())
    case = json.loads(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        chance.choice((documents.change_value, _argument, _certificate, _dialogue))(case, chance)
    text = json.dumps(case).encode()
    return documents.change_octets(text, chance) if chance.random() < 0.1 else text


def _argument(case: Any, chance: random.Random) -> None:
    with contextlib.suppress(AttributeError, KeyError):  # what an earlier mutation replaced
        case["argv"].insert(0, chance.choice(_ARGUMENTS))


def _certificate(case: Any, chance: random.Random) -> None:
    for event in _events(case):
        if event.get("chain"):
            with contextlib.suppress(TypeError, ValueError, KeyError):  # what an earlier mutation replaced
                at = chance.randrange(len(event["chain"]))
                octets = base64.b64decode(event["chain"][at])
                event["chain"][at] = base64.b64encode(certificates.certificate(octets, chance)).decode()


def _dialogue(case: Any, chance: random.Random) -> None:
    heard = [event for event in _events(case) if isinstance(event.get("text"), str)]
    if heard:
        event = chance.choice(heard)
        text = event["text"].encode("latin-1", "replace")
        event["text"] = mutated(text, chance, b"0123459- \r\nSTARTLX\0").decode("latin-1")


def _events(case: Any) -> list[dict[str, Any]]:
    connections = case.get("connections") if isinstance(case, dict) else None
    found = (
        [one.get("events") for one in connections or () if isinstance(one, dict)]
        if isinstance(connections, list)
        else []
    )
    return [event for events in found if isinstance(events, list) for event in events if isinstance(event, dict)]


def check(data: bytes) -> None:
    """Replay a case.

    Raises:
        AssertionError: the exit code is not a documented one, or an error is not one line.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "case.json")
        path.write_bytes(data)
        err, out = io.StringIO(), MemoryStream()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["replay", str(path)])
        out.flush()
        shown = out.buffer.getvalue()  # type: ignore[attr-defined]  # of the BytesIO below
        assert [entry.name for entry in Path(folder).iterdir()] == ["case.json"], "a replay writes a file"
    lines = err.getvalue().splitlines()
    assert code in (Exit.DONE, Exit.USAGE, Exit.CHANGED), f"exit code {code}: {err.getvalue()}"
    assert code != Exit.USAGE or len(lines) == 1, f"no single line: {err.getvalue()}"
    assert "Traceback" not in err.getvalue()
    for text in (err.getvalue().encode("utf-8", "surrogateescape"), shown):
        assert not any(octet < 0x20 and octet not in b"\n\t" for octet in text), "a control character is shown"


FUZZER = Fuzzer("saved-cases", make, check, inputs=100, calls=2_000_000, calls_per_octet=200)
