"""The released version 0.1.0 in an environment of its own, for comparisons in one benchmark run.

Its source is taken from the repository's history and installed with the libraries that its own ``pyproject.toml`` asks
for. The environment is kept below ``XDG_CACHE_HOME`` and used again. The first run needs a package registry.
"""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.bench.model import Row

COMMIT = "e2b8b6d"
VERSION = "0.1.0"
_ROOT = Path(__file__).parents[2]


def python() -> Path:
    """Return the Python of the environment of version 0.1.0, which is made where it does not exist.

    Raises:
        RuntimeError: the history is not there (a shallow clone), or the version cannot be installed or does not run.
    """
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mxsweep-bench" / VERSION
    program = place / "environment" / "bin" / "python"
    if not (place / "ready").exists():
        source = place / "source"
        source.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(_output("git", "-C", str(_ROOT), "archive", COMMIT))) as archive:
            archive.extractall(source, filter="data")
        _output(sys.executable, "-m", "venv", str(place / "environment"))
        _output(str(program), "-m", "pip", "install", "--quiet", str(source))
        (place / "ready").touch()
    said = _output(*mxsweep(program), "--version").decode().split()
    if said[-1:] != [VERSION]:
        raise RuntimeError(f"{program} runs version {said}, not {VERSION}")
    return program


def mxsweep(program: Path) -> tuple[str, ...]:
    """Return the command of the mxsweep that is installed beside a Python.

    Without ``-P``, Python would import the checkout in the current directory in place of the installed version.
    """
    return (str(program), "-P", "-m", "scanner")


def _output(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def compared(name: str, costs: tuple[float, float], target: float) -> Row:
    """Return a row with the cost now divided by the cost of version 0.1.0; both are in seconds of processor time."""
    now, before = costs
    ratio = now / before
    value = f"{now * 1000:.3f} ms, {before * 1000:.3f} ms in {VERSION}: {ratio:.2f}"
    return Row(name, value, f"at most {target:.2f}", ratio <= target)
