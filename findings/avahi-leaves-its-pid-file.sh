#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# avahi-daemon that is ended together with its helper, as systemd ends all processes of a unit: its pid file stays, since
# it is the helper that removes it. Started anew where processes are numbered from 1, as in a container, the number is often
# that of another process, which the daemon takes for one of its kind. Needs root, for network, mounts and processes of its
# own.
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
	chmod 755 "$work"
	unshare --net --mount --pid --fork --mount-proc sh "$(cd "$OLDPWD" && realpath "$0")" inside "$work"
	exit
}

cd "$2"
ip link set lo up
printf '[server]\nhost-name=one\nuse-ipv6=no\nenable-dbus=no\n' >avahi.conf
# The places that are compiled in.
for place in /etc /run; do mount -t tmpfs tmpfs "$place"; done
echo 'root:x:0:0::/:/bin/sh
avahi:x:65534:65534::/:/bin/sh' >/etc/passwd
echo 'avahi:x:65534:' >/etc/group
mkdir -p /etc/avahi/services
start() {
	export LD_LIBRARY_PATH="$PWD/usr/lib/x86_64-linux-gnu"
	exec ./usr/sbin/avahi-daemon --no-rlimits --file="$PWD/avahi.conf" >avahi.log 2>&1
}
# start_and_end WHOM: the daemon alone, or all of its processes.
start_and_end() {
	start &
	daemon=$!
	while kill -0 $daemon 2>/dev/null && ! grep -q 'Server startup complete' avahi.log; do sleep 0.2; done
	helper=$(cat "/proc/$daemon/task/$daemon/children")
	case $1 in
	daemon) kill $daemon ;;
	all) kill $helper $daemon ;;
	esac
	wait $daemon || true
}
start_and_end daemon
echo "avahi-daemon $VERSION, ended alone: $(ls /run/avahi-daemon)"
[ ! -e /run/avahi-daemon/pid ]
start_and_end all
echo "ended with its helper: $(ls /run/avahi-daemon)"
[ -e /run/avahi-daemon/pid ]
# A process that has the number of the daemon of before: this shell's.
echo $$ >/run/avahi-daemon/pid
code=0
(start) || code=$?
echo "started while another process has that number: exit code $code, $(cat avahi.log)"
[ $code -ne 0 ] && grep -q 'already running' avahi.log
