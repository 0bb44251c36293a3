#!/usr/bin/env bash
# Proves the desktop window under Xvfb: the real program with WebKit's inspector, a real window manager and a session bus.
# Screenshots go to build/bin/e2e. Extra arguments go to the scenario.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=build/bin/e2e
mkdir -p "$out"
for tool in Xvfb openbox dbus-run-session xdotool import node; do
	command -v "$tool" >/dev/null || { echo "window: $tool is missing. ./build/test installs it where it may." >&2; exit 1; }
done

echo "window: building the program with the inspector"
go build -tags desktop,production,webkit2_41,devtools -trimpath -ldflags "-s -w -X main.version=e2e" -o "$out/gatehouse" .
mkdir -p "$out/other"
CGO_ENABLED=0 go build -tags headless -trimpath -ldflags "-s -w -X main.version=e2e-older" -o "$out/other/gatehouse-server" .

runtime=$(mktemp -d)
chmod 700 "$runtime"
display=
for n in $(seq 80 120); do
	if [ ! -e "/tmp/.X11-unix/X$n" ] && [ ! -e "/tmp/.X$n-lock" ]; then display=$n; break; fi
done
[ -n "$display" ] || { echo "window: no display number is free" >&2; exit 1; }
Xvfb ":$display" -screen 0 1280x900x24 -nolisten tcp >/dev/null 2>&1 &
xvfb=$!
trap 'kill $xvfb 2>/dev/null || true; rm -rf "$runtime"' EXIT
for _ in $(seq 100); do [ -e "/tmp/.X11-unix/X$display" ] && break; sleep 0.05; done

export DISPLAY=":$display" XDG_RUNTIME_DIR="$runtime" HOME="$runtime" XDG_CONFIG_HOME="$runtime/config" NO_AT_BRIDGE=1
unset WAYLAND_DISPLAY GATEHOUSE_CONFIG
dbus-run-session -- bash -c '
	openbox >/dev/null 2>&1 & wm=$!
	trap "kill $wm 2>/dev/null || true" EXIT
	node --experimental-websocket --no-warnings build/e2e/window.mjs "$@"
' window "$out" "$runtime" "$@"
