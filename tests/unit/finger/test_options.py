"""The command line of finger. Expected values: posttls-finger(1), and what Debian's posttls-finger 3.7.11 printed."""

import contextlib
import getopt
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.finger.maincf import MainCfError
from scanner.finger.options import SHORT, Fatal, Options, Usage, ascii_form, atoi, parse, wants_help
from scanner.finger.usage import HELP, USAGE
from scanner.vocabulary import Level
from targets.destination import Kind


def test_defaults_are_those_of_the_manual_page() -> None:
    options = parse(["example.com"])
    assert options.destination.host == "example.com"
    assert (options.family, options.digest, options.grade, options.protocols) == ("any", "sha256", "medium", ">=TLSv1")
    assert (options.level, options.insecure_mx) == (Level.DANE, Level.DANE)
    assert (options.log, options.host_lookup) == ("routine,certmatch", ("dns",))
    assert (options.connect_timeout, options.command_timeout) == (30, 30)
    assert (options.reconnect, options.max_reconnects) == (-1, 5)
    assert options.chat
    assert not (options.show_chain)
    assert not (options.srv)
    assert not (options.lmtp)
    assert not (options.wrapper)
    assert not (options.raw_keys)


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        (["-a", "IPv6", "x.test"], "family", "ipv6"),
        (["-c", "x.test"], "chat", False),
        (["-C", "x.test"], "show_chain", True),
        (["-d", "sha1", "x.test"], "digest", "sha1"),
        (["-f", "x.test"], "force_tlsa", True),
        (["-F", "ca.pem", "x.test"], "ca_file", "ca.pem"),
        (["-g", "high", "x.test"], "grade", "high"),
        (["-h", "native, dns", "x.test"], "host_lookup", ("dns", "native")),
        (["-h", "native", "x.test"], "host_lookup", ("native",)),
        (["-h", "", "x.test"], "host_lookup", ()),
        (["-H", "a.pem,b.pem", "-H", "c.pem", "x.test"], "chains", ("a.pem", "b.pem", "c.pem")),
        (["-l", "DANE-only", "x.test"], "level", Level.DANE_ONLY),
        (["-L", "none", "x.test"], "log", "none"),
        (["-m", "3", "x.test"], "max_reconnects", 3),
        (["-M", "encrypt", "x.test"], "insecure_mx", Level.ENCRYPT),
        (["-o", " myhostname = me.test ", "x.test"], "parameters", {"myhostname": "me.test"}),
        (["-p", "TLSv1.2", "x.test"], "protocols", "TLSv1.2"),
        (["-P", "/certs", "x.test"], "ca_path", "/certs"),
        (["-r", "10", "x.test"], "reconnect", 10),
        (["-R", "x.test"], "srv", True),
        (["-s", "nexthop", "x.test"], "sni", "nexthop"),
        (["-S", "x.test"], "lmtp", True),
        (["-t", "5s", "x.test"], "connect_timeout", 5),
        (["-T", "soon", "x.test"], "command_timeout", 0),
        (["-vv", "x.test"], "verbose", 2),
        (["-w", "x.test"], "wrapper", True),
        (["-x", "x.test"], "raw_keys", True),
        (["-A", "a.pem", "-A", "b.pem", "x.test"], "anchors", ("a.pem", "b.pem")),
    ],
)
def test_each_option_has_its_effect(argv: list[str], field: str, value: object) -> None:
    assert getattr(parse(argv), field) == value


def test_options_cluster_and_arguments_may_follow_at_once() -> None:
    options = parse(["-cClmay", "x.test"])
    assert (options.chat, options.show_chain, options.level) == (False, True, Level.MAY)


def test_what_follows_the_destination_is_a_match_argument() -> None:
    options = parse(["-c", "x.test", "-l", "may"])
    assert (options.level, options.matches) == (Level.DANE, ("-l", "may"))


@pytest.mark.parametrize(
    ("argv", "certificate", "key"),
    [
        (["-k", "c"], "c", "c"),
        (["-K", "k"], "k", "k"),
        (["-k", "c", "-K", "k"], "c", "k"),
        (["-K", "k", "-k", "c"], "c", "k"),
        (["-k", "a", "-k", "b"], "b", "a"),  # the first certificate's file had become the key's
    ],
)
def test_key_and_certificate_stand_for_each_other(argv: list[str], certificate: str, key: str) -> None:
    options = parse([*argv, "x.test"])
    assert (options.certificate, options.key) == (certificate, key)


