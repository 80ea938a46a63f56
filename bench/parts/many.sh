#!/bin/sh
# many.sh FOLDER COUNT ended|passed: so many connections that wait at one
# worker of postern-edge, TLS ended there or passed through, and whether it
# still serves, them and others.
#
# FOLDER holds chain.pem, key.pem and hello.bin, a TLS hello for the app's port
# 443; postern-edge, store_fill, tlsload and tlsserve are in PATH.  For a network
# namespace (or machine) of its own, as root; busybox is enough.  Prints a word
# and a number a line, and how far it is after "#":
#   before S, after S   seconds for a full handshake with one request (or one
#                       hello and its answer), one after the other, without
#                       and with those that wait
#   private KIB         of the worker, with them less without
#   later KIB           the same a minute after
#   answered N          of those that waited, each asked once more at the end
#   served KIB          of the worker after that, less without
#   gone S, left KIB    as before, and as private, when they have left
#   descriptors N       that the worker has open
set -eu
folder=$1 count=$2 kind=$3 probes=50 at=127.0.1.1 need=$((2 * $2 + 1024))
app=abcdef0123456789abcdef0123456789abcdef01
sources="1 2 3 4" backends="1 2 3 4 5 6 7 8"
pids=
trap 'kill $pids 2>/dev/null || :; wait' EXIT
trap 'exit 1' TERM INT
fail() { echo "many.sh: $*"; cat edge.log; exit 1; }
case $kind in
	ended) name=hello.postern.localhost way='' ;;
	passed) name=hello.bin way=pass ;;
esac

ip link set lo up
# More than a default has for one address to another.
echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range
[ "$(cat /proc/sys/fs/nr_open)" -ge $need ] || echo $need >/proc/sys/fs/nr_open
ulimit -n $need || { echo "many.sh: too few descriptors"; exit 1; }
cd "$folder"
rm -rf store load.* hold.*
{
	for i in $backends; do
		echo "lease 000000000000000000000000000000000000000$i $app 127.0.2.$i 86400 80:http 443:tls"
	done
	echo "alias hello $app"
} | store_fill store
cat >edge.yaml <<EDGE
base: postern.localhost
listen: [ "$at:9001" ]
store: $PWD/store
certificate: { chain: $PWD/chain.pem, key: $PWD/key.pem }
workers: 1
timeouts: { hello: 60s, handshake: 60s, request: 60s, connect: 60s, idle: 24h }
limits:
  connections: $((count + 100))
  per_source: $count
  source_rate: 0
  per_app: $((count + 100))
  lag: 0ms
log: warn
EDGE
for i in $backends; do
	for port in 80 443; do
		tlsserve backend "127.0.2.$i" $port &
		pids="$pids $!"
	done
done
postern-edge --config edge.yaml >edge.log 2>&1 &
edge=$!
pids="$pids $edge"

ask() { echo go | tlsload "${way}request" $at 9001 $name 1 "$1"; }
tries=0
until ask 1 >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || fail "the edge does not serve"
	sleep 1
done
worker=$(cut -d ' ' -f 1 "/proc/$edge/task/$edge/children")
private() { awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$worker/smaps_rollup"; }
opened() { ls "/proc/$worker/fd" | wc -l; }
gained() { echo $(($(private) - without)); }
seconds() { ask $probes | awk '$1 == "done" && $4 == 0 { print $6 / $2 }'; }
# Each of them has an end at the client, two at the edge and one at a backend.
reached() { awk '$1 == "TCP:" { printf "# %d connections\n", $3 / 4 }' /proc/net/sockstat; }
# until_said CLIENT LINES
until_said() {
	waits=0
	until [ "$(wc -l <"load.$1")" -ge "$2" ]; do
		kill -0 "$edge" || fail "the edge has ended"
		[ $((waits % 20)) -gt 0 ] || reached
		waits=$((waits + 1))
		sleep 0.5
	done
}

seconds >/dev/null # warms up what is made once
for i in 1 2 3 4 5; do echo "before $(seconds)"; done
without=$(private)
for i in $sources; do
	mkfifo "hold.$i"
	tlsload "${way}keepalive" $at 9001 $name $((count / 4)) $((count / 4)) 0 "127.0.3.$i" \
		<>"hold.$i" >"load.$i" 2>&1 &
	pids="$pids $!"
done
for i in $sources; do
	until_said "$i" 1
	[ "$(cat "load.$i")" = ready ] || fail "$(cat "load.$i")"
done
sleep 3
echo "private $(gained)"
echo "descriptors $(opened)"
for i in 1 2 3 4 5; do echo "after $(seconds)"; done
sleep 60
echo "later $(gained)"
# One after the other, so that none waits for its first answer as long as all
# the others'.  Opened so, a pipe takes a word also when its client has ended.
for i in $sources; do
	echo go 1<>"hold.$i"
	until_said "$i" 2
	tail -n 1 "load.$i" | grep -q '^done ' || fail "$(tail -n 1 "load.$i")"
done
cat load.* | awk '$1 == "done" { sum += $2 } END { print "answered", sum }'
sleep 3
echo "served $(gained)"
for i in $sources; do echo end 1<>"hold.$i"; done
until [ "$(opened)" -lt 100 ]; do sleep 1; done
for i in 1 2 3 4 5; do echo "gone $(seconds)"; done
echo "left $(gained)"
