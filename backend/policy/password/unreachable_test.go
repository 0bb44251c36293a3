package password_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"

	"gatehouse/backend/kind"
	"gatehouse/backend/outbound"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/password"
	"gatehouse/backend/stage/stagetest"
)

// While the lists of leaked passwords can't be asked no password is accepted: the person reads that it is not their fault, the server's log
// says why, and nobody reads which hash was looked for.
func TestUnreachable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := closed.Addr().String()
	closed.Close()
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	h := stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		return stagetest.Made{Kinds: []*kind.Kind{password.Kind(password.Deps{Store: h.Store, Client: outbound.New(outbound.Options{Allow: allow}), Range: "http://" + at + "/range/"})}}
	})
	var log bytes.Buffer
	h.Policies.Log = slog.New(slog.NewTextHandler(&log, nil))
	p := stagetest.New[password.Policy](h)
	p.Name, p.Leaked = "leaked", true
	h.Make(p)
	r, err := h.Policies.All(t.Context(), []string{p.PK}, &policy.Request{Context: map[string]any{"prompt_data": map[string]any{"password": "P@ssw0rd"}}})
	if err != nil || r.Passing || !r.Raised || strings.Join(r.Messages, "|") != "The lists of leaked passwords can't be asked now. Try again later." {
		t.Errorf("%+v %v", r, err)
	}
	if text := log.String(); !strings.Contains(text, "leaked") || !strings.Contains(text, "refuses the connection") || strings.Contains(text, "21BD1") || strings.Contains(text, "P@ssw0rd") {
		t.Errorf("%s", text)
	}
	es := h.Heard("policy_exception")
	if len(es) != 1 || es[0].Context["policy_uuid"] != p.PK {
		t.Errorf("%v", es)
	}
	// Whoever tries it out reads why in the lines of the run.
	one, err := p.Passes(t.Context(), &policy.Request{Debug: true, Context: map[string]any{"password": "P@ssw0rd"}})
	if err == nil || len(one.Logs) != 1 || one.Logs[0].LogLevel != "error" || one.Logs[0].Logger != "leaked" || !strings.Contains(one.Logs[0].Event, "refuses the connection") {
		t.Errorf("%+v %v", one, err)
	}
}
