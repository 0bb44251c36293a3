# What the scripts in this folder share: finding and installing what they need. Source it from the top folder.

say() { printf '\033[1m%s\033[0m\n' "▸ $*"; }
die() {
	printf '%s\n' "$@" >&2
	exit 1
}

# at_least VERSION WANTED: is VERSION not older?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

need_go() {
	command -v go >/dev/null || die "Go is missing. Install Go 1.26 or newer from go.dev/dl and put it into PATH."
	local have
	have=$(go env GOVERSION)
	at_least "${have#go}" 1.26 || die "Go is $have; 1.26 or newer is needed."
}

need_node() {
	command -v node >/dev/null || die "Node is missing. Install Node 20.19 or newer from nodejs.org."
	local have
	have=$(node --version)
	at_least "${have#v}" 20.19 || die "Node is $have; 20.19 or newer is needed."
}

# packages NAME…: installs those Debian packages that are missing.
packages() {
	local missing=() p
	for p in "$@"; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return
	command -v apt-get >/dev/null || die "These are missing: ${missing[*]}" "They are names of Debian packages; install what your system calls them."
	local root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "These packages are missing: ${missing[*]}" "As root: apt-get install ${missing[*]}"
		root=(sudo)
	fi
	say "installing ${missing[*]}"
	"${root[@]}" apt-get update -q
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

# version: what the binaries say they are.
version() { git describe --tags --always --dirty 2>/dev/null || echo dev; }

# description: writes what the server says of its API; the pages' types are made of it. The program that tells it needs no pages.
description() {
	mkdir -p build/bin
	CGO_ENABLED=0 go run -tags headless . schema >build/bin/schema.json
	cmp -s build/bin/schema.json frontend/schema.json || cp build/bin/schema.json frontend/schema.json
}

# frontend: builds the pages into frontend/dist, unless nothing changed since the last time.
frontend() {
	need_node
	local stamp=build/bin/.pages now
	description
	now=$(find frontend backend/text/en -type f -not -path '*/node_modules/*' -not -path 'frontend/dist/*' -not -name '*.gen.ts' -print0 | sort -z | xargs -0 sha256sum | sha256sum)
	[ -e frontend/dist/admin.html ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && return
	npm_ci frontend
	say "building the pages"
	mkdir -p build/bin
	npm run --silent --prefix frontend build >build/bin/pages.log 2>&1 || die "$(cat build/bin/pages.log)"
	touch frontend/dist/.gitkeep
	echo "$now" >"$stamp"
}

# npm_ci FOLDER: installs what its lock file names, unless that is there.
npm_ci() {
	local stamp="$1/node_modules/.installed" now
	now=$(sha256sum <"$1/package-lock.json")
	[ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && return
	say "installing the npm packages of $1"
	npm ci --prefix "$1" --no-audit --no-fund --loglevel=error
	echo "$now" >"$stamp"
}
