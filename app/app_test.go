package app

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

func TestSplashNeedsNothingElse(t *testing.T) {
	pages, err := fs.Sub(splash, "splash")
	if err != nil {
		t.Fatal(err)
	}
	html, err := fs.ReadFile(pages, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(string(html), -1) {
		if _, err := fs.Stat(pages, m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if !strings.Contains(string(html), "frame-src 'none'") { // a frame could call the bound method
		t.Error("the splash page allows frames")
	}
	js, err := fs.ReadFile(pages, "splash.js")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(Entry{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for f := range fields {
		if !strings.Contains(string(js), "e."+f) {
			t.Errorf("the splash page does not read %s", f)
		}
	}
	for _, choice := range []string{choiceKeep, choiceRestart, choiceStart} {
		if !strings.Contains(string(js), `"`+choice+`"`) {
			t.Errorf("the splash page does not offer %s", choice)
		}
	}
}

func TestNoDisplay(t *testing.T) {
	if Available() {
		return // this build's answer depends on the display, which the window's scenario covers
	}
	if Unusable() == "" {
		t.Error("a window without the build tags")
	}
}
