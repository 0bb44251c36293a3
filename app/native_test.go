package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/control"
)

// desk is a desktop that notes what it is asked.
type desk struct {
	dir  string // where files go; "" gives up
	err  error
	said []string
}

func (d *desk) SavePath(name string) (string, error) {
	d.said = append(d.said, "save "+name)
	if d.err != nil || d.dir == "" {
		return "", d.err
	}
	return filepath.Join(d.dir, name), nil
}
func (d *desk) Browse(url string)       { d.said = append(d.said, "browse "+url) }
func (d *desk) Show()                   { d.said = append(d.said, "show") }
func (d *desk) Tell(title, text string) { d.said = append(d.said, "tell "+title) }
func (d *desk) Quit(keep bool)          { d.said = append(d.said, fmt.Sprint("quit ", keep)) }
func (d *desk) Autostart(on *bool) bool {
	if on == nil {
		return true
	}
	d.said = append(d.said, fmt.Sprint("autostart ", *on))
	return *on
}

func TestFollow(t *testing.T) {
	d := &desk{dir: t.TempDir()}
	events := make(chan control.DesktopEvent, 16)
	for _, e := range []control.DesktopEvent{
		{Kind: "save", Name: "../../ca.pem", Data: []byte("pem")},
		{Kind: "open", URL: "https://example.com/"},
		{Kind: "open", URL: "file:///etc/passwd"},
		{Kind: "open", URL: "javascript:alert(1)"},
		{Kind: "show"},
		{Kind: "later"},
		{Kind: "autostart", ID: "1"},
		{Kind: "autostart", ID: "2", On: new(bool)},
		{Kind: "quit", Keep: true},
	} {
		events <- e
	}
	close(events)
	var replies []control.DesktopReply
	follow(context.Background(), events, d, func(r control.DesktopReply) { replies = append(replies, r) })
	if want := []control.DesktopReply{{ID: "1", On: true}, {ID: "2"}}; !slices.Equal(replies, want) {
		t.Errorf("replies %v, want %v", replies, want)
	}
	if got, want := strings.Join(d.said, ","), "save ca.pem,browse https://example.com/,show,autostart false,quit true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	name := filepath.Join(d.dir, "ca.pem")
	b, err := os.ReadFile(name)
	if err != nil || string(b) != "pem" {
		t.Errorf("%q %v", b, err)
	}
	if i, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i, err)
	}
}

func TestSaveFails(t *testing.T) {
	for name, tt := range map[string]struct {
		d    *desk
		want string
	}{
		"the person gives up": {&desk{}, "save x"},
		"the dialog fails":    {&desk{err: errors.New("no dialog")}, "save x,tell The file was not saved"},
		"the folder is gone":  {&desk{dir: filepath.Join(t.TempDir(), "gone")}, "save x,tell The file was not saved"},
	} {
		t.Run(name, func(t *testing.T) {
			handle(control.DesktopEvent{Kind: "save", Name: "x"}, tt.d, nil)
			if got := strings.Join(tt.d.said, ","); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSaveReplacesWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "b.age")
	for _, text := range []string{"a long first text", "short"} {
		if err := writeFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != text {
			t.Errorf("%q %v", b, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(name)); err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{
		"ca.pem": "ca.pem", "../x": "x", `C:\a\b.txt`: "b.txt", "": "gatehouse-file", "..": "gatehouse-file", ".bashrc": "bashrc",
		"a\x00\nb": "ab", "Büro 2026.age": "Büro 2026.age", `a:b*c?"<>|`: "abc", "/": "gatehouse-file",
	} {
		if got := fileName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("../../etc/passwd")
	f.Fuzz(func(t *testing.T, in string) {
		got := fileName(in)
		if got == "" || got != filepath.Base(got) || strings.HasPrefix(got, ".") || strings.ContainsAny(got, "/\\\x00\n") {
			t.Errorf("%q gives %q", in, got)
		}
	})
}

func TestDialogText(t *testing.T) {
	if runtime.GOOS == "linux" && dialogText("100% %s") != "100%% %%s" {
		t.Error("a percent sign would be read as a format")
	}
}
