#!/bin/sh
# Installs the Debian packages that the lab, its bulk server, the parity tests and the tests of pages, clocks and shell
# completion need, if any is missing.
# Their daemons are not started: the lab runs its own copies in its own namespaces.
set -eu

PACKAGES="postfix knot unbound ldnsutils bind9-dnsutils iproute2 util-linux uidmap faketime chromium chromium-driver
    gcc libc6-dev libssl-dev fish gnutls-bin openssl zsh"
missing=""
for package in $PACKAGES; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "the lab needs what Debian calls:$missing" >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "ask an administrator to install:$missing" >&2; exit 1; }
    sudo="sudo"
fi

echo "installing$missing"
# Keeps invoke-rc.d from starting what was installed; a policy that is there already stays.
policy=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
    made=yes
fi
status=0
$sudo apt-get update -qq &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || status=$?
[ -z "$made" ] || $sudo rm -f "$policy"
exit "$status"
