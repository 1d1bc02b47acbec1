#!/bin/sh
# deb.sh [DIRECTORY]: build the Debian package of mxsweep in DIRECTORY; the default directory is dist.
#
# The package contains a virtual environment in /usr/lib/mxsweep, made with the system's /usr/bin/python3, and depends on
# that version of Python. This script needs dpkg-deb, python3-venv and access to PyPI.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
output=${1:-dist}
mkdir -p "$output"
output=$(cd "$output" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
umask 022

root=$stage/root
lib=$root/usr/lib/mxsweep
doc=$root/usr/share/doc/mxsweep
mkdir -p "$root/DEBIAN" "$root/usr/bin" "$doc/examples" "$root/usr/lib/systemd/system" "$root/etc/mxsweep"

sh "$source/packaging/venv.sh" "$source" /usr/lib/mxsweep "$root"
python=$lib/bin/python3
version=$("$python" -c 'import scanner; print(scanner.__version__.replace(".dev", "~dev"))')
ln -s ../lib/mxsweep/bin/mxsweep "$root/usr/bin/mxsweep"

"$python" "$source/packaging/man.py" "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
for shell in bash:bash-completion/completions/mxsweep zsh:zsh/vendor-completions/_mxsweep fish:fish/vendor_completions.d/mxsweep.fish; do
	file=$root/usr/share/${shell#*:}
	mkdir -p "$(dirname "$file")"
	_MXSWEEP_COMPLETE=${shell%%:*}_source "$python" -c 'import sys; sys.argv = ["mxsweep"]; from scanner.cli import main; main()' >"$file"
done

cp "$source"/packaging/systemd/mxsweep* "$root/usr/lib/systemd/system/"
install -m 755 "$source/packaging/mxsweep-nightly" "$root/usr/bin/"
cp "$source/packaging/scan.toml" "$root/etc/mxsweep/"
cp "$source/packaging/cron/mxsweep" "$doc/examples/cron"
cp "$source/LICENSE" "$doc/copyright"
cp "$source/README.md" "$source/docs/nightly.md" "$doc/"
gzip -9nc "$source/CHANGELOG.md" >"$doc/changelog.gz"

series=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$("$python" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
echo /etc/mxsweep/scan.toml >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<CONTROL
Package: mxsweep
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: the authors of mxsweep <root@localhost>
Section: mail
Priority: optional
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: python3 (>= $series), python3 (<< $next), ca-certificates, passwd
Recommends: unbound, bsd-mailx | mailx
Description: test of the transport security of mail domains
 mxsweep determines for one mail domain or for millions of domains whether mail
 is sent over TLS, how the server is authenticated, and the causes of failures.
 mxsweep looks up MX and TLSA records, connects to the mail servers, judges DANE
 and PKIX, and writes reports.
CONTROL
cat >"$root/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
	if ! getent passwd mxsweep >/dev/null; then
		useradd --system --home-dir /var/lib/mxsweep --shell /usr/sbin/nologin mxsweep
	fi
	install -d -o mxsweep /var/lib/mxsweep
	if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
fi
SCRIPT
cat >"$root/DEBIAN/postrm" <<'SCRIPT'
#!/bin/sh
set -e
# Python may have written compiled modules beside the files of the package, which dpkg does not remove.
if [ "$1" = remove ]; then
	rm -rf /usr/lib/mxsweep
fi
SCRIPT
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/postrm"

file=$output/mxsweep_${version}_$(dpkg --print-architecture).deb
dpkg-deb --root-owner-group -Zxz -z1 --build "$root" "$file" >/dev/null
echo "$file"
