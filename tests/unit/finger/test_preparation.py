"""Lines before the destination is looked up. Expected: Debian's posttls-finger 3.7.11, run with the same options."""

from pathlib import Path

import pytest

from scanner.finger import maincf
from scanner.finger.options import parse
from scanner.finger.output import Output
from scanner.finger.preparation import Setup, prepare
from tests.unit.memory_ports import DOMAIN, MemoryPorts

MAIN_CF = maincf.MainCf(Path("/etc/postfix/main.cf"), {"compatibility_level": "3.6", "myhostname": "mx.test"})
MD5 = "using backwards-compatible default setting smtp_tls_fingerprint_digest=md5 to compute certificate fingerprints"
RECORD = "fingerprint: digest as private-use TLSA record: 3 0 255"


def prepared(*argv: str) -> Setup:
    options = parse([*argv], lambda overrides: maincf.settle(MAIN_CF, overrides))
    return prepare(options, MemoryPorts([], []), Output("mxsweep"))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), []),
        (("-l", "fingerprint", DOMAIN, "zz", "00:11"), ["warning: malformed fingerprint value: zz"]),
        (("-l", "fingerprint", "-L", "dane", DOMAIN, "zz", "0a:11"), [
            "warning: malformed fingerprint value: zz", f"{RECORD} 0A11"]),
        (("-l", "fingerprint", "-o", "compatibility_level=2", DOMAIN, "AA", "zz"), [
            MD5, MD5, "warning: malformed fingerprint value: zz"]),
        (("-l", "fingerprint", "-o", "compatibility_level=2", "-d", "md5", DOMAIN), []),
        (("-l", "fingerprint", "-o", "compatibility_level=2", "-o", "smtp_tls_fingerprint_digest=md5", DOMAIN), []),
        (("-l", "may", "-o", "compatibility_level=2", DOMAIN), []),
        (("-l", "may", DOMAIN, "x.test"), ["warning: TLS level 'may' does not implement certificate matching"]),
        (("-L", "verbose", DOMAIN), ["initializing the client-side TLS engine"]),
        (("-L", "trace", DOMAIN), [
            "warning: the TLS library has no trace (-L trace); use -L ssl-session-packet-dump"]),
    ],
)  # fmt: skip
def test_lines(argv: tuple[str, ...], expected: list[str]) -> None:
    assert prepared(*(argv or (DOMAIN,))).output.printed == expected


def test_an_unknown_digest_disables_tls_and_fingerprints_are_still_reported() -> None:
    setup = prepared("-l", "fingerprint", "-d", "bogus", DOMAIN, "zz")
    assert not setup.tls
    assert setup.output.printed == [
        'warning: Digest algorithm "bogus" not found',
        "warning: disabling TLS support",
        "warning: malformed fingerprint value: zz",
    ]


def test_a_file_that_openssl_cannot_load_whole_disables_tls(tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n")
    setup = prepared("-F", str(path), DOMAIN)
    assert not setup.tls
    assert setup.output.printed[0] == (
        f'cannot load Certification Authority data, CAfile="{path}": disabling TLS support'
    )
    assert (
        setup.output.printed[-1] == "warning: TLS library problem: error:05880009:x509 certificate routines::PEM lib:::"
    )
