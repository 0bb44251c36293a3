#!/usr/bin/env bash
# Proves the LAN harness: reach and trust across the namespaces (lan.test.mjs), no way out, names per run, and nothing left behind.
# Needs root, go, node with the packages of ../package.json, and what ../README.md lists.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lan=$here/lan.sh
say() { echo "lan: $*"; }
fail() { echo "lan: FAILED: $*" >&2; exit 1; }

if [ "${1-}" = inside ]; then
	ip netns exec "$LAN_SERVER" node "$here/serve.mjs" "$WORK" login.office.test "$LAN_SERVER_IP" 9443 >"$WORK/served" &
	for _ in $(seq 100); do [ -s "$WORK/served" ] && break; sleep 0.1; done
	SERVER=$(cat "$WORK/served")
	export SERVER
	ip netns exec "$LAN_OFFICE" node --test --test-reporter=spec "$here/lan.test.mjs"
	exit
fi

WORK=$(mktemp -d)
trap 'kill $(jobs -pr) 2>/dev/null || true; wait; rm -rf "$WORK"' EXIT
export WORK GORP=$WORK/gorp THIRD=${THIRD:-$here/../../bin/e2e/third}
(cd "$here/../rp/gorp" && go build -o "$GORP" .)
"$here/ca.sh" "$WORK" login.office.test
"$here/ca.sh" "$WORK/else" login.office.test
cp "$WORK/else/ca.pem" "$WORK/other.pem"

say "server and office, with and without the authority"
"$lan" --name login.office.test --app app1.office.test --app app2.office.test -- "$0" inside

say "names, addresses and no way out"
# shellcheck disable=SC2016 # the variables are the command's
"$lan" --name one.test --name two.test --app app.test -- bash -c '
	set -euo pipefail
	for ns in "$LAN_SERVER" "$LAN_OFFICE"; do
		for want in "one.test 10.77.0.1" "two.test 10.77.0.1" "app.test 10.77.0.2" "localhost ::1"; do
			got=$(ip netns exec "$ns" getent hosts "${want% *}" | awk "{print \$1}")
			[ "$got" = "${want#* }" ] || { echo "${want% *} is $got in $ns" >&2; exit 1; }
		done
		if ip netns exec "$ns" getent hosts elsewhere.test; then exit 1; fi
		if ip -n "$ns" route get 192.0.2.1 2>/dev/null; then echo "$ns has a way out" >&2; exit 1; fi
		ip -n "$ns" -br link show lo | grep -q LOWER_UP
	done'

say "the command's status comes back"
status=0
"$lan" -- bash -c 'exit 7' || status=$?
[ "$status" = 7 ] || fail "status $status, expected 7"

gone() { # nothing of run $1 is there
	for ns in "gh-server-$1" "gh-office-$1"; do
		[ ! -e "/run/netns/$ns" ] || fail "namespace $ns is still there"
		[ ! -e "/etc/netns/$ns" ] || fail "/etc/netns/$ns is still there"
	done
	[ ! -e "/run/gatehouse-lan/$1" ] || fail "run $1 is still written down"
}
alive() { # process $1 runs; one that ended and was not yet waited for does not
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) && [[ $stat != *") Z "* ]]
}
begun() { # waits until run $1 has its child, whose id the file $2 holds
	for _ in $(seq 100); do [ -s "$2" ] && return; sleep 0.05; done
	fail "run $1 did not begin"
}
# shellcheck disable=SC2016 # the variables are the command's
lingering=(bash -c 'ip netns exec "$LAN_OFFICE" bash -c "trap : TERM; echo \$\$ >\"$0\"; while :; do sleep 1; done" & wait')

say "two runs at once, one ended by TERM, with a child that does not listen to it"
"$lan" -- "${lingering[@]}" "$WORK/one" &
one=$!
"$lan" -- "${lingering[@]}" "$WORK/two" &
two=$!
begun "$one" "$WORK/one"
begun "$two" "$WORK/two"
kill -TERM "$one"
status=0
wait "$one" || status=$?
[ "$status" = 143 ] || fail "a run that was told to stop ended with $status, not 143"
gone "$one"
! alive "$(cat "$WORK/one")" || fail "the child outlived its run"
alive "$(cat "$WORK/two")" || fail "the other run's child is gone"

say "a run that was killed is cleared away by the next one, a running one is not"
"$lan" -- "${lingering[@]}" "$WORK/three" &
three=$!
begun "$three" "$WORK/three"
kill -KILL "$three"
wait "$three" 2>/dev/null || true
[ -e "/run/netns/gh-office-$three" ] || fail "the killed run left nothing to clear away"
"$lan" -- true
gone "$three"
! alive "$(cat "$WORK/three")" || fail "the killed run's child is still there"
alive "$(cat "$WORK/two")" || fail "a running run was cleared away"

say "a child that was killed hinders nothing"
kill -KILL "$(cat "$WORK/two")"
wait "$two" || true
gone "$two"
say "all is well"
