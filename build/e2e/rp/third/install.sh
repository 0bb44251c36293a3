#!/usr/bin/env bash
# Installs two products of others that sign people in with OpenID Connect, from Go's module proxy: Miniflux, a feed reader, with Debian's
# PostgreSQL for its data, and OAuth2 Proxy, which stands in front of applications. Running it again does nothing.
#
#	install.sh [DIR]    DIR is build/bin/e2e/third unless given
set -euo pipefail
dir=${1:-$(dirname "$0")/../../../bin/e2e/third}

if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	[ "$(id -u)" = 0 ] || { echo "third: the Debian package postgresql is missing" >&2; exit 1; }
	apt-get install -y -q --no-install-recommends postgresql >&2 || { apt-get update -q >&2; apt-get install -y -q --no-install-recommends postgresql >&2; }
fi

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
build=''
trap '[ -z "$build" ] || rm -rf "$build"' EXIT

# product NAME PACKAGE VERSION: builds it unless it is there in that version.
product() {
	local have
	have=$(go version -m "$dir/$1" 2>/dev/null | awk '$1 == "mod" {print $3}' || true)
	if [ "$have" != "$3" ]; then
		build=$(mktemp -d "$dir/build.XXXXXX")
		CGO_ENABLED=0 GOBIN="$build" GOFLAGS=-trimpath go install -ldflags "-s -w" "$2@$3"
		mv "$build/"* "$dir/$1"
		rm -rf "$build"
	fi
	echo "third: $1 $3 is in $dir"
}
product miniflux miniflux.app/v2 v2.3.5
product oauth2-proxy github.com/oauth2-proxy/oauth2-proxy/v7 v7.15.6
