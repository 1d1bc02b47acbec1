"""Trust settings of TRUSTED CERTIFICATE blocks, written by the openssl program."""

import base64
import subprocess
from pathlib import Path

import pytest

from scanner.core import pkix
from scanner.core.x509 import der, trust
from scanner.net import truststore
from tests.unit import pki
from tests.unit.pki import CHAIN, NOW, ROOT

SETTINGS = [  # options of openssl x509, whether TLS servers are trusted, errors of the ordinary chain
    (["-addtrust", "serverAuth"], True, []),
    (["-addtrust", "anyExtendedKeyUsage"], True, []),
    (["-addtrust", "emailProtection"], False, [(28, 2), (19, 2)]),
    (["-addreject", "serverAuth"], False, [(28, 2), (19, 2)]),
    (["-addreject", "anyExtendedKeyUsage"], False, [(28, 2), (19, 2)]),
    (["-addreject", "emailProtection"], None, []),
    (["-addtrust", "serverAuth", "-addreject", "serverAuth"], False, [(28, 2), (19, 2)]),
    (["-setalias", "a name"], None, []),
]


def with_settings(options: list[str], made: pki.Made = ROOT) -> bytes:
    done = subprocess.run(["openssl", "x509", "-trustout", *options], input=made.pem, capture_output=True, check=True)
    assert b"BEGIN TRUSTED CERTIFICATE" in done.stdout
    return done.stdout


@pytest.mark.parametrize(("options", "trusted", "errors"), SETTINGS, ids=str)
def test_settings(options: list[str], *, trusted: bool | None, errors: list[tuple[int, int]], tmp_path: Path) -> None:
    pem = with_settings(options)
    certificate, rest = trust.split(base64.b64decode(b"".join(pem.split(b"\n")[1:-2])))
    said = trust.settings(rest)
    assert certificate == ROOT.der
    assert (said.for_servers() if said else None) is trusted
    (tmp_path / "roots.pem").write_bytes(pem)
    for store in (truststore.load(str(tmp_path / "roots.pem"), None), pkix.TrustStore.from_pem(pem)):
        found = pkix.verify(pki.chain(*CHAIN), store, NOW).errors
        assert [(error.num, error.depth) for error in found] == errors


def test_an_intermediate_trusted_by_hand_is_an_anchor(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_bytes(with_settings(["-addtrust", "serverAuth"], pki.INTER))
    store = truststore.load(str(tmp_path / "roots.pem"), None)
    assert pkix.verify(pki.chain(pki.LEAF), store, NOW).errors == ()


def test_without_settings_there_are_none() -> None:
    assert trust.settings(b"") is None
    with pytest.raises(der.DERError):
        trust.settings(b"\x04\x00")
