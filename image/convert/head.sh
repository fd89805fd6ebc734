#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Community Box @version@: turns a machine that runs Debian 13 (@architecture@) into a box, in place.
#
#   sudo sh THIS-FILE             shows what will change, asks, and goes on to the set-up
#   sudo sh THIS-FILE --help      the rest
#
# Behind this script follow the packages, so no network is needed. dpkg is what makes it safe to be interrupted, to be
# run twice and to be taken back: all that is laid down belongs to one package, community-box.
set -eu

version='@version@'
revision='@revision@'
architecture='@architecture@'
release='@release@'
# Where the packages begin in this file, how long they are, in bytes, and their sum.
payload_at=@payload_at@
payload_bytes=@payload_bytes@
payload_sha256='@payload_sha256@'

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8
# For the tests: another place to look for the files of the machine, and programs that go before its own.
root=${CBOX_CONVERT_ROOT:-}
PATH=${CBOX_CONVERT_PATH:+$CBOX_CONVERT_PATH:}$PATH

state=$root/var/lib/community-box
record=$state/convert/packages-before
kit=$state/convert/kit
log=$root/var/log/community-box/convert.log

say() { printf '%s\n' "$*"; }

# refuse CODE SENTENCE FOUND HINT: the same form as everywhere in the project.
refuse() {
	{
		say "error: $2 [$1]"
		[ -z "$3" ] || say "found: $3"
		say "hint:  $4"
	} >&2
	exit 1
}

usage() {
	cat <<-END
		usage: sudo sh $0 [--dry-run] [--yes] [--no-setup] [--answers FILE]

		Turns this Debian 13 ($architecture) into a Community Box $version. What will change is shown first.

		  --dry-run       only show what would change
		  --yes           do not ask
		  --no-setup      do not begin the set-up when done
		  --answers FILE  set the box up by this answers file, without questions
	END
}

