#!/usr/bin/env bash
# Serves OAuth2 Proxy as a relying party until it is told to stop (TERM), and prints one JSON line when it is ready. Its redirect URL at the
# provider is URL/oauth2/callback. It trusts the authorities of one file and no others.
#
#	proxy.sh --issuer=URL --client-id=ID --client-secret=SECRET --url=URL --listen=ADDRESS:PORT --upstream=URL --ca-file=FILE [--dir=DIR]
set -euo pipefail
declare -A o=([dir]="$(dirname "$0")/../../../bin/e2e/third" [issuer]='' [client-id]='' [client-secret]='' [url]='' [listen]='' [upstream]='' [ca-file]='')
for arg in "$@"; do
	name=${arg%%=*}
	name=${name#--}
	if [[ $arg != --*=* || -z ${o[$name]+known} ]]; then
		echo "proxy: unknown argument $arg" >&2
		exit 2
	fi
	o[$name]=${arg#*=}
done
for name in "${!o[@]}"; do
	[ -n "${o[$name]}" ] || { echo "proxy: --$name is missing" >&2; exit 2; }
done
[ -x "${o[dir]}/oauth2-proxy" ] || { echo "proxy: ${o[dir]}/oauth2-proxy is missing, install.sh brings it" >&2; exit 1; }
program=''
trap '[ -z "$program" ] || kill "$program" 2>/dev/null; wait; exit 0' INT TERM
setpriv --pdeathsig TERM "${o[dir]}/oauth2-proxy" --provider=oidc --oidc-issuer-url="${o[issuer]}" --client-id="${o[client-id]}" \
	--client-secret="${o[client-secret]}" --redirect-url="${o[url]%/}/oauth2/callback" --code-challenge-method=S256 --email-domain='*' \
	--provider-ca-file="${o[ca-file]}" --cookie-secret="$(openssl rand -hex 16)" --cookie-secure=false \
	--http-address="${o[listen]}" --upstream="${o[upstream]}" >&2 &
program=$!
for _ in $(seq 200); do
	if (exec 3<>"/dev/tcp/${o[listen]/://}") 2>/dev/null; then
		printf '{"url":"%s"}\n' "${o[url]}"
		wait "$program"
		exit
	fi
	kill -0 "$program" 2>/dev/null || break
	sleep 0.05
done
echo "proxy: it did not start" >&2
exit 1
