package app

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// setAutostart starts this program with args at login, or no longer.
func setAutostart(on bool, args []string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if !on {
		return autostartRemove()
	}
	return autostartWrite(exe, args)
}

// desktopEntry is the file that XDG desktops read at login (Desktop Application Autostart Specification 0.5).
func desktopEntry(exe string, args []string) string {
	quoted := make([]string, 0, len(args)+1)
	for _, a := range append([]string{exe}, args...) {
		quoted = append(quoted, execQuote(a))
	}
	return "[Desktop Entry]\nType=Application\nName=Gatehouse\nComment=Identity server of this office\nIcon=gatehouse\nTerminal=false\n" +
		"X-GNOME-Autostart-enabled=true\nExec=" + strings.Join(quoted, " ") + "\n"
}

// execQuote writes one argument of the key Exec: quoted as the Desktop Entry Specification asks, then escaped as a string value.
func execQuote(a string) string {
	q := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`, "%", "%%").Replace(a)
	return `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(q) + `"`
}

// launchAgent is the property list that launchd reads at login.
func launchAgent(exe string, args []string) string {
	var b strings.Builder
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n" +
		"<plist version=\"1.0\">\n<dict>\n\t<key>Label</key>\n\t<string>" + agentLabel + "</string>\n\t<key>ProgramArguments</key>\n\t<array>\n")
	for _, a := range append([]string{exe}, args...) {
		b.WriteString("\t\t<string>")
		_ = xml.EscapeText(&b, []byte(a)) // a strings.Builder takes everything
		b.WriteString("</string>\n")
	}
	b.WriteString("\t</array>\n\t<key>RunAtLoad</key>\n\t<true/>\n\t<key>ProcessType</key>\n\t<string>Interactive</string>\n</dict>\n</plist>\n")
	return b.String()
}

const agentLabel = "org.gatehouse.window"

// runValue is the command line that Windows runs at login, quoted as CommandLineToArgvW reads it.
func runValue(exe string, args []string) string {
	quoted := make([]string, 0, len(args)+1)
	for _, a := range append([]string{exe}, args...) {
		quoted = append(quoted, windowsQuote(a))
	}
	return strings.Join(quoted, " ")
}

// windowsQuote doubles the backslashes before a quote or the end and puts one before each quote.
func windowsQuote(a string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for i := range len(a) {
		switch a[i] {
		case '\\':
			slashes++
			continue
		case '"':
			b.WriteString(strings.Repeat(`\`, 2*slashes+1))
		default:
			b.WriteString(strings.Repeat(`\`, slashes))
		}
		slashes = 0
		b.WriteByte(a[i])
	}
	b.WriteString(strings.Repeat(`\`, 2*slashes) + `"`)
	return b.String()
}

// writeAutostartFile replaces a file of the user's settings.
func writeAutostartFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func removeAutostartFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
