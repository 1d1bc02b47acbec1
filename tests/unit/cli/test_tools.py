"""The trusted roots of an examination."""

from pathlib import Path

import pytest

from scanner.cli.errors import CliError
from scanner.cli.tools import trust_store
from tests.unit.pki import ROOT


def test_trusted_roots_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    assert len(trust_store(str(tmp_path / "root.pem"), None, print)) == 1
    with pytest.raises(CliError, match="cannot read trusted certificates"):
        trust_store(str(tmp_path / "none.pem"), None, print)


def test_a_system_without_trust_store_trusts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("scanner.net.truststore.system", lambda: None)
    assert len(trust_store(None, None, said.append)) == 0
    assert said == ["no system trust store found: no certificate will be trusted by PKIX (--ca-file FILE)"]
