"""The value of --dask, the security file, and a cluster that does not answer."""

import importlib.util
from pathlib import Path

import pytest

from scanner.scale import cluster as clusters
from scanner.scale.cluster import ClusterChoice, ClusterError, check_installed, cluster, parse_choice


@pytest.mark.parametrize(
    ("text", "local", "address"),
    [
        ("local:3", 3, None),
        ("tcp://scheduler.example:8786", None, "tcp://scheduler.example:8786"),
        ("tls://[2001:db8::1]:8786", None, "tls://[2001:db8::1]:8786"),
    ],
)
def test_values(text: str, local: int | None, address: str | None) -> None:
    assert parse_choice(text) == ClusterChoice(text, local=local, address=address)


def test_one_process_for_each_core_by_default() -> None:
    assert (parse_choice("local").local or 0) >= 1


def test_a_scheduler_file(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text("{}")
    assert parse_choice(str(file)).file == str(file)


@pytest.mark.parametrize("text", ["", "local:0", "local:x", "local:99999", "tcp://a", "http://a:1", "missing.json"])
def test_wrong_values(text: str) -> None:
    with pytest.raises(ClusterError, match="local, local:N, tcp://HOST:PORT") as caught:
        parse_choice(text)
    assert caught.value.usage


def test_without_dask_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    monkeypatch.setattr(clusters, "find_spec", lambda _: None)
    with pytest.raises(ClusterError, match=r"pip install 'mxsweep\[dask\]'"):
        check_installed()
    assert importlib.util.find_spec("distributed") is not None


def test_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "ANSWER", 1)
    choice = parse_choice("tcp://127.0.0.1:1")
    with (
        pytest.raises(ClusterError, match=r"--dask tcp://127\.0\.0\.1:1: no scheduler answers"),
        cluster(choice, None, print),
    ):
        pass


@pytest.mark.parametrize("content", [None, "ca = 1", "ca = 'a'", "not toml"])
def test_a_wrong_security_file(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "security.toml"
    if content is not None:
        file.write_text(content)
    choice = parse_choice("tls://127.0.0.1:1")
    with pytest.raises(ClusterError, match="--dask-security ") as caught, cluster(choice, str(file), print):
        pass
    assert caught.value.usage
