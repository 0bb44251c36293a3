package app

import (
	"encoding/xml"
	"os"
	"strings"
	"testing"
)

func TestDesktopEntry(t *testing.T) {
	got := desktopEntry("/opt/my apps/gatehouse", []string{"--hidden", "--data", `/x/"q"$1 50%\`})
	want := `Exec="/opt/my apps/gatehouse" "--hidden" "--data" "/x/\\"q\\"\\$1 50%%\\\\"`
	if !strings.Contains(got, want+"\n") {
		t.Errorf("got\n%s\nwant the line\n%s", got, want)
	}
	for _, l := range []string{"[Desktop Entry]\n", "Type=Application\n", "Name=Gatehouse\n", "Terminal=false\n"} {
		if !strings.Contains(got, l) {
			t.Errorf("%q is missing", l)
		}
	}
	if multi := desktopEntry("/x", []string{"a\nExec=evil"}); strings.Contains(multi, "\nExec=evil") {
		t.Error("a line break makes a key of its own")
	}
}

func TestLaunchAgent(t *testing.T) {
	text := launchAgent("/Applications/Gatehouse.app/Contents/MacOS/gatehouse", []string{"--data", "/Users/a&b/<x>"})
	var plist struct {
		Dict struct {
			Keys    []string `xml:"key"`
			Strings []string `xml:"string"`
			Array   []string `xml:"array>string"`
		} `xml:"dict"`
	}
	if err := xml.Unmarshal([]byte(text), &plist); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	d := plist.Dict
	if strings.Join(d.Keys, " ") != "Label ProgramArguments RunAtLoad ProcessType" || d.Strings[0] != agentLabel {
		t.Errorf("%+v", d)
	}
	if strings.Join(d.Array, "|") != "/Applications/Gatehouse.app/Contents/MacOS/gatehouse|--data|/Users/a&b/<x>" {
		t.Errorf("%q", d.Array)
	}
}

func TestRunValue(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--hidden"}, `"C:\Program Files\Gatehouse\gatehouse.exe" "--hidden"`},
		{[]string{`C:\data\`}, `"C:\Program Files\Gatehouse\gatehouse.exe" "C:\data\\"`},
		{[]string{`a "b" \"`}, `"C:\Program Files\Gatehouse\gatehouse.exe" "a \"b\" \\\""`},
		{[]string{""}, `"C:\Program Files\Gatehouse\gatehouse.exe" ""`},
	} {
		if got := runValue(`C:\Program Files\Gatehouse\gatehouse.exe`, tt.args); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// TestAutostartContract is what every operating system's autostart keeps; the settings of whoever runs the tests are left alone.
func TestAutostartContract(t *testing.T) {
	written := autostartElsewhere(t)
	if autostartOn() {
		t.Error("on before it was set")
	}
	if err := setAutostart(false, nil); err != nil {
		t.Errorf("off twice: %v", err)
	}
	for range 2 {
		if err := setAutostart(true, []string{"--hidden"}); err != nil || !autostartOn() {
			t.Errorf("on: %v", err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if text := written(); !strings.Contains(text, exe) || !strings.Contains(text, "--hidden") {
		t.Errorf("%q", text)
	}
	if err := setAutostart(false, nil); err != nil || autostartOn() {
		t.Errorf("off: %v", err)
	}
}
