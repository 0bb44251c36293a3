#!/usr/bin/env bash
# Installs Miniflux, a feed reader that signs people in with OpenID Connect, and what it needs: Go's module proxy for the program,
# Debian's PostgreSQL for its data. Running it again does nothing.
#
#	install.sh [DIR]    DIR is build/bin/e2e/third unless given
set -euo pipefail
version=v2.3.5
dir=${1:-$(dirname "$0")/../../../bin/e2e/third}

if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	[ "$(id -u)" = 0 ] || { echo "third: the Debian package postgresql is missing" >&2; exit 1; }
	apt-get install -y -q --no-install-recommends postgresql >&2 || { apt-get update -q >&2; apt-get install -y -q --no-install-recommends postgresql >&2; }
fi

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
have=$(go version -m "$dir/miniflux" 2>/dev/null | awk '$1 == "mod" {print $3}' || true)
if [ "$have" != "$version" ]; then
	build=$(mktemp -d "$dir/build.XXXXXX")
	trap 'rm -rf "$build"' EXIT
	CGO_ENABLED=0 GOBIN="$build" GOFLAGS=-trimpath go install -ldflags "-s -w" "miniflux.app/v2@$version"
	mv "$build/miniflux.app" "$dir/miniflux"
fi
echo "third: miniflux $version is in $dir"