dry_run=false yes=false setup=true answers=
while [ $# -gt 0 ]; do
	case $1 in
	--dry-run) dry_run=true ;;
	--yes) yes=true ;;
	--no-setup) setup=false ;;
	--answers)
		[ $# -gt 1 ] || { usage >&2; exit 2; }
		answers=$2
		shift
		;;
	--help | -h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Of the file os-release.
about() { (. "$root/etc/os-release" 2>/dev/null && eval "printf '%s' \"\${$1:-}\""); }

# --- Will it do? ---------------------------------------------------------------------------------------------------

check_machine() {
	[ "$(id -u)" = 0 ] ||
		refuse root-needed "Only root can do this." "" "sudo sh $0"
	[ -z "$answers" ] || [ -r "$answers" ] ||
		refuse answers-unreadable "The answers file cannot be read." "$answers" "look at its name, and where it is"
	# A Raspberry Pi OS of 64 bit calls itself debian, one of 32 bit raspbian.
	[ "$(about ID)" = debian ] && [ "$(about VERSION_CODENAME)" = "$release" ] ||
		refuse convert-release "Only Debian 13 (trixie) and Raspberry Pi OS on it, 64-bit, can be turned into a box." \
			"$(about PRETTY_NAME)" "upgrade the system first, or write an image of the box to a card or a disk"
	found=$(dpkg --print-architecture)
	[ "$found" = "$architecture" ] ||
		refuse convert-architecture "This file is for another kind of processor." "$found, not $architecture" \
			"take the file that ends in convert-$found.run, if there is one"
	[ -d "$root/run/systemd/system" ] ||
		refuse convert-init "This system was not started by systemd." "no /run/systemd/system" \
			"run this file on the running machine itself, not in a chroot or a container without systemd"
	if [ -e "$root/usr/lib/community-box/image.json" ] && ! dpkg-query -W community-box >/dev/null 2>&1; then
		refuse convert-is-box "This machine is a Community Box already: it started as an image of it." \
			"/usr/lib/community-box/image.json" "sudo cbox status"
	fi
}

check_file() {
	size=$(($(wc -c <"$0") - payload_at + 1))
	[ "$size" = "$payload_bytes" ] ||
		refuse convert-damaged "This file is not complete." "$size bytes of packages, not $payload_bytes" \
			"copy or download it again"
	payload | sha256sum | grep -q "^$payload_sha256 " ||
		refuse convert-damaged "This file is damaged." "its packages have another SHA-256" \
			"copy or download it again"
}

payload() { tail -c "+$payload_at" "$0"; }

check_before() {
	there=$(dpkg-query -W -f '${Version}' community-box 2>/dev/null || true)
	if [ -n "$there" ] && dpkg --compare-versions "$there" gt "$version"; then
		refuse convert-newer "A newer version is on this machine." "$there, and this file brings $version" \
			"take a newer file, or leave it as it is"
	fi
	[ -e "$record" ] && return
	# Nothing of ours has begun: what is in the way was so before.
	[ -z "$(dpkg --audit)" ] ||
		refuse convert-dpkg "The package system of this machine is in the middle of something." \
			"$(dpkg --audit | tail -n 1)" "sudo dpkg --configure -a && sudo apt-get --fix-broken install"
	[ ! -d "$root/var/lib/incus/database" ] ||
		refuse convert-incus "Incus is in use on this machine; the box would need it for itself." \
			"/var/lib/incus/database" "run the box as a container in your Incus: docs/boxes/container-amd64.md"
}

# need DIRECTORY KIB WHAT
need() {
	free=$(df -Pk "$root$1" | awk 'END { print $4 }')
	[ "$free" -ge "$2" ] ||
		refuse convert-space "There is too little room on the disk $3." \
			"$((free / 1024)) MiB free in $1, $(($2 / 1024)) MiB needed" "make room and run this file again: df -h"
}

# --- What will change ----------------------------------------------------------------------------------------------

# The machine's own package lists are left as they are.
apt_options="-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$kit/sources
 -o Dir::State::Lists=$kit/lists -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
 -o APT::Install-Recommends=false -o APT::Get::Remove=false -o APT::Update::Error-Mode=any
 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120"

# Packages enable their units when they are installed; nothing is started before the set-up wants it. Nobody is asked:
# not by debconf, by ucf, or by what an owner may have hooked into APT (needrestart, apt-listchanges, apt-listbugs).
quiet() {
	DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none \
		APT_LISTBUGS_FRONTEND=none SYSTEMD_OFFLINE=1 "$@" </dev/null
}

# shellcheck disable=SC2086 # words of the options
apt() { quiet apt-get $apt_options "$@"; }

unpack_kit() {
	rm -rf "$kit"
	mkdir -p "$kit/sources" "$kit/lists/partial"
	need /var $((payload_bytes / 1024 + 65536)) "to unpack this file"
	payload | tar -x -C "$kit"
	# As APT's own user reads them.
	chmod 755 "$state" "$state/convert" "$kit"
	say "deb [trusted=yes] file:$kit/repository $release main" >"$kit/sources/kit.list"
}

simulate() {
	{ apt -qq update && apt --simulate --fix-broken install "$kit/community-box.deb"; } >"$kit/plan" 2>"$kit/trouble"
}

# What APT would do, in the file "plan". First with the packages in this file alone; a machine with newer ones of its own
# may need more of the same age, which only its own sources have.
resolve() {
	simulate && return
	say "Some packages must come from where this machine gets its own: asking there." >&2
	cp "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$kit/sources/" 2>/dev/null || true
	simulate ||
		refuse convert-packages "The packages of the box do not go together with those of this machine." \
			"$(grep '^E:' "$kit/trouble" | tail -n 1)" "sudo apt update && sudo apt full-upgrade, then run this file again"
}

# Names in the plan: "new", or "newer" for those that are there in an older version.
planned() {
	case $1 in
	new) sed -n 's/^Inst \([^ ]*\) (.*/\1/p' "$kit/plan" ;;
	newer) sed -n 's/^Inst \([^ ]*\) \[.*/\1/p' "$kit/plan" ;;
	esac | grep -vx community-box | sort
}

