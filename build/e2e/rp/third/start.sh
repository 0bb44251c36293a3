#!/usr/bin/env bash
# Serves Miniflux as a relying party with fresh data until it is told to stop (TERM), and prints one JSON line when it is ready.
# Its redirect URL at the provider is URL/oauth2/oidc/callback. It trusts the authorities of one file and no others.
#
#	start.sh --issuer=URL --client-id=ID --client-secret=SECRET --url=URL --listen=ADDRESS:PORT --ca-file=FILE [--dir=DIR]
set -euo pipefail
declare -A o=([dir]="$(dirname "$0")/../../../bin/e2e/third" [issuer]='' [client-id]='' [client-secret]='' [url]='' [listen]='' [ca-file]='')
for arg in "$@"; do
	name=${arg%%=*}
	name=${name#--}
	if [[ $arg != --*=* || -z ${o[$name]+known} ]]; then
		echo "third: unknown argument $arg" >&2
		exit 2
	fi
	o[$name]=${arg#*=}
done
for name in "${!o[@]}"; do
	[ -n "${o[$name]}" ] || { echo "third: --$name is missing" >&2; exit 2; }
done
[ -x "${o[dir]}/miniflux" ] || { echo "third: ${o[dir]}/miniflux is missing, install.sh brings it" >&2; exit 1; }
[ -r "${o[ca-file]}" ] || { echo "third: ${o[ca-file]} cannot be read" >&2; exit 1; }
postgres=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1)

# PostgreSQL refuses to run as root; its folder and socket are open to its own user and root only.
as_postgres=(setpriv --pdeathsig INT)
[ "$(id -u)" != 0 ] || as_postgres=(setpriv --reuid postgres --regid postgres --init-groups --pdeathsig INT)
for old in /tmp/gatehouse-third.*; do # what a run that was killed left
	owner=${old#*third.}
	[ ! -d "$old" ] || kill -0 "${owner%%.*}" 2>/dev/null || rm -rf "$old"
done
work=$(mktemp -d "/tmp/gatehouse-third.$$.XXXXXX")
database='' program=''
finish() {
	trap - EXIT INT TERM
	[ -z "$program" ] || kill "$program" 2>/dev/null || true
	[ -z "$database" ] || kill -INT "$database" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 0' INT TERM

mkdir "$work/db" "$work/no-certificates"
[ "$(id -u)" != 0 ] || chown postgres: "$work" "$work/db"
(
	cd "$work"
	"${as_postgres[@]}" "$postgres/initdb" --pgdata="$work/db" --username=miniflux --auth=trust --encoding=UTF8 --locale=C --no-sync >>"$work/log" 2>&1
	"${as_postgres[@]}" "$postgres/postgres" --single -D "$work/db" postgres >>"$work/log" 2>&1 <<<'CREATE DATABASE miniflux'
) || { cat "$work/log" >&2; exit 1; }
"${as_postgres[@]}" "$postgres/postgres" -D "$work/db" -k "$work" -c listen_addresses='' -c fsync=off -c shared_buffers=16MB \
	>>"$work/log" 2>&1 &
database=$!

for _ in $(seq 100); do [ -S "$work/.s.PGSQL.5432" ] && break; sleep 0.05; done
setpriv --pdeathsig TERM env -i PATH="$PATH" SSL_CERT_FILE="${o[ca-file]}" SSL_CERT_DIR="$work/no-certificates" \
	DATABASE_URL="host=$work user=miniflux dbname=miniflux sslmode=disable" RUN_MIGRATIONS=1 DISABLE_SCHEDULER_SERVICE=1 \
	LISTEN_ADDR="${o[listen]}" BASE_URL="${o[url]%/}/" DISABLE_LOCAL_AUTH=1 OAUTH2_PROVIDER=oidc OAUTH2_USER_CREATION=1 \
	OAUTH2_OIDC_DISCOVERY_ENDPOINT="${o[issuer]}" OAUTH2_REDIRECT_URL="${o[url]%/}/oauth2/oidc/callback" \
	OAUTH2_CLIENT_ID="${o[client-id]}" OAUTH2_CLIENT_SECRET="${o[client-secret]}" OAUTH2_OIDC_PROVIDER_NAME=Gatehouse \
	"${o[dir]}/miniflux" >&2 &
program=$!

host=${o[listen]%:*}
port=${o[listen]##*:}
healthy() {
	(
		exec 3<>"/dev/tcp/$host/$port"
		printf 'GET /healthcheck HTTP/1.0\r\n\r\n' >&3
		read -r _ status _ <&3
		[ "$status" = 200 ]
	) 2>/dev/null
}
end=$((SECONDS + 20))
until healthy; do
	kill -0 "$program" 2>/dev/null || { cat "$work/log" >&2; echo "third: miniflux ended" >&2; exit 1; }
	[ "$SECONDS" -lt "$end" ] || { echo "third: miniflux does not answer" >&2; exit 1; }
	sleep 0.05
done
printf '{"ready":true,"app":"miniflux","listen":"%s","url":"%s/"}\n' "${o[listen]}" "${o[url]%/}"
wait "$program"
