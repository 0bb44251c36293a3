//go:build bindings

package app

// Bindings: wails build runs this program to learn its bound methods; nothing may be opened before wails.Run.
const Bindings = true
