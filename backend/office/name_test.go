package office

import (
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

func TestCheckName(t *testing.T) {
	for in, want := range map[string]string{
		"login.office.lan": "login.office.lan", " Login.Office.LAN. ": "login.office.lan", "a.b": "a.b", "xn--bro-hoa.example": "xn--bro-hoa.example", "1and1.de": "1and1.de",
		"": "", "localhost": "", "192.168.1.5": "", "::1": "", "a..b": "", ".a.b": "", "-a.b": "", "a-.b": "", "a_b.c": "", "büro.example": "", "a.b:9443": "", "https://a.b": "", "a.b/c": "", "*.a.b": "", "a b.c": "",
		"a.b\x00": "", "a.b\n": "a.b", strings.Repeat("a", 64) + ".b": "", strings.Repeat("a.", 127) + "b": "", strings.Repeat("a.", 126) + "b": strings.Repeat("a.", 126) + "b",
	} {
		got, err := CheckName(in)
		if got != want && want != "" || (err == nil) != (want != "") {
			t.Errorf("%.30q: %q %v", in, got, err)
		}
		if err != nil && fault.As(err).Fields["server_name"] == nil {
			t.Errorf("%.30q: %v", in, err)
		}
	}
}

func TestSentence(t *testing.T) {
	two := Access{Users: []Person{{Username: "ada"}}, Groups: []GroupOf{{Name: "Staff"}}}
	for _, tt := range []struct {
		a     Access
		rules int
		mode  string
		want  string
	}{
		{Access{Everyone: true}, 0, "any", "Everyone with an account can use this application."},
		{two, 0, "any", "Ada and members of Staff can use this application."},
		{two, 1, "any", "Ada, members of Staff and whoever passes one further rule can use this application."},
		{two, 0, "all", "Only people of whom all of this is true can use this application: ada and members of Staff."},
		{Access{}, 3, "any", "Whoever passes 3 further rules can use this application."},
	} {
		if got := sentence(tt.a, tt.rules, tt.mode); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// FuzzCheckName: a name that is taken can be a host name everywhere: it comes back as itself, and is short, lower and plain.
func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"login.office.lan", "A.B.", "1.2.3.4", "::ffff:1.2.3.4", "a..b", "xn--x.y", " a.b", "ſ.example", "K.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name, err := CheckName(in)
		if err != nil {
			if fault.As(err).Fields["server_name"] == nil {
				t.Errorf("%q: %v", in, err)
			}
			return
		}
		if again, err := CheckName(name); err != nil || again != name || len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || !strings.Contains(name, ".") {
			t.Errorf("%q gives %q, then %q %v", in, name, again, err)
		}
	})
}
