#!/bin/sh
# many.sh FOLDER COUNT: so many connections that wait at one worker of
# postern-edge, TLS ended, and whether it still serves.
#
# FOLDER holds chain.pem and key.pem; postern-edge, store_fill, tlsload and
# tlsserve are in PATH.  For a network namespace (or machine) of its own, as
# root.  Prints a word and a number a line:
#   before S, after S   seconds for a full handshake with one request, one
#                       after the other, without and with those that wait
#   private KIB         of the worker, with them less without
#   descriptors N       that the worker has open
set -eu
folder=$1 count=$2 probes=50 at=127.0.1.1
name=hello.postern.localhost app=abcdef0123456789abcdef0123456789abcdef01
sources="1 2 3 4" backends="1 2 3 4 5 6 7 8"
pids=
trap 'kill $pids 2>/dev/null; wait' EXIT
fail() { echo "many.sh: $*"; cat edge.log; exit 1; }

ip link set lo up
# More than a default has for one address to another.
echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range
ulimit -n $((2 * count + 1024)) || { echo "many.sh: too few descriptors"; exit 1; }
cd "$folder"
{
	for i in $backends; do
		echo "lease 000000000000000000000000000000000000000$i $app 127.0.2.$i 86400 80:http"
	done
	echo "alias hello $app"
} | store_fill store
cat >edge.yaml <<END
base: postern.localhost
listen: [ "$at:9001" ]
store: $PWD/store
certificate: { chain: $PWD/chain.pem, key: $PWD/key.pem }
workers: 1
timeouts: { hello: 60s, handshake: 60s, request: 60s, connect: 60s, idle: 24h }
limits: { connections: $((count + 100)), per_source: $count, source_rate: 0, per_app: $((count + 100)), lag: 0ms }
log: warn
END
for i in $backends; do
	tlsserve backend "127.0.2.$i" 80 &
	pids="$pids $!"
done
postern-edge --config edge.yaml >edge.log 2>&1 &
edge=$!
pids="$pids $edge"

ask() { echo go | tlsload request $at 9001 $name 1 "$1"; }
tries=0
until ask 1 >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || fail "the edge does not serve"
	sleep 0.2
done
worker=$(cut -d ' ' -f 1 "/proc/$edge/task/$edge/children")
private() { awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$worker/smaps_rollup"; }
seconds() { ask $probes | awk '$1 == "done" && $4 == 0 { print $6 / $2 }'; }

seconds >/dev/null # warms up what is made once
for i in 1 2 3 4 5; do echo "before $(seconds)"; done
without=$(private)
mkfifo hold
exec 9<>hold # nobody writes: they wait
for i in $sources; do
	tlsload idle $at 9001 $name $((count / 4)) $((count / 4)) 0 "127.0.3.$i" <hold >"load.$i" 2>&1 &
	pids="$pids $!"
done
for i in $sources; do
	until grep -q . "load.$i"; do
		kill -0 "$edge" || fail "the edge has ended"
		sleep 0.5
	done
	[ "$(cat "load.$i")" = ready ] || fail "$(cat "load.$i")"
done
sleep 3
echo "private $(($(private) - without))"
echo "descriptors $(ls "/proc/$worker/fd" | wc -l)"
for i in 1 2 3 4 5; do echo "after $(seconds)"; done
