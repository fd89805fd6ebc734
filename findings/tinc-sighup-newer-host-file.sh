#!/bin/bash
# tinc 1.0.36: on SIGHUP tincd ends the connection to every host whose file is newer than its last look, with the same
# content, too. Whoever writes all files anew each time cuts all connections each time.
# Two network namespaces with nothing but each other. Needs root and Debian 12's APT.
set -euo pipefail
work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for node in one two; do ip netns del "finding-$node" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
apt-get download -q tinc=1.0.36-2+b2 liblzo2-2=2.10-2 >apt.log 2>&1 || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$work/root" -name 'liblzo2.so.2')")
LD_LIBRARY_PATH=$libraries root/usr/sbin/tincd --version | head -n 1

for node in one two; do
    ip netns add "finding-$node"
    mkdir -p "$node/hosts"
    openssl genrsa -traditional -out "$node/rsa_key.priv" 2048 2>/dev/null
    openssl rsa -in "$node/rsa_key.priv" -RSAPublicKey_out -out "$node.pub" 2>/dev/null
    printf 'Name = %s\nMode = switch\nInterface = finding\n' "$node" >"$node/tinc.conf"
done
echo "ConnectTo = one" >>two/tinc.conf
ip link add one netns finding-one type veth peer name two netns finding-two
ip -n finding-one address add 192.0.2.1/24 dev one
ip -n finding-two address add 192.0.2.2/24 dev two
ip -n finding-one link set one up
ip -n finding-two link set two up
{ echo "Address = 192.0.2.1"; cat one.pub; } >one/hosts/one
cp two.pub one/hosts/two
cp one/hosts/one one/hosts/two two/hosts/

start() {
    LD_LIBRARY_PATH=$libraries ip netns exec "finding-$1" "$work/root/usr/sbin/tincd" --config "$work/$1" \
        --pidfile "$work/$1.pid" --no-detach --debug=1 >"$1.log" 2>&1 &
    pids+=($!)
}
# Waits until a file has so many lines with a text.
until_lines() {
    for _ in $(seq 600); do
        [ "$(grep -c "$2" "$1" || true)" -ge "$3" ] && return
        sleep 0.1
    done
    echo "no \"$2\" in $1:" && cat "$1" && exit 1
}
start one
until_lines one.log Ready 1
start two
until_lines one.log activated 1

# tincd compares whole seconds.
sleep 2
kill -HUP "$(cat one.pid)"
until_lines one.log "HUP signal" 1
sleep 2
echo "SIGHUP, files untouched:             $(grep -c 'Closing connection with two' one.log || true) connections closed"
[ "$(grep -c 'Closing connection with two' one.log || true)" = 0 ]
touch one/hosts/two
kill -HUP "$(cat one.pid)"
until_lines one.log "Closing connection with two" 1
echo "SIGHUP, host file touched, same text: 1 connection closed"
until_lines one.log activated 2
echo "as expected"
