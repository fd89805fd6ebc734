#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# avahi-daemon and two files of services with one name and type and different ports, such as two ports of one program:
# one of them is dropped, although services of programs that meet by D-Bus are renamed in that case. Needs root, for
# network and mounts of its own.
set -eu

VERSION=0.8-10+deb12u1 # Debian 12, amd64
DAEMON=0.14-7.1
[ "${1-}" = inside ] || {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	apt-get download -qq -o APT::Sandbox::User=root "avahi-daemon=$VERSION" "libavahi-core7=$VERSION" \
		"libavahi-common3=$VERSION" "libdaemon0=$DAEMON" >/dev/null
	for package in *.deb; do dpkg -x "$package" .; done
	unshare --net --mount --pid --fork sh "$(cd "$OLDPWD" && realpath "$0")" inside "$work"
	exit
}

cd "$2"
ip link set lo up
ip link add lan type veth peer name other
ip link set other up
ip address add 10.0.0.1/24 dev lan
ip link set lan up
mkdir services
for port in 8081 8082; do
	cat >"services/program-$port.service" <<-SERVICE
		<?xml version="1.0"?>
		<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
		<service-group>
		<name>Program</name>
		<service><type>_http._tcp</type><port>$port</port></service>
		</service-group>
	SERVICE
done
printf '[server]\nhost-name=one\nuse-ipv6=no\nallow-interfaces=lan\nenable-dbus=no\n' >avahi.conf
# The places that are compiled in.
for place in /etc /run; do mount -t tmpfs tmpfs "$place"; done
echo 'avahi:x:0:0::/:/bin/sh' >/etc/passwd
echo 'avahi:x:0:' >/etc/group
mkdir -p /etc/avahi /run/avahi-daemon
ln -s "$2/services" /etc/avahi/services
LD_LIBRARY_PATH="$2/usr/lib/x86_64-linux-gnu" ./usr/sbin/avahi-daemon --no-drop-root --no-chroot --no-rlimits \
	--file="$2/avahi.conf" >avahi.log 2>&1 &
daemon=$!
while kill -0 $daemon 2>/dev/null && ! grep -q 'Service "Program".* successfully established' avahi.log; do sleep 0.2; done
kill $daemon
wait $daemon || true
echo "avahi-daemon $VERSION, two files: Program _http._tcp 8081, Program _http._tcp 8082"
grep -E 'Program|program-' avahi.log
[ "$(grep -c 'successfully established' avahi.log)" -eq 1 ] && grep -q 'Failed to add service.*collision' avahi.log
