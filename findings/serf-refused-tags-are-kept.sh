#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Serf with a tags_file: "serf tags -set" that the agent refuses, because all tags together are over 512 bytes, has been
# written into the file already. The agent runs on without them, and does not start from that file again.
set -eu

VERSION=0.9.4~ds1-1+b13 # Debian 12, amd64
work=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root "serf=$VERSION" >/dev/null
dpkg -x ./*.deb .
rpc=127.0.0.1:17373

# Starts the agent; returns when it answers or has ended.
start() {
	./usr/bin/serf agent -node=one -bind=127.0.0.1:17946 -rpc-addr=$rpc -tags-file=tags.json >agent.log 2>&1 &
	agent=$!
	while kill -0 $agent 2>/dev/null && ! ./usr/bin/serf info -rpc-addr=$rpc >/dev/null 2>&1; do sleep 0.2; done
}

start
long=$(printf '%0600d' 0)
set_code=0
./usr/bin/serf tags -rpc-addr=$rpc -set "note=$long" >set.log 2>&1 || set_code=$?
now=$(./usr/bin/serf info -rpc-addr=$rpc | grep -c "$long" || true)
kept=$(grep -c "$long" tags.json || true)
kill -INT $agent
wait $agent || true
start
again_code=0
wait $agent || again_code=$?
echo "serf $VERSION: setting a tag of 600 bytes ends with $set_code: $(tail -n 1 set.log)"
echo "the tag is with the agent: $now, in its file: $kept"
echo "started again it ends with $again_code: $(tail -n 1 agent.log)"
[ "$set_code" -ne 0 ] && [ "$now" -eq 0 ] && [ "$kept" -eq 1 ] && [ "$again_code" -ne 0 ]
