#!/usr/bin/env bash
# Runs a command beside a small office network: two network namespaces joined by a cable, with no way to anywhere else.
#
#	lan.sh [--name NAME]... [--app NAME]... -- COMMAND [ARGUMENT]...
#
# The server's namespace has 10.77.0.1 and the names of --name (login.office.test when there is none); the office's has 10.77.0.2
# and the names of --app. COMMAND runs outside of both and finds them in LAN_SERVER and LAN_OFFICE:
#
#	ip netns exec "$LAN_OFFICE" curl https://login.office.test:9443/
#
# When COMMAND ends, or this script is told to stop, all that runs in the namespaces is ended and they are removed. What an earlier
# run left, because it was killed, goes first. Several runs at once do not meet. The exit status is COMMAND's. Needs root.
set -euo pipefail
names=() apps=()
while [ $# -gt 0 ]; do
	case $1 in
	--name) names+=("$2") && shift 2 ;;
	--app) apps+=("$2") && shift 2 ;;
	--) shift && break ;;
	*) echo "lan: unknown argument $1" >&2 && exit 2 ;;
	esac
done
[ $# -gt 0 ] || { echo "lan: no command" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "lan: this needs root" >&2; exit 1; }
[ ${#names[@]} -gt 0 ] || names=(login.office.test)

state=/run/gatehouse-lan
export LAN_SERVER=gh-server-$$ LAN_OFFICE=gh-office-$$ LAN_SERVER_IP=10.77.0.1 LAN_OFFICE_IP=10.77.0.2

# born tells when a process started, so that a number that is given again is not taken for the same process.
born() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; }

# remove ends what runs in the two namespaces of a run and removes them, whatever there is of them.
remove() {
	local run=$1 ns signal
	for ns in "gh-server-$run" "gh-office-$run"; do
		if [ -e "/run/netns/$ns" ]; then
			for signal in TERM KILL; do
				# shellcheck disable=SC2046 # one word a process
				kill "-$signal" $(ip netns pids "$ns") 2>/dev/null || continue
				for _ in $(seq 30); do [ -n "$(ip netns pids "$ns")" ] || break 2; sleep 0.1; done
			done
			ip netns delete "$ns"
		fi
		rm -rf "/etc/netns/$ns"
	done
	rm -f "$state/$run"
}

sweep() {
	local file run
	for file in "$state"/[0-9]*; do
		[ -e "$file" ] || continue
		run=${file##*/}
		if [ "$(born "$run")" != "$(cat "$file")" ]; then
			echo "lan: removing what run $run left" >&2
			remove "$run"
		fi
	done
}

make() {
	local ns
	for ns in "$LAN_SERVER" "$LAN_OFFICE"; do
		mkdir -p "/etc/netns/$ns"
		{
			printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n'
			printf "$LAN_SERVER_IP\t%s\n" "${names[@]}"
			[ ${#apps[@]} -eq 0 ] || printf "$LAN_OFFICE_IP\t%s\n" "${apps[@]}"
		} >"/etc/netns/$ns/hosts"
		# Nobody answers there: a name that is not in hosts fails at once.
		[ ! -e /etc/resolv.conf ] || echo 'nameserver 127.0.0.1' >"/etc/netns/$ns/resolv.conf"
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	ip -n "$LAN_SERVER" link add lan0 type veth peer name lan0 netns "$LAN_OFFICE"
	ip -n "$LAN_SERVER" address add "$LAN_SERVER_IP/24" dev lan0
	ip -n "$LAN_OFFICE" address add "$LAN_OFFICE_IP/24" dev lan0
	# No IPv6 address comes up a second later: a browser takes that for another network and drops what it is loading.
	ip -n "$LAN_SERVER" link set lan0 addrgenmode none
	ip -n "$LAN_OFFICE" link set lan0 addrgenmode none
	ip -n "$LAN_SERVER" link set lan0 up
	ip -n "$LAN_OFFICE" link set lan0 up
}

finish() {
	local pid
	trap '' INT TERM HUP
	for pid in $(jobs -pr); do
		kill -TERM "$pid" 2>/dev/null || true
		for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
		kill -KILL "$pid" 2>/dev/null || true
	done
	remove "$$"
}

mkdir -p "$state"
exec 9>"$state/lock"
flock 9
sweep
born "$$" >"$state/$$"
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
make
exec 9>&-

# In the background, so that a signal is heard at once.
"$@" <&0 &
wait "$!"
