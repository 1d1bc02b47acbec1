"""``--exclusive NAME``: one scan at a time."""

import tempfile
from pathlib import Path

import pytest

from scanner.cli.errors import CliError, Exit
from scanner.cli.exclusive import exclusive, lock_directory


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the locks."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "mxsweep"


def test_a_second_holder_is_refused_until_the_first_ends(state: Path) -> None:
    with exclusive("nightly"), exclusive("other"), exclusive(None):
        busy = r"--exclusive nightly: another scan holds this lock \(process \d+\)"
        with pytest.raises(CliError, match=busy) as caught, exclusive("nightly"):
            raise AssertionError
        assert caught.value.code is Exit.UNFIT
    with exclusive("nightly"):
        assert (state / "nightly.lock").exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x" * 65, "a\n"])
def test_names_that_are_no_file_names(name: str) -> None:
    with pytest.raises(CliError, match="a name of letters"), exclusive(name):
        raise AssertionError


def test_a_link_in_place_of_the_lock_is_refused(state: Path, tmp_path: Path) -> None:
    state.mkdir()
    (state / "nightly.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(CliError, match=r"nightly\.lock: "), exclusive("nightly"):
        raise AssertionError
    assert not (tmp_path / "victim").exists()


def test_a_directory_of_others_is_refused(state: Path) -> None:
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    with pytest.raises(CliError, match="other users can write"), exclusive("nightly"):
        raise AssertionError


@pytest.mark.parametrize(
    ("state_home", "home", "expected"),
    [
        ("/var/state", "/root", "/var/state/mxsweep"),
        ("", "/root", "/root/.local/state/mxsweep"),
        ("", "", f"{tempfile.gettempdir()}/mxsweep-"),
    ],
)
def test_where_the_locks_are(state_home: str, home: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state_home)
    monkeypatch.setenv("HOME", home)
    assert str(lock_directory()).startswith(expected)