_BOTH_KINDS = "When the '-H' option is used, neither the '-k', nor the '-K' options may be used"


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["-a", "ipv5", "x.test"], "bad '-a' option value: ipv5"),
        (["-h", "foo", "x.test"], 'unknown -h option value "foo" in "foo"'),
        (["-h", "dns DNS", "x.test"], 'unknown -h option value "DNS" in "dns DNS"'),
        (["-H", "x", "-k", "y", "x.test"], _BOTH_KINDS),
        (["-K", "y", "-H", "x", "x.test"], _BOTH_KINDS),
        (["-l", "halfdane", "x.test"], 'Invalid TLS level "halfdane"'),
        (["-l", "half-dane", "x.test"], 'Invalid TLS level "half-dane"'),
        (["-M", "secure", "x.test"], "bad '-M' option value: secure"),
        (["-w", "-l", "none", "x.test"], "SSL wrapper mode requires that TLS not be disabled"),
        (["-X", "-r", "0", "x.test"], "The -X and -r options are mutually exclusive"),
        (["-X", "x.test"], "the -X option is not supported"),
    ],
)
def test_bad_values_are_fatal_in_its_words(argv: list[str], text: str) -> None:
    with pytest.raises(Fatal) as caught:
        parse(argv)
    assert str(caught.value) == text


_NO_HOST = "valid hostname or network address required in server description:"
_NOT_ASCII = "warning: midna_domain_to_ascii_create: Problem translating domain"


@pytest.mark.parametrize(
    ("argv", "text", "lines"),
    [
        (["[x"], 'missing "]" in server description: [x', ()),
        (["x.test:foo"], "unknown service: foo/tcp", ()),
        (["x.test:0"], "bad network port: 0 for destination: x.test:0", ()),
        (["inet:x.test"], "unknown service: x.test/tcp", ()),
        (["-o", "smtputf8_enable=no", "b\u00fccher.test"], f"{_NO_HOST} b??cher.test", ()),
        (["a..test"], f"{_NO_HOST} a..test", ()),
        (
            ["--", "-\u00e4-.test"],
            f"{_NO_HOST} -\u00e4-.test",
            (f'{_NOT_ASCII} "-\u00e4-.test" to ASCII form: UIDNA_ERROR_LEADING_HYPHEN,UIDNA_ERROR_TRAILING_HYPHEN',),
        ),
        (
            ["\u00e4!.test"],
            f"{_NO_HOST} \u00e4!.test",
            (f'{_NOT_ASCII} "\u00e4!.test" to ASCII form: malformed ASCII label(s)',),
        ),
        (
            ["\u00e4" * 58 + ".test"],
            _NO_HOST + " " + "\u00e4" * 58 + ".test",
            (_NOT_ASCII + ' "' + "\u00e4" * 50 + '" to ASCII form: UIDNA_ERROR_LABEL_TOO_LONG',),
        ),
    ],
)
def test_a_bad_destination_is_kept_for_the_end(argv: list[str], text: str, lines: tuple[str, ...]) -> None:
    """Debian's 3.7.11 prints everything about TLS before it."""
    bad = parse(argv).bad_destination
    assert isinstance(bad, Fatal)
    assert (str(bad), bad.lines) == (text, lines)


def test_a_missing_destination_is_kept_for_the_end() -> None:
    assert isinstance(parse([]).bad_destination, Usage)
    assert isinstance(parse(["-L", "bogus"]).bad_destination, Usage)


@pytest.mark.parametrize(
    ("argv", "tls", "lines"),
    [  # as Debian's 3.7.11 prints them, with the fourth warning of 3.12
        (["-L", "bogus"], False, ('warning: unknown -L option value "bogus" in "bogus"',) * 2),
        (["-L", "bogus"], True, ('warning: unknown -L option value "bogus" in "bogus"',) * 4),
        (["-L", "verbose"], False, ()),
        (["-L", "verbose"], True, ("initializing the client-side TLS engine",)),
    ],
)
def test_the_lines_before_a_fatal_parameter(argv: list[str], tls: bool, lines: tuple[str, ...]) -> None:  # noqa: FBT001 - a column of the table
    def settle(_: Mapping[str, str]) -> dict[str, str]:
        raise MainCfError("text", "warning: last", tls=tls)

    for level in ([], ["-l", "may"]):
        with pytest.raises(Fatal, match="text") as caught:
            parse([*argv, *level, "x.test"], settle)
        assert caught.value.lines == (*lines, "warning: last")


def test_the_log_list_is_complained_about_before_the_level() -> None:
    with pytest.raises(Fatal) as caught:
        parse(["-L", "routine,bogus", "-l", "bogus", "x.test"])
    assert caught.value.lines == ('warning: unknown -L option value "bogus" in "routine,bogus"',) * 2


