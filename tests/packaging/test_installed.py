"""The Debian package and the steps of the Containerfile, tried in a copy-on-write view of this machine.

Each builds a virtual environment from packages of PyPI, which takes minutes: ``make soak`` runs these tests.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging import overlay
from tests.unit.results.export.conftest import written

ROOT = Path(__file__).parents[2]
CONTAINERFILE = ROOT / "packaging" / "Containerfile"

pytestmark = pytest.mark.soak

_USED = """
export HOME=/root
cd /
mxsweep --version
mxsweep query /test/run 'SELECT domain, dane FROM domains ORDER BY domain' --format csv
mxsweep finger --help | head -1
"""
_EXPECTED = ["domain,dane", "a.example,protected", "b.example,broken", "Usage: mxsweep finger [options]"]


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A directory with a run, which the view shares, and a directory for its mounts."""
    shared, mounts = tmp_path / "shared", tmp_path / "mounts"
    mounts.mkdir()
    written(shared / "run")
    return shared, mounts


def needed(*programs: str) -> None:
    reason = overlay.missing(*programs)
    if reason:
        pytest.skip(reason)


def test_the_debian_package_is_built_installed_used_and_removed(places: tuple[Path, Path]) -> None:
    needed("dpkg", "dpkg-deb", "systemd-analyze")
    shared, mounts = places
    subprocess.run(["sh", str(ROOT / "packaging" / "deb.sh"), str(shared)], check=True, capture_output=True)
    (package,) = shared.glob("*.deb")
    done = overlay.run(
        f"""
dpkg -i --force-depends /test/{package.name} >/dev/null
{_USED}
grep -q 'Depends: python3 (>= 3' /var/lib/dpkg/status
gzip -t /usr/share/man/man1/mxsweep-scan.1.gz
test -s /usr/share/bash-completion/completions/mxsweep
test -s /usr/share/zsh/vendor-completions/_mxsweep
test -s /usr/share/fish/vendor_completions.d/mxsweep.fish
! grep -rIl /tmp/tmp /usr/lib/mxsweep/bin
systemd-analyze verify /usr/lib/systemd/system/mxsweep*
runuser -u mxsweep -- env LIST=/test/none MAILTO= mxsweep-nightly || test $? = 2
runuser -u mxsweep -- cat /var/lib/mxsweep/alert.txt | grep -q '/test/none: cannot be read'
dpkg --verify mxsweep
dpkg -r mxsweep >/dev/null
test ! -e /usr/lib/mxsweep
test ! -e /usr/bin/mxsweep
test -e /etc/mxsweep/scan.toml
dpkg -P mxsweep >/dev/null
test ! -e /etc/mxsweep/scan.toml
echo removed
""",
        shared,
        mounts,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    version, *lines = done.stdout.splitlines()
    assert version.startswith("mxsweep 0.")
    assert (lines[:3], lines[3].startswith(_EXPECTED[3]), lines[4:]) == (_EXPECTED[:3], True, ["removed"])


def test_the_steps_of_the_containerfile(places: tuple[Path, Path]) -> None:
    """Run the steps except the installation of Debian packages, which have to be installed on this machine."""
    needed("useradd")
    shared, mounts = places
    script = []
    for word, rest in re.findall(r"^(RUN|COPY) (.*)$", CONTAINERFILE.read_text(), re.MULTILINE):
        if rest.startswith("apt-get"):
            packages = re.findall(r"(?<= )[a-z][a-z0-9-]+(?= |$)", rest.partition("--no-install-recommends")[2])
            script.append(f"dpkg -s {' '.join(packages)} >/dev/null")
        elif word == "COPY":
            *sources, target = rest.split()
            script.append(f"mkdir -p {target}")
            for source in sources:
                directory = (ROOT / source).is_dir()
                script.append(f"cp -r /test/source/{source}{'/.' if directory else ''} {target}")
        else:
            script.append(f"{{ {rest}; }} >/dev/null 2>&1")
    (shared / "source").mkdir()
    for name in ("scanner", "targets", "results", "packaging"):
        shutil.copytree(ROOT / name, shared / "source" / name)
    for name in ("pyproject.toml", "requirements.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, shared / "source")
    done = overlay.run("\n".join([*script, _USED]), shared, mounts)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1:4] == _EXPECTED[:3]


def test_a_container_is_built() -> None:
    builder = next((name for name in ("podman", "buildah", "docker") if shutil.which(name)), None)
    if builder is None or subprocess.run([builder, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no program that builds containers works here")
    subprocess.run([builder, "build", "-f", str(CONTAINERFILE), str(ROOT)], check=True, capture_output=True)
