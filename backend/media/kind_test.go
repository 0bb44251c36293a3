package media

import "testing"

// FuzzKindOf: bytes are a picture of a known kind or none; a page is never one.
func FuzzKindOf(f *testing.F) {
	for _, s := range []string{"", "\x89PNG\r\n\x1a\n", "RIFF\x00\x00\x00\x00WEBP", "RIFF", "<svg xmlns='http://www.w3.org/2000/svg'/>", "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>", "<html><svg/></html>", "<a:svg/>", "GIF8"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		switch ext := kindOf(b); ext {
		case "", ".png", ".jpg", ".gif", ".webp", ".ico", ".svg":
		default:
			t.Errorf("%q is a %s", b, ext)
		}
	})
}
