#!/bin/sh
# venv.sh SOURCE DESTINATION [STAGE]: make the virtual environment of an installed mxsweep with the system's Python.
# The versions of the packages are those of requirements.lock. With STAGE, the environment is made in STAGE/DESTINATION,
# and its programs contain the path DESTINATION.
set -eu
source=$1
destination=$2
place=${3:-}$destination
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

/usr/bin/python3 -m venv --without-pip "$place"
/usr/bin/python3 -m venv "$work/pip"
# The names and versions without hashes: pip requires hashes of all requirements or of none, and mxsweep itself has none.
sed -n 's/^\([A-Za-z0-9._-]*==[^ ;\\]*\).*/\1/p' "$source/requirements.lock" >"$work/constraints.txt"
mkdir "$work/source"
cp -r "$source/scanner" "$source/targets" "$source/results" "$source/pyproject.toml" "$source/README.md" "$source/LICENSE" "$work/source/"
"$work/pip/bin/pip" --quiet --disable-pip-version-check --python "$place/bin/python" install --no-compile \
	--constraint "$work/constraints.txt" "$work/source[export]"

# Only the interpreter and mxsweep remain in bin; nothing uses the other programs.
find "$place/bin" -mindepth 1 ! -name 'python*' ! -name mxsweep -delete
sed -i "1s|^#!.*|#!$destination/bin/python3|" "$place/bin/mxsweep"
sed -i '/^command = /d' "$place/pyvenv.cfg"
find "$place" -name RECORD -path '*.dist-info/*' -exec sed -i '\|^\.\./\.\./\.\./bin/|d' {} +
/usr/bin/python3 -m compileall -q -j 0 -s "${3:-}" "$place/lib" >/dev/null || true # some files need other Python versions
