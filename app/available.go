//go:build (desktop && production) || bindings

package app

// Available says whether this build can open a window.
func Available() bool { return true }
