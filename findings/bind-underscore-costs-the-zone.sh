#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# BIND and an address record whose name has an underscore, as people call their antennas: as named loads it, the whole
# primary zone is refused for it. named-checkzone, the program to try a zone with, takes it. "check-names ignore" in the
# zone's statement makes both agree.
set -eu

VERSION=1:9.18.49-1~deb12u1 # Debian 12, amd64
LIBRARIES='libjemalloc2=5.3.0-1 libmaxminddb0=1.7.1-1 libfstrm0=0.6.1-1 libprotobuf-c1=1.4.1-1+b1 liblmdb0=0.9.24-1'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck disable=SC2086
apt-get download -qq -o APT::Sandbox::User=root "bind9-utils=$VERSION" "bind9-libs=$VERSION" $LIBRARIES >/dev/null
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH="$work/usr/lib/x86_64-linux-gnu"

cat >zone <<'ZONE'
$TTL 3600
@ IN SOA ns root 1 3600 600 86400 3600
@ IN NS ns
ns IN A 10.0.0.1
north_roof IN A 10.0.0.2
ZONE

# $1: more of the zone's statement. Prints 0 when named would load it.
load() {
	echo "zone \"example.net\" { type primary; file \"$work/zone\"; $1 };" >named.conf
	code=0
	./usr/bin/named-checkconf -z named.conf >load.log 2>&1 || code=$?
	echo $code
}
plain=$(load '')
said=$(grep -m 1 check-names load.log)
ignored=$(load 'check-names ignore;')
checked=0
./usr/bin/named-checkzone example.net zone >/dev/null 2>&1 || checked=$?
echo "bind9 $VERSION, a zone with the record: north_roof IN A 10.0.0.2"
echo "as named loads it (named-checkconf -z): $plain, $said"
echo "with check-names ignore: $ignored"
echo "named-checkzone: $checked"
[ "$plain" -ne 0 ] && [ "$ignored" -eq 0 ] && [ "$checked" -eq 0 ]
