//go:build !linux || !desktop || !production || !cgo

package app

// watchPage: WebView2 and WKWebView begin a crashed page anew by themselves, and a build without a window has none.
func watchPage(func()) {}

func loadPage() {}
