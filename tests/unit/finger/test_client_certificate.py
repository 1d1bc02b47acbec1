"""Our own certificate. Expected lines: what Debian's posttls-finger 3.7.11 said of the same files."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.finger.client_certificate import load
from scanner.finger.options import parse
from scanner.net.tls import Identity, context_for
from scanner.settings import AUTHENTICATED
from tests.unit.pki import Plan, key, name


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Key and certificate of two clients, apart and together, in either order."""
    for label in ("one", "two"):
        pem = key(label).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificate = Plan(name(label), key(label)).make().pem
        (tmp_path / f"{label}.key").write_bytes(pem)
        (tmp_path / f"{label}.crt").write_bytes(certificate)
        (tmp_path / f"{label}.key-crt").write_bytes(pem + certificate)
        (tmp_path / f"{label}.crt-key").write_bytes(certificate + pem)
    (tmp_path / "mixed").write_bytes((tmp_path / "one.key").read_bytes() + (tmp_path / "two.crt").read_bytes())
    (tmp_path / "garbage").write_text("garbage\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "identity"),
    [
        ([], None),
        (["-k", "one.crt", "-K", "one.key"], Identity("one.crt", "one.key")),
        (["-k", "one.key-crt"], Identity("one.key-crt", "one.key-crt")),
        (["-k", "one.crt-key"], Identity("one.crt-key", "one.crt-key")),
        (["-K", "one.crt-key"], Identity("one.crt-key", "one.crt-key")),
        (["-H", "one.key-crt"], Identity("one.key-crt", "one.key-crt")),
        (["-H", "one.key-crt", "-H", "two.key-crt"], Identity("one.key-crt", "one.key-crt")),
    ],
)
def test_what_can_be_shown(files: Path, argv: list[str], identity: Identity | None) -> None:
    loaded = load(parse([*argv, "x.test"]))
    assert (loaded.identity, loaded.lines, loaded.tls) == (identity, (), True)
    context_for(AUTHENTICATED, loaded.identity)


_LOADING = "warning: error loading private keys and certificates from: {}: disabling TLS support"


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (["-k", "gone"], ["warning: error opening chain file: gone: No such file or directory"]),
        (["-k", "one.crt"], ["warning: No private key found in one.crt", _LOADING.format("one.crt")]),
        (["-K", "one.key"], ["warning: No certs for key at index 1 in one.key", _LOADING.format("one.key")]),
        (["-k", "garbage"], ["warning: No PEM data in garbage", _LOADING.format("garbage")]),
        (["-k", "gone", "-K", "one.key"],
         ['warning: cannot get RSA certificate from file "gone": disabling TLS support']),
        (["-k", "one.crt", "-K", "gone"],
         ['warning: cannot get RSA private key from file "gone": disabling TLS support']),
        (["-k", "one.crt", "-K", "two.key"],
         ["warning: RSA private key in two.key does not match public key in one.crt: disabling TLS support"]),
        (["-H", "one.crt-key"],
         ["warning: error loading chain from one.crt-key: key not first", _LOADING.format("one.crt-key")]),
        (["-H", "mixed"],
         ["warning: key at index 1 in mixed does not match next certificate", _LOADING.format("mixed")]),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_disables_tls(files: Path, argv: list[str], lines: list[str]) -> None:
    loaded = load(parse([*argv, "x.test"]))
    assert (loaded.identity, list(loaded.lines), loaded.tls) == (None, lines, False)


def test_a_chain_file_that_cannot_be_opened_is_passed_over(files: Path) -> None:
    loaded = load(parse(["-H", "gone, one.key-crt", "x.test"]))
    assert loaded.lines == ("warning: error opening chain file: gone: No such file or directory",)
    assert (loaded.identity, loaded.tls) == (Identity("one.key-crt", "one.key-crt"), True)
