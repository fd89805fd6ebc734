#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tzdata of Debian 13: zones under their older names (Europe/Kiev, US/Eastern, CET) have moved to tzdata-legacy, which is
# not installed by itself. The table tzdata.zi of tzdata still lists them as links, so what is read there and what can be
# set are not the same.
set -eu

VERSION=2026f-0+deb13u1 # Debian 13, all architectures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# From the mirror that this machine's own APT has, whatever release it runs.
mirror=$(apt-get indextargets --format '$(SITE) $(REPO_URI)' | sed -n 's/^[^ ]* //; /\/debian\/$/p' | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p lists/partial cache/archives/partial
echo "deb [signed-by=$keys] $mirror trixie main" >sources.list
options="-qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList=$work/sources.list -o Dir::Etc::SourceParts=/dev/null
	-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache"
# shellcheck disable=SC2086
apt-get $options update
# shellcheck disable=SC2086
apt-get $options download "tzdata=$VERSION"
dpkg -x tzdata_*.deb .
echo "tzdata $VERSION"
for name in Europe/Kiev Asia/Calcutta US/Eastern CET; do
	grep "^L [^ ]* $name\$" usr/share/zoneinfo/tzdata.zi
	[ ! -e "usr/share/zoneinfo/$name" ]
	echo "  and no file $name"
done