def test_options_are_looked_at_together_in_its_order() -> None:
    with pytest.raises(Fatal, match="'-a'"):
        parse(["-l", "bogus", "-h", "bogus", "-a", "bogus", "x.test"])


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["-Z", "x.test"], "invalid option -- 'Z'"),
        (["-cZ", "x.test"], "invalid option -- 'Z'"),
        (["-l"], "option requires an argument -- 'l'"),
        (["--level", "may", "x.test"], "invalid option -- '-'"),
        (["--al", "x.test"], ""),  # abbreviated: not known
        (["-o", "foo", "x.test"], ""),
        (["-o", "=x", "x.test"], ""),
    ],
)
def test_what_is_not_understood_is_answered_with_the_usage(argv: list[str], text: str) -> None:
    with pytest.raises(Usage) as caught:
        parse(argv)
    assert str(caught.value) == text


def test_main_cf_has_its_say_before_the_destination() -> None:
    seen: list[dict[str, str]] = []

    def settle(overrides: Mapping[str, str]) -> dict[str, str]:
        seen.append(dict(overrides))
        return {**overrides, "smtp_tls_fingerprint_digest": "md5", "known_tcp_ports": "smtp=26"}

    options = parse(["-o", "a=b", "x.test"], settle)
    assert seen == [{"a": "b"}]
    assert (options.digest, options.destination.port) == ("md5", 26)
    assert parse(["-d", "sha1", "x.test"], settle).digest == "sha1"


def test_a_unix_socket_is_named_for_this_machine() -> None:
    options = parse(["-S", "-o", "myhostname=me.test", "unix:/run/lmtp"])
    assert (options.destination.kind, options.destination.nexthop) == (Kind.UNIX, "me.test")


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("MX.example", "MX.example"),
        ("b\u00fccher.test", "xn--bcher-kva.test"),
        (".b\u00fccher.test", ".xn--bcher-kva.test"),
        ("\u3002example.com", ".example.com"),
        ("\uff0e", "\uff0e"),
        ("b\u00fccher..test", "b\u00fccher..test"),
    ],
)
def test_names_are_matched_and_sent_in_a_labels(name: str, ascii_name: str) -> None:
    assert ascii_form(name) == ascii_name


@given(st.sampled_from(["", " ", "\t "]), st.integers(), st.sampled_from(["", "s", " 7", ".5", "\u0663"]))
def test_atoi_reads_the_number_in_front(space: str, number: int, tail: str) -> None:
    assert atoi(f"{space}{number}{tail}") == number
    assert atoi(f"{space}+{abs(number)}{tail}") == abs(number)
    assert atoi(f"{tail}x{number}") == (7 if tail == " 7" else 0)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_command_line_is_read_or_refused(argv: list[str]) -> None:
    with contextlib.suppress(Usage, Fatal):
        assert isinstance(parse(argv), Options)


def test_help_shows_every_option_and_its_default() -> None:
    takes_value = re.findall(r"([a-zA-Z])(:?)", SHORT)
    lines = HELP.splitlines()
    for letter, colon in takes_value:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"  -{letter} "))
        entry = "\n".join([lines[at], *_until_next(lines[at + 1 :])])
        assert re.search(r"\[.+\]$", entry, re.MULTILINE), f"-{letter} without its default"
        assert bool(colon) == (not entry[5:7].isspace()), f"-{letter} and its argument"
    for name in ("--json", "--all"):
        assert name in HELP


def _until_next(lines: list[str]) -> list[str]:
    entry = []
    for line in lines:
        if not line.startswith("   "):
            break
        entry.append(line)
    return entry


def test_usage_names_every_letter_but_x() -> None:
    letters = set(re.findall(r"[A-Za-z]", SHORT)) - {"X", "a", "M"}
    flags = set(USAGE[USAGE.index("[-") + 2 : USAGE.index("]")])
    named = flags | set(re.findall(r"\[-([A-Za-z]) ", USAGE))
    assert letters <= named


def test_help_is_asked_for_only_where_an_option_may_stand() -> None:
    assert wants_help(["-c", "--help"])
    assert not wants_help(["x.test", "--help"])
    assert not wants_help(["-L", "--help"])
    assert not wants_help(["-Z", "--help"])


def test_letters_that_posttls_finger_does_not_have_are_not_options() -> None:
    for letter in "jnequb":
        with pytest.raises(getopt.GetoptError):
            getopt.getopt([f"-{letter}"], SHORT)


def test_parameters_of_tls_are_not_read_without_tls() -> None:
    """Expected: Debian's 3.7.11 with ``-l none -o tls_fast_shutdown_enable=maybe``."""
    asked: list[str] = []

    def settle(given: Mapping[str, str]) -> dict[str, str]:
        asked.extend(given)
        return dict(given)

    parse(["-l", "none", "-o", "tls_fast_shutdown_enable=maybe", "-o", "inet_protocols=all", "x.test"], settle)
    assert asked == ["inet_protocols"]