# Installed-Size of all in the plan, in KiB.
planned_kib() {
	sed -n 's/^Inst \([^ ]*\) .*/\1/p' "$kit/plan" | awk '
		NR == FNR { want[$1] = 1; next }
		/^Package: / { name = $2 }
		/^Installed-Size: / && name in want { sum += $2 }
		END { print sum + 0 }' - "$kit"/repository/dists/*/main/*/Packages "$kit/control"
}

# Files of the package, as /usr/bin/cbox.
files() { dpkg-deb --fsys-tarfile "$kit/community-box.deb" | tar -t | sed -n 's/^\.\(\/.*[^/]\)$/\1/p'; }

check_files() {
	for file in $(files); do
		[ -e "$root$file" ] || continue
		owner=$(dpkg-query -S "$file" 2>/dev/null | cut -d: -f1)
		[ "$owner" = community-box ] ||
			refuse convert-file "A file of this machine is where the box needs to put its own." \
				"$file (${owner:-of no package})" "move it to another name and run this file again"
	done
}

network() {
	for unit in NetworkManager systemd-networkd networking connman; do
		if systemctl -q is-active "$unit.service" 2>/dev/null; then say "$unit"; return; fi
	done
	say unchanged
}

# Words, four columns in.
listed() { tr '\n' ' ' | fold -s -w 72 | sed 's/^/    /; s/ *$//'; }

show_plan() {
	new=$(planned new) newer=$(planned newer)
	say "Community Box $version"
	say "This machine: $(about PRETTY_NAME), $architecture, $(uname -n)"
	say ""
	say "What stays as it is:"
	say "    accounts and passwords, SSH, name and time zone, network ($(network)),"
	say "    kernel, how it starts, its consoles and its partitions"
	if [ -n "$new" ]; then
		say "Installed, from this file ($(($(planned_kib) / 1024)) MiB on the disk):"
		printf 'community-box\n%s\n' "$new" | listed
		say ""
	else
		say "Installed, from this file: community-box, in place of ${there:-none}"
	fi
	if [ -n "$newer" ]; then
		say "Brought up to date, since these need it:"
		printf '%s\n' "$newer" | listed
		say ""
	fi
	say "Files of the package community-box; no other file is changed or replaced:"
	files | sed 's,^\(/usr/lib/community-box\|/usr/share/community-box\|/usr/lib/systemd/system\)/.*,\1/,' |
		sort -u | listed
	say ""
	say "Off until the set-up wants them: Incus, Serf, tinc, Avahi, where they are new"
	say "Kernel settings: fs.inotify.max_user_instances = 1024"
	notes
	say ""
}

notes() {
	memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' "$root/proc/meminfo" 2>/dev/null || say 0)
	[ "${memory:-0}" -ge 900 ] || say "Note: with $memory MiB of memory the box will have no contexts."
	if ! grep -qw memory "$root/sys/fs/cgroup/cgroup.controllers" 2>/dev/null; then
		say "Note: the kernel was started without limits of memory. On a Raspberry Pi, put"
		say "    cgroup_enable=memory at the end of the line in /boot/firmware/cmdline.txt"
		say "    and restart, before the set-up makes contexts."
	fi
}

confirm() {
	$yes && return
	[ -t 0 ] || refuse terminal-needed "The question needs a terminal." "" "--yes answers it"
	printf 'Nothing is changed yet. Type yes to go on: '
	read -r reply || reply=
	[ "$reply" = yes ] && return
	say "Nothing was changed."
	exit 1
}

# --- The change ----------------------------------------------------------------------------------------------------

