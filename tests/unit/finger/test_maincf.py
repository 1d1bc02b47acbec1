"""main.cf. Expected values: postconf(5), and what Debian's posttls-finger 3.7.11 made of the same files."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.finger.maincf import MainCf, MainCfError, hostname_warning, load, parse, settle

PATH = Path("/etc/postfix/main.cf")


def settled(text: str, host: str = "vm", **overrides: str) -> dict[str, str]:
    return settle(parse(text, PATH), overrides, hostname=lambda: host)


# --- the file -------------------------------------------------------------------------------------------------


def test_lines_comments_and_continuations() -> None:
    text = "# c\n\na = 1\n  2\n# in between\n \t3\nb=\n = x\n  # too\n\nc = x = y\na = last\n"
    assert parse(text, PATH).values == {"a": "last", "b": "= x", "c": "x = y"}
    assert parse("a =\n 1\n# c\n 2\n", PATH).values["a"] == "1 2"


def test_a_first_line_that_continues_nothing_is_passed_over_and_told() -> None:
    found = parse("  a = b\nc = d\n", PATH)
    assert found.values == {"c": "d"}
    assert found.warnings == ('warning: /etc/postfix/main.cf: logical line must not start with whitespace: "  a = b"',)


def test_a_line_without_a_value_is_fatal() -> None:
    with pytest.raises(MainCfError) as caught:
        parse("a = b\n\nfoo\n", PATH)
    assert str(caught.value) == "/etc/postfix/main.cf, line 3: missing '=' after attribute name: \"foo\""


def test_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "main.cf").write_text("compatibility_level = 2\n")
    assert load({"MAIL_CONFIG": str(tmp_path)}).values == {"compatibility_level": "2"}
    assert load({}, default=tmp_path).values == {"compatibility_level": "2"}


def test_without_postfix_there_are_the_defaults_of_a_fresh_one(tmp_path: Path) -> None:
    found = load({}, default=tmp_path / "none")
    assert settle(found, {})["smtp_tls_fingerprint_digest"] == "sha256"


def test_mail_config_without_a_file_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(MainCfError) as caught:
        load({"MAIL_CONFIG": str(tmp_path)})
    assert str(caught.value) == f"open {tmp_path}/main.cf: No such file or directory"


@given(st.text("a=\n #\t$"))
def test_any_file_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(MainCfError):
        assert all(name and name == name.strip() for name in parse(text, PATH).values)


# --- the parameters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "digest", "utf8"),
    [
        ("0", "md5", "no"),
        ("1", "md5", "yes"),
        ("3.5.9", "md5", "yes"),
        ("3.6", "sha256", "yes"),
        ("3.10", "sha256", "yes"),
    ],
)
def test_the_compatibility_level_sets_defaults(level: str, digest: str, utf8: str) -> None:
    found = settled(f"compatibility_level = {level}")
    assert (found["smtp_tls_fingerprint_digest"], found["smtputf8_enable"]) == (digest, utf8)


def test_an_empty_main_cf_is_at_level_0() -> None:
    assert settled("")["smtp_tls_fingerprint_digest"] == "md5"


def test_the_command_line_goes_before_the_file() -> None:
    found = settled(
        "inet_protocols = ipv4\nmyhostname = a.test", inet_protocols="ipv6", foo="bar", myhostname="$foo.test"
    )
    assert (found["inet_protocols"], found["myhostname"]) == ("ipv6", "bar.test")


@pytest.mark.parametrize(
    ("text", "host", "name", "domain"),
    [
        ("", "vm", "vm.localdomain", "localdomain"),
        ("", "mx.example.com", "mx.example.com", "example.com"),
        ("mydomain = d.test", "vm", "vm.d.test", "d.test"),
        ("mydomain = d.test", "mx.example.com", "mx.example.com", "d.test"),
        ("mydomain = d.test\nmyhostname = m.$mydomain", "vm", "m.d.test", "d.test"),
        ("myhostname = m.d.test", "vm", "m.d.test", "d.test"),
        ("myhostname = m", "vm", "m", "localdomain"),
    ],
)
def test_the_names_of_machine_and_domain(text: str, host: str, name: str, domain: str) -> None:
    found = settled(text, host)
    assert (found["myhostname"], found["mydomain"]) == (name, domain)


@pytest.mark.parametrize(
    ("text", "fatal", "lines"),
    [
        ("compatibility_level = bogus", 'malformed compatibility level syntax: "bogus"', ()),
        ("inet_protocols = ipv5", 'unknown inet_protocols value "ipv5" in "ipv5"', ()),
        ("smtputf8_enable = foo", "bad boolean configuration: smtputf8_enable = foo", ()),
        ("tls_append_default_CA = foo", "bad boolean configuration: tls_append_default_CA = foo", ()),
        ("line_length_limit = foo", "bad numerical configuration: line_length_limit = foo", ()),
        ("line_length_limit = 10", "invalid line_length_limit parameter value 10 < 512", ()),
        ("myhostname =", "bad string length 0 < 1: myhostname = ", ()),
        ("tls_medium_cipherlist =", "bad string length 0 < 1: tls_medium_cipherlist = ", ()),
        ("tls_dane_digests =", "bad string length 0 < 1: tls_dane_digests = ", ()),
        ("myhostname = -foo", f"file {PATH}: parameter myhostname: bad parameter value: -foo",
         ("warning: valid_hostname: misplaced hyphen: -foo",)),
        ("myhostname = a b", f"file {PATH}: parameter myhostname: bad parameter value: a b",
         ("warning: valid_hostname: invalid character 32(decimal): a b",)),
        ("myhostname = 1.2.3.4", f"file {PATH}: parameter myhostname: bad parameter value: 1.2.3.4",
         ("warning: valid_hostname: numeric hostname: 1.2.3.4",)),
        ("myhostname = a..b", f"file {PATH}: parameter myhostname: bad parameter value: a..b",
         ("warning: valid_hostname: misplaced delimiter: a..b",)),
        ("myhostname = ${a", "dictionary mail_dict: macro processing error",
         ('warning: truncated macro reference: "${a"',)),
        ("myhostname = ${myhostname}x", "dictionary mail_dict: macro processing error",
         ('warning: unreasonable macro call nesting: "myhostname"',)),
        ("mail_owner = nobodyx", f"file {PATH}: parameter mail_owner: unknown user name value: nobodyx", ()),
        ("mail_owner = root", f"file {PATH}: parameter mail_owner: user root has privileged user ID", ()),
    ],
)  # fmt: skip
def test_values_that_postfix_refuses(text: str, fatal: str, lines: tuple[str, ...]) -> None:
    with pytest.raises(MainCfError) as caught:
        settled(text)
    assert (str(caught.value), caught.value.lines) == (fatal, lines)


ORDER = (
    *(
        "compatibility_level = x",
        "smtputf8_enable = x",
        "enable_idna2003_compatibility = x",
        "myhostname =",
        "inet_protocols = x",
    ),
    *("line_length_limit = 1", "tcp_windowsize = x", "myhostname = ..", "mail_owner = nobodyx"),
    "smtp_tls_fingerprint_digest =",
)
TLS_ORDER = (
    *("tls_high_cipherlist =", "tls_medium_cipherlist =", "tls_null_cipherlist =", "tls_eecdh_auto_curves ="),
    *("tls_dane_digests =", "tls_append_default_CA = x", "tls_fast_shutdown_enable = x"),
)


@pytest.mark.parametrize("line", ORDER + TLS_ORDER)
def test_the_first_error_is_reported_in_the_order_of_postfix(line: str) -> None:
    """The order is that of Debian's 3.7.11; of two values of a parameter the last counts."""
    after = [*ORDER, *TLS_ORDER][[*ORDER, *TLS_ORDER].index(line) :]
    with pytest.raises(MainCfError) as caught:
        settled("\n".join(reversed(after)))
    name, _, value = line.partition(" = ")
    assert name.removesuffix(" =").removeprefix("compatibility_") in str(caught.value)
    assert value.removesuffix("=") in str(caught.value)
    assert caught.value.tls is (line in TLS_ORDER)


