#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# cat of coreutils from one file into another on btrfs: the data are cloned (copy_file_range), so that the copy takes no
# room. Who fills a file system so, to see where a limit is, never comes to it. Appending (>>) copies.
# Needs root, and btrfs in the kernel.
set -eu

VERSION=9.1-1          # coreutils, Debian 12, amd64
BTRFS=6.2-1+deb12u2    # btrfs-progs, only to make the file system
work=$(mktemp -d)
trap 'umount "$work/disk" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/download" "$work/root" "$work/disk"
cd "$work/download"
apt-get download -qq -o APT::Sandbox::User=root "coreutils=$VERSION" "btrfs-progs=$BTRFS" "liblzo2-2" >/dev/null
for package in *.deb; do dpkg -x "$package" "$work/root"; done
libraries="$work/root/lib/x86_64-linux-gnu:$work/root/usr/lib/x86_64-linux-gnu"
cat="$work/root/bin/cat"

truncate --size=512M "$work/file"
mkfs=$(find "$work/root" -name mkfs.btrfs)
env LD_LIBRARY_PATH="$libraries" "$mkfs" --quiet "$work/file" >/dev/null 2>&1
mount -t btrfs -o loop "$work/file" "$work/disk"
cd "$work/disk"
head -c 4M /dev/urandom >seed
used() {
	sync --file-system .
	df --output=used --block-size=1M . | tail -n 1
}
before=$(used)
for _ in $(seq 25); do "$cat" seed; done >written
written=$(($(used) - before))
before=$(used)
for _ in $(seq 25); do "$cat" seed >>appended; done
appended=$(($(used) - before))
sizes=$(stat --format=%s written appended | tr '\n' ' ')
cd /
echo "coreutils $VERSION on btrfs, 100 MiB of random data by cat from a file of 4 MiB (sizes: $sizes)"
echo "written to a file:  $written MiB more in use"
echo "appended to a file: $appended MiB more in use"
[ "$written" -lt 10 ] && [ "$appended" -gt 90 ]
