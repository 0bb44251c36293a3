#!/usr/bin/env bash
# Makes a private certificate authority and server certificates for tests with openssl.
#
#	ca.sh DIR HOST...    HOST is a name or an IPv4 address
#
# DIR then holds ca.pem and, for each host, HOST.pem and HOST.key. What is there already stays.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dir=$1
shift
umask 077
mkdir -p "$dir"

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

if [ ! -e "$dir/ca.pem" ]; then
	new_key "$dir/ca.key"
	openssl req -x509 -new -key "$dir/ca.key" -days 30 -subj "/CN=Test authority $RANDOM$RANDOM" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$dir/ca.pem"
fi
for host in "$@"; do
	[ ! -e "$dir/$host.pem" ] || continue
	kind=DNS
	[[ $host =~ ^[0-9.]+$ ]] && kind=IP
	new_key "$dir/$host.key"
	openssl req -new -key "$dir/$host.key" -subj "/CN=$host" -out "$dir/$host.csr"
	openssl x509 -req -in "$dir/$host.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 30 -set_serial "0x$(openssl rand -hex 16)" \
		-extfile <(printf 'subjectAltName=%s:%s\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n' "$kind" "$host") \
		-out "$dir/$host.pem" 2>/dev/null
	rm "$dir/$host.csr"
done
