"""A copy-on-write view of this machine's file system, in which programs run as root without changing the machine."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# The view exists in a mount namespace of the command, and ends with it.
_SCRIPT = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mkdir -p "$1/root/test"
mount --bind "$2" "$1/root/test"
exec chroot "$1/root" sh -euc "$3"
"""

_PROBE = """
d=$(mktemp -d) && mount -t tmpfs tmpfs $d && mkdir $d/u $d/w $d/r &&
mount -t overlay overlay -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/r
s=$?
umount -R $d
rmdir $d
exit $s
"""


def missing(*programs: str) -> str:
    """Return why the view cannot be used here, or an empty text; ``programs`` are needed in it."""
    absent = [program for program in (*programs, "unshare", "chroot") if shutil.which(program) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "needs root"
    probe = subprocess.run(["unshare", "-m", "sh", "-c", _PROBE], capture_output=True, text=True, check=False)
    return f"no overlay file system: {probe.stderr.strip()}" if probe.returncode else ""


def run(script: str, shared: Path, place: Path) -> "subprocess.CompletedProcess[str]":
    """Run a shell script in a new view, which ends at the first command that fails.

    Args:
        script: the script.
        shared: a directory of the machine, mounted as /test.
        place: an empty directory for the mounts.
    """
    command: Sequence[str] = ["unshare", "-m", "-p", "-f", "sh", "-c", _SCRIPT, "sh", str(place), str(shared), script]
    return subprocess.run(command, capture_output=True, text=True, check=False)
