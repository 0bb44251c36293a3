#!/usr/bin/env bash
# The main job from an empty data folder to a signed-in person, across an office network of two namespaces (main.test.mjs).
# Screenshots and logs go to build/bin/e2e. Needs root, and what README.md lists.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
out=$top/build/bin/e2e
if [ "${1-}" = inside ]; then
	ip netns exec "$LAN_SERVER" "$top/build/bin/gatehouse-server" serve --data "$WORK/data" --log-terminal true >"$out/server.log" 2>&1 &
	server=$!
	trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT
	export SERVER_LOG=$out/server.log SERVER_PID=$server
	ip netns exec "$LAN_OFFICE" node --test --test-reporter=spec "$here/main.test.mjs"
	"$ANSWERS" "$WORK/description.json" "$WORK/answers.jsonl"
	exit
fi
mkdir -p "$out"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export WORK OUT=$out GORP=$out/gorp THIRD=$out/third ANSWERS=$out/answers
(cd "$top" && go build -o "$GORP" ./build/e2e/rp/gorp && go build -o "$ANSWERS" ./build/answers)
"$here/lan/lan.sh" --name login.office.test --app app1.office.test --app app2.office.test --app news.office.test --app intranet.office.test -- "$0" inside
