#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# mke2fs on a sparse file of tmpfs: what it zeroes (inode tables, journal) becomes holes, although it was told to write it
# (lazy_itable_init=0, nodiscard). A tool that copies only data (bmaptool, cp --sparse) then leaves it out, and a disk
# keeps what it held there. UNIX_IO_NOZEROOUT=1 makes it write zeros.
set -eu

VERSION=1.47.0-2+b2 # Debian 12, amd64
work=$(mktemp -d)
memory=$(mktemp -d /dev/shm/mke2fs.XXXXXX)
trap 'rm -rf "$work" "$memory"' EXIT
[ "$(stat -f -c %T "$memory")" = tmpfs ] || { echo "needs tmpfs at /dev/shm"; exit 2; }
mkdir "$work/download" "$work/root"
cd "$work/download"
apt-get download -qq -o APT::Sandbox::User=root "e2fsprogs=$VERSION" "libext2fs2=$VERSION" >/dev/null
for package in *.deb; do dpkg -x "$package" "$work/root"; done

# $1: a setting. Prints the bytes of the file that are data.
make() {
	truncate --size=256M "$memory/disk"
	env "$1" E2FSPROGS_FAKE_TIME=1700000000 MKE2FS_CONFIG="$work/root/etc/mke2fs.conf" \
		LD_LIBRARY_PATH="$work/root/lib/x86_64-linux-gnu:$work/root/usr/lib/x86_64-linux-gnu" \
		"$work/root/sbin/mke2fs" -q -F -t ext4 -b 4096 -U 3e2bb6cc-12bf-4d8a-9a1c-5a0a0a3c0001 \
		-E lazy_itable_init=0,nodiscard,hash_seed=3e2bb6cc-12bf-4d8a-9a1c-5a0a0a3c0002 "$memory/disk"
	du --block-size=1 "$memory/disk" | cut -f 1
	rm "$memory/disk"
}
holes=$(make A=1)
data=$(make UNIX_IO_NOZEROOUT=1)
echo "e2fsprogs $VERSION, 256 MiB on tmpfs, inode tables and journal to be written"
echo "data as made by default:          $((holes / 1024)) KiB"
echo "data with UNIX_IO_NOZEROOUT=1:    $((data / 1024)) KiB"
# The journal of this size has 4096 blocks of 4 KiB.
[ "$holes" -lt 2097152 ] && [ "$data" -gt 16777216 ]
