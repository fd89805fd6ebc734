#!/bin/sh
# docker compose: a variable that is not set, as the address of a port, publishes the port at every address.
#
# Valid input: ports: ["${BIND}:5432:5432"], with BIND set in .env on one machine and forgotten on the next.
# One would think: an error, or no port. Seen: a warning about a blank string on standard error, exit code 0, and a
# port without host_ip, which is the form for every address.
set -eu
VERSION=2.26.1-4
RELEASE=trixie

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
mkdir -p "$top/lists/partial" "$top/archives/partial" "$top/empty" "$top/project"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' | sed -n 's/ Debian Debian$//p' | sort -u | head -n 1)
[ -n "$mirror" ] || { echo "This machine's APT has no archive of Debian." >&2; exit 2; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror $RELEASE main" >"$top/sources.list"
apt() {
	command apt-get -qq -o Dir::Etc::SourceList="$top/sources.list" -o Dir::Etc::SourceParts="$top/empty" \
		-o Dir::State::Lists="$top/lists" -o Dir::Cache::Archives="$top/archives" -o Dir::Cache::pkgcache= \
		-o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
apt update
(cd "$top" && apt download "docker-compose=$VERSION" && dpkg -x docker-compose_*.deb root)

cat >"$top/project/compose.yaml" <<'YAML'
services:
  db:
    image: postgres:16
    ports: ["${BIND}:5432:5432"]
YAML
compose=$top/root/usr/libexec/docker/cli-plugins/docker-compose
echo "docker-compose $VERSION: $("$compose" version)"
code=0
env -u BIND "$compose" --project-directory "$top/project" config --format json >"$top/out" 2>"$top/err" || code=$?
cat "$top/err" "$top/out"
echo "exit code: $code"
if [ "$code" = 0 ] && grep -q '"published": "5432"' "$top/out" && ! grep -q host_ip "$top/out" && grep -q 'BIND.*not set' "$top/err"; then
	echo "as noted: published at every address"
else
	echo "it behaves otherwise now" >&2
	exit 1
fi
