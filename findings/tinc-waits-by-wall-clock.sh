#!/bin/bash
# tinc 1.0.36: what tincd waits for, such as its next call of a host that was not there, is a time of the wall clock. With
# the clock set back an hour it waits an hour more, as a box does whose clock was in local time. SIGALRM ends the wait.
# tincd alone, with a port of loopback that nobody listens at, in a network namespace; the clock is libfaketime's.
# Needs root and Debian 12's APT.
set -euo pipefail
work=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait 2>/dev/null || true
    ip netns del finding-clock 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
apt-get download -q tinc=1.0.36-2+b2 liblzo2-2=2.10-2 libfaketime=0.9.10-2.1 >apt.log 2>&1 || { cat apt.log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$work/root" -name 'liblzo2.so.2')")
LD_LIBRARY_PATH=$libraries root/usr/sbin/tincd --version | head -n 1

ip netns add finding-clock
ip -n finding-clock link set lo up
mkdir -p net/hosts
openssl genrsa -traditional -out net/rsa_key.priv 2048 2>/dev/null
openssl rsa -in net/rsa_key.priv -RSAPublicKey_out -out net/hosts/one 2>/dev/null
{ printf 'Address = 127.0.0.1\nPort = 9\n'; cat net/hosts/one; } >net/hosts/two
printf 'Name = one\nConnectTo = two\nDeviceType = dummy\n' >net/tinc.conf

echo "+0" >clock
LD_LIBRARY_PATH=$libraries LD_PRELOAD=$(find "$work/root" -name libfaketime.so.1) FAKETIME_NO_CACHE=1 \
    DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE=$work/clock ip netns exec finding-clock \
    root/usr/sbin/tincd --config net --pidfile tinc.pid --no-detach --debug=1 >log 2>&1 &
pid=$!
calls() { grep -c "Trying to re-establish outgoing connection" log || true; }
for _ in $(seq 600); do [ "$(calls)" -ge 1 ] && break; sleep 0.1; done
[ "$(calls)" -ge 1 ] || { cat log; exit 1; }
grep "Trying to re-establish" log | tail -n 1
echo "-1h" >clock
before=$(calls)
sleep 30
echo "clock an hour back, 30 s later: $(($(calls) - before)) calls (by its own word there should be two or more)"
[ "$(calls)" = "$before" ]
kill -ALRM "$(cat tinc.pid)"
for _ in $(seq 100); do [ "$(calls)" -gt "$before" ] && break; sleep 0.1; done
echo "SIGALRM: $(($(calls) - before)) call"
[ "$(calls)" -gt "$before" ]
echo "as expected"