# What was installed before the first change: what came later is switched off, and may be taken away again.
remember() {
	[ -e "$record" ] && return
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort >"$record.new"
	sync "$record.new"
	mv "$record.new" "$record"
	sync "$state/convert"
}

# Lines of the plan that begin with a word.
count() { grep -c "^$1 " "$kit/plan" || true; }

# Of what APT and dpkg say: which package of how many. All of it goes into the log.
progress() {
	# After a cut some are there already, and some have to be set up once more than is planned.
	unpack=$(count Inst) set_up=$(count Conf) unpacked=0 ready=0
	while IFS= read -r line; do
		printf '%s\n' "$line" >&8
		word=${line#Unpacking } word=${word#Setting up } word=${word#Processing triggers for } word=${word%% *}
		case $line in
		'Need to get '*) say "    checking $unpack packages" ;;
		'Unpacking '*) say "    unpacking $((unpacked += 1)) of $unpack: $word" ;;
		'Setting up '*) say "    setting up $((ready += ready < set_up)) of $set_up: $word" ;;
		'Processing triggers for initramfs-tools '*) say "    making the initrd anew: minutes on a slow machine" ;;
		'Processing triggers for '*) say "    finishing: $word" ;;
		'Waiting for '* | 'E: '* | 'dpkg: '*) say "    $line" ;;
		esac
	done
}

# An earlier run may have been cut off anywhere. Triggers wait for the end: the initrd is made once.
install_packages() {
	quiet dpkg --configure -a --no-triggers --force-confdef --force-confold || true
	apt -y --fix-broken --reinstall install "$kit/community-box.deb" && touch "$kit/installed"
}

change() {
	remember
	mkdir -p "$(dirname "$log")"
	say ""
	exec 8>"$log"
	install_packages 2>&1 | progress
	exec 8>&-
	[ -e "$kit/installed" ] ||
		refuse convert-install "The packages could not be installed." "$(grep '^E: ' "$log" | tail -n 1)" \
			"look into $log, and run this file again: it goes on where it stopped"
	say "    writing all of it to the disk"
	sync
	systemctl daemon-reload || true
	[ "$(cat "$root/usr/lib/community-box/revision" 2>/dev/null)" = "$revision" ] && installed community-box ||
		refuse convert-install "The package community-box is not whole." "dpkg says another thing than APT" \
			"run this file again"
}

clean() {
	rm -rf "$kit"
	[ -e "$record" ] || rmdir "$state/convert" "$state" 2>/dev/null || true
}

begin_setup() {
	clean
	exec 9>&-
	if [ ! -e "$state/configured" ]; then
		if [ -n "$answers" ]; then exec cbox setup --answers "$answers"; fi
		if $setup && [ -t 0 ] && [ -t 1 ]; then exec cbox setup; fi
		say "The set-up, when you like: sudo cbox setup"
	fi
	say "To take it back: sudo cbox reset --all, then sudo apt-get purge --autoremove community-box"
	exit 0
}

check_machine
exec 9>"$root/run/community-box-convert.lock"
flock -n 9 || refuse convert-busy "Another run of this file is going on." "" "wait until it has ended"
say "Looking at this file and this machine: a minute or two on a slow one."
check_file
check_before
if installed community-box && [ "$(cat "$root/usr/lib/community-box/revision" 2>/dev/null)" = "$revision" ]; then
	say "Nothing to do: Community Box $version is on this machine."
	$dry_run || begin_setup
	exit 0
fi
trap clean EXIT
trap 'exit 130' INT TERM HUP
unpack_kit
if [ -e "$record" ] && ! installed community-box; then
	say "A change that was begun here and not ended goes on."
fi
resolve
check_files
need / $(($(planned_kib) + 131072)) "for the packages"
show_plan
if $dry_run; then say "Nothing was changed."; exit 0; fi
confirm
change
say ""
say "Done: this machine has all that a Community Box has."
begin_setup