@pytest.mark.parametrize(
    ("name", "warning"),
    [  # from Debian's 3.7.11
        ("a..b c", "misplaced delimiter: a..b c"),
        ("a.b.", "misplaced delimiter: a.b."),
        ("1..2", "misplaced delimiter: 1..2"),
        ("-a..b", "misplaced hyphen: -a..b"),
        ("5-", "misplaced hyphen: 5-"),
        ("5", "numeric hostname: 5"),
        ("x" * 64, f"hostname label too long: {'x' * 64}"),
        ("a." * 127 + "bc", f"bad length 256 for {'a.' * 50}..."),
    ],
)
def test_warnings_about_host_names(name: str, warning: str) -> None:
    assert hostname_warning(name) == f"warning: valid_hostname: {warning}"


@pytest.mark.parametrize("name", ["_.b", "a-b.c", "a." * 127 + "b", "x" * 63])
def test_valid_host_names(name: str) -> None:
    assert hostname_warning(name) == ""


def test_parameters_that_do_not_matter_are_accepted_whatever_their_value() -> None:
    ignored = {
        "smtp_tls_security_level": "bogus",
        "smtp_tls_policy_maps": "x",
        "smtp_host_lookup": "native",
        "foo": "$bar",
    }
    assert settle(MainCf(PATH, {}), ignored) == settle(MainCf(PATH, {}), {})
