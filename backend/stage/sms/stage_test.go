package sms_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/gateway"
	"gatehouse/backend/kind"
	"gatehouse/backend/outbound"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/sms"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// unreached is what is said of a server that is gone: a connection from before may break, a fresh one is refused.
var unreached = regexp.MustCompile(`refuses the connection|can't be reached`)

const model = "authentik_stages_authenticator_sms.authenticatorsmsstage"

// service is a gateway for messages: it keeps what it is sent, and answers with a status.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	say    string
	got    []map[string]any
}

func serve(t *testing.T) *service {
	s := &service{status: 200}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		m := map[string]any{"path": r.URL.Path, "auth": r.Header.Get("Authorization")}
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
				m["broken"] = err.Error()
			}
		} else if err := r.ParseForm(); err == nil {
			for k := range r.PostForm {
				m[k] = r.PostForm.Get(k)
			}
		}
		s.got = append(s.got, m)
		w.WriteHeader(s.status)
		fmt.Fprint(w, strings.ReplaceAll(s.say, "BODY", fmt.Sprint(m["Body"])))
	}))
	t.Cleanup(s.Close)
	return s
}

// last gives the message that was sent last, and how many there were.
func (s *service) last() (map[string]any, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) == 0 {
		return nil, 0
	}
	return s.got[len(s.got)-1], len(s.got)
}

func (s *service) answer(status int, say string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.say = status, say
}

var sixDigits = regexp.MustCompile(`[0-9]{6}`)

// code gives the code of the message that was sent last.
func (s *service) code() string {
	m, _ := s.last()
	if c, ok := m["Message"].(string); ok {
		return sixDigits.FindString(c)
	}
	return sixDigits.FindString(fmt.Sprint(m["Body"]))
}

func with(at string) func(h *stagetest.House) stagetest.Made {
	return func(h *stagetest.House) stagetest.Made {
		allow, err := outbound.ParseAllow("127.0.0.1")
		if err != nil {
			h.T.Fatal(err)
		}
		room := &gateway.Room{Client: outbound.New(outbound.Options{Allow: allow, Timeout: 5 * time.Second}), At: at}
		return stagetest.Made{
			Stages: []*stage.Kind{sms.Kind(sms.Deps{Deps: h.Stage, Events: h.Events, Gateway: room, Host: h.Scripts}), stagetest.PauseKind(h.Stage)},
			Kinds:  append([]*kind.Kind{sms.Devices()}, h.Events.NoticeKinds(event.NoticeDeps{Host: h.Scripts})...),
		}
	}
}

func fresh(h *stagetest.House) any {
	s := stagetest.New[sms.Stage](h)
	s.Provider, s.From, s.Account, s.Auth = sms.Twilio, "+1", "AC1", "secret"
	return s
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with("http://127.0.0.1:1"), Model: model, Proof: true, Make: fresh})
}

// scene is a house in which ada sets up a phone through the service.
type scene struct {
	*stagetest.House
	s     *service
	stage *sms.Stage
	b     *stagetest.Browser
	ada   *user.User
	flow  *flow.Flow
}

func open(t *testing.T, change ...func(s *sms.Stage)) *scene {
	c := &scene{s: serve(t)}
	c.House = stagetest.Open(t, with(c.s.URL))
	c.stage = fresh(c.House).(*sms.Stage)
	c.stage.Provider, c.stage.Account, c.stage.Auth, c.stage.AuthPassword = sms.Generic, c.s.URL+"/send", "gate", "word"
	for _, f := range change {
		f(c.stage)
	}
	c.flow = c.Flow("f", "stage_configuration", c.stage, stagetest.New[stagetest.Pause](c.House))
	c.ada = c.User("ada", "")
	c.b = c.SignedIn(c.ada)
	return c
}

func required(out flow.Outcome) any { return stagetest.Wire(out)["phone_number_required"] }

func (c *scene) devices() []*sms.Device {
	c.T.Helper()
	vs, err := store.All[sms.Device](context.Background(), c.Store, store.Query{Order: []string{"pk"}})
	if err != nil {
		c.T.Fatal(err)
	}
	return vs
}

// number is a code as a program sends it: leading zeros are lost.
func number(code string) (n int) {
	fmt.Sscanf(code, "%d", &n)
	return n
}

func TestSetUp(t *testing.T) {
	c := open(t)
	if out := c.b.Get("f", ""); required(out) != true || stagetest.Component(out) != "ak-stage-authenticator-sms" {
		t.Fatalf("%v", stagetest.Wire(out))
	}
	for _, tt := range []struct {
		answer map[string]any
		want   string
	}{
		{map[string]any{}, "phone_number required (invalid)"},
		{map[string]any{"code": 123456}, "phone_number required (invalid)"},
		{map[string]any{"phone_number": "my phone"}, "This is no phone number. Write it with digits, such as +49 170 1234567. (invalid)"},
	} {
		if got := stagetest.Problem(c.b.Post("f", "", tt.answer), fault.NonField); got != tt.want {
			t.Errorf("%v: %q", tt.answer, got)
		}
	}
	out := c.b.Post("f", "", map[string]any{"phone_number": " +49 (170) 123-4567 "})
	m, n := c.s.last()
	code := c.s.code()
	if n != 1 || m["To"] != "+491701234567" || m["From"] != "+1" || m["Body"] != code || m["Message"] != "Use this code to authenticate in "+brandOf(c)+": "+code || m["path"] != "/send" || m["auth"] != "Basic Z2F0ZTp3b3Jk" {
		t.Errorf("%v", m)
	}
	if errs, ok := stagetest.Wire(out)["response_errors"].(map[string]any); required(out) != false || !ok || len(errs) != 0 {
		t.Errorf("%v", stagetest.Wire(out))
	}
	if out := c.b.Get("f", ""); required(out) != false {
		t.Error("asked for the number again")
	}
	if _, n := c.s.last(); n != 1 {
		t.Error("another look sends another message")
	}
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"code": (number(code) + 1) % 1_000_000}), fault.NonField); got != "Code does not match (invalid)" {
		t.Errorf("%q", got)
	}
	if len(c.devices()) != 0 {
		t.Fatal("stored without proof")
	}
	if got := stagetest.Component(c.b.Post("f", "", map[string]any{"code": number(code)})); got != stagetest.Paused {
		t.Fatal(got)
	}
	vs := c.devices()
	if len(vs) != 1 || vs[0].Phone != "+491701234567" || !vs[0].Confirmed || vs[0].User != c.ada.PK || vs[0].Stage != c.stage.PK || vs[0].Name != "SMS Device" || vs[0].Token != "" {
		t.Errorf("%+v", vs)
	}
	// Nobody else gets the number at this stage, in whichever form it is typed.
	b := c.SignedIn(c.User("bob", ""))
	b.Get("f", "")
	out = b.Post("f", "", map[string]any{"phone_number": "+49170-1234567"})
	if _, n := c.s.last(); stagetest.Problem(out, fault.NonField) != "Invalid phone number (invalid)" || required(out) != true || n != 1 {
		t.Errorf("%v, %d messages", stagetest.Wire(out), n)
	}
}

func brandOf(c *scene) string {
	b, err := c.Brands.For(context.Background(), "login.office.lan")
	if err != nil {
		c.T.Fatal(err)
	}
	return b.Title
}

// The form of a page sends texts: a code that begins with 0, an empty code when another message is asked for.
func TestForms(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	first := c.s.code()
	c.Wait(time.Minute)
	out := c.b.Post("f", "", map[string]any{"code": "", "phone_number": "+15550100"})
	if _, n := c.s.last(); n != 2 || required(out) != false || len(out.Challenge.Errors) != 0 {
		t.Fatalf("%d messages, %v", n, stagetest.Wire(out))
	}
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"code": ""}), "code"); got == "" {
		t.Error("an empty code is no answer")
	}
	if first != c.s.code() {
		if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"code": first}), fault.NonField); got != "Code does not match (invalid)" {
			t.Errorf("the code before: %q", got)
		}
	}
	if got := stagetest.Component(c.b.Post("f", "", map[string]any{"code": c.s.code()})); got != stagetest.Paused {
		t.Error(got)
	}
}

// The number that the flow asked for counts, and none that a request brings (case 22).
func TestNumberOfTheFlow(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	steps := c.Plan(c.b).Steps
	begin := func(phone string) {
		p := stage.NewPlan(c.flow.PK, map[string]any{stage.PromptData: map[string]any{"phone": phone}})
		p.SetUser(c.ada)
		p.Steps = steps
		c.Begin(c.b, c.flow, p)
	}
	begin("+1 555 0100")
	if out := c.b.Get("f", ""); required(out) != false {
		t.Fatalf("%v", stagetest.Wire(out))
	}
	m, n := c.s.last()
	if n != 1 || m["To"] != "+15550100" {
		t.Errorf("%v", m)
	}
	c.Wait(time.Minute)
	c.b.Post("f", "", map[string]any{"phone_number": "+15559999"})
	if m, n := c.s.last(); n != 2 || m["To"] != "+15550100" {
		t.Errorf("the request's number was taken: %v", m)
	}
	c.b.Post("f", "", map[string]any{"phone_number": "+15559999", "code": number(c.s.code())})
	if vs := c.devices(); len(vs) != 1 || vs[0].Phone != "+15550100" {
		t.Errorf("%+v", vs)
	}
	c.Wait(time.Hour)
	for phone, want := range map[string]string{
		"+15550100": "Invalid phone number", "nonsense": "This is no phone number. Write it with digits, such as +49 170 1234567.",
	} {
		begin(phone)
		if why, denied := stagetest.Denied(c.b.Get("f", "")); !denied || why != want {
			t.Errorf("%s: %q", phone, why)
		}
	}
	c.s.answer(503, "busy")
	begin("+15550200")
	if why, denied := stagetest.Denied(c.b.Get("f", "")); !denied || !strings.HasPrefix(why, "The message can't be sent now.") {
		t.Errorf("%q", why)
	}
}

func TestVerifyOnly(t *testing.T) {
	c := open(t, func(s *sms.Stage) { s.VerifyOnly = true })
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	c.b.Post("f", "", map[string]any{"code": number(c.s.code())})
	sum := sha256.Sum256([]byte("+15550100"))
	if vs := c.devices(); len(vs) != 1 || vs[0].Phone != "hash:"+hex.EncodeToString(sum[:]) {
		t.Fatalf("%+v", vs)
	}
	if ds, err := (sms.Factor{Store: c.Store}).Confirmed(t.Context(), c.ada.PK); err != nil || len(ds) != 0 {
		t.Errorf("a phone without a number is offered: %v %v", ds, err)
	}
	b := c.SignedIn(c.User("bob", ""))
	b.Get("f", "")
	if got := stagetest.Problem(b.Post("f", "", map[string]any{"phone_number": "+15550100"}), fault.NonField); got != "Invalid phone number (invalid)" {
		t.Errorf("%q", got)
	}
}

func TestTooLateAndTooOften(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	good := number(c.s.code())
	c.Wait(5*time.Minute + time.Second)
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"code": good}), fault.NonField); got != "This code is too old. Have another one sent. (invalid)" {
		t.Errorf("%q", got)
	}
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	good = number(c.s.code())
	var got string
	for range 5 {
		got = stagetest.Problem(c.b.Post("f", "", map[string]any{"code": (good + 1) % 1_000_000}), fault.NonField)
	}
	if got != "Too many wrong codes. Have another one sent. (invalid)" {
		t.Errorf("%q", got)
	}
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"code": good}), fault.NonField); got != "This code is too old. Have another one sent. (invalid)" || len(c.devices()) != 0 {
		t.Errorf("guessing goes on: %q", got)
	}
}

// Nobody is flooded: one number waits half a minute, one person gets eight messages in a quarter of an hour however many numbers they
// name, and new flows and sessions give no more.
func TestFlooding(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"phone_number": "+15550100"}), fault.NonField); got != "A message was sent just now. Wait 30 seconds before you ask for another one. (throttled)" {
		t.Errorf("%q", got)
	}
	for i := range 10 {
		c.Wait(31 * time.Second)
		b := c.SignedIn(c.ada)
		b.IP = fmt.Sprint("192.0.2.", i)
		b.Post("f", "", map[string]any{"phone_number": fmt.Sprint("+155502", i)})
	}
	if _, n := c.s.last(); n != 8 {
		t.Errorf("one person had %d messages sent", n)
	}
	c.Wait(24 * time.Hour)
	for i := range 22 {
		b := c.SignedIn(c.User(fmt.Sprint("u", i), ""))
		b.Post("f", "", map[string]any{"phone_number": fmt.Sprint("+155503", i)})
	}
	if _, n := c.s.last(); n != 8+20 {
		t.Errorf("one address had %d messages sent", n-8)
	}
}

func TestTwilio(t *testing.T) {
	c := open(t, func(s *sms.Stage) { s.Provider, s.Account, s.Auth = sms.Twilio, "AC1", "token" })
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	m, n := c.s.last()
	if n != 1 || m["path"] != "/2010-04-01/Accounts/AC1/Messages.json" || m["To"] != "+15550100" || m["auth"] != "Basic QUMxOnRva2Vu" || !strings.Contains(fmt.Sprint(m["Body"]), " "+c.s.code()) {
		t.Errorf("%v", m)
	}
}

// What the service refuses is for admins; the code is not among it.
func TestRefused(t *testing.T) {
	c := open(t)
	c.s.answer(400, "no credit for BODY")
	c.b.Get("f", "")
	out := c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	if got := stagetest.Problem(out, fault.NonField); !strings.HasPrefix(got, "The message can't be sent now.") || required(out) != true {
		t.Errorf("%q", got)
	}
	es := c.Heard(event.ConfigurationError)
	if len(es) != 1 || es[0].Context["message"] != "Error sending SMS" || fmt.Sprint(es[0].Context["status_code"]) != "400" || es[0].Context["body"] != "no credit for ******" || es[0].Context["stage"] == nil {
		t.Errorf("%v", es[0].Context)
	}
	c.s.Close()
	c.Wait(time.Minute)
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"phone_number": "+15550100"}), fault.NonField); !strings.HasPrefix(got, "The message can't be sent now.") {
		t.Errorf("%q", got)
	}
	if es := c.Heard(event.ConfigurationError); len(es) != 2 || !unreached.MatchString(fmt.Sprint(es[1].Context["exc"])) {
		t.Errorf("%v", es)
	}
}

func TestMapping(t *testing.T) {
	c := open(t, func(s *sms.Stage) { s.AuthType = gateway.Bearer })
	other := "00000000-0000-4000-8000-000000000000"
	c.stage.Mapping = &other
	if err := c.Store.Update(store.WithActor(t.Context(), store.House), c.stage); err == nil {
		t.Error("a mapping that does not exist is taken")
	}
	m := stagetest.New[event.WebhookMapping](c.House)
	m.Name, m.Expression = "to the office's modem", c.Scripts.Say(func(_ context.Context, v expr.Vars) (any, error) {
		d, s := v["device"].(*expr.Facts), v["stage"].(*expr.Facts)
		if v["request"] != nil || s.Attrs["from_number"] != "+1" {
			return nil, fmt.Errorf("%v", v)
		}
		return map[string]any{"recipient": d.Attrs["phone_number"], "text": v["token"], "who": v["user"].(*user.User).Username, "Body": v["token"]}, nil
	})
	c.Make(m)
	c.stage.Mapping = &m.PK
	c.Change(c.stage)
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	got, _ := c.s.last()
	if got["recipient"] != "+15550100" || got["who"] != "ada" || got["text"] != c.s.code() || got["auth"] != "Bearer gate" || got["To"] != nil {
		t.Errorf("%v", got)
	}
	if out := c.b.Post("f", "", map[string]any{"code": number(c.s.code())}); stagetest.Component(out) != stagetest.Paused {
		t.Error(stagetest.Component(out))
	}
	m.Expression = c.Scripts.Say(func(context.Context, expr.Vars) (any, error) {
		return nil, fault.New(fault.Invalid, "NameError: name 'x' is not defined")
	})
	c.Change(m)
	c.b.Post("f", "", nil)
	c.b.Get("f", "")
	if got := stagetest.Problem(c.b.Post("f", "", map[string]any{"phone_number": "+15550200"}), fault.NonField); !strings.HasPrefix(got, "The message can't be sent now.") {
		t.Errorf("%q", got)
	}
	if es := c.Heard(event.ConfigurationError); len(es) != 1 || !strings.Contains(fmt.Sprint(es[0].Context["exc"]), "NameError") {
		t.Errorf("%v", es)
	}
}

// At a sign-in: a code is sent when the phone is chosen, counts once, for five minutes, and for its owner.
func TestFactor(t *testing.T) {
	c := open(t)
	c.b.Get("f", "")
	c.b.Post("f", "", map[string]any{"phone_number": "+15550100"})
	setUp := c.s.code()
	c.b.Post("f", "", map[string]any{"code": number(setUp)})
	f := sms.Factor{Store: c.Store}
	ds, err := f.Confirmed(t.Context(), c.ada.PK)
	if err != nil || len(ds) != 1 || ds[0].Class != "sms" || ds[0].Name != "SMS Device" {
		t.Fatalf("%v %v", ds, err)
	}
	brand, err := c.Brands.For(t.Context(), "login.office.lan")
	if err != nil {
		t.Fatal(err)
	}
	turn := func() *stage.Turn {
		return &stage.Turn{Ctx: t.Context(), Now: c.Now(), User: c.ada, Brand: brand, Plan: stage.NewPlan("x", nil)}
	}
	check := func(code string) device.Proof {
		t.Helper()
		p, err := f.Code(turn(), ds, code)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	send := func() stage.Error {
		t.Helper()
		tu := turn()
		say, err := f.Send(tu, ds[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, fn := range tu.Pending() {
			c.Write(fn)
		}
		return say
	}
	for _, bad := range []string{setUp, "", " "} {
		if check(bad).Device != nil {
			t.Errorf("%q opens before a code was sent", bad)
		}
	}
	c.Wait(time.Minute)
	if say := send(); say.String != "" {
		t.Fatal(say)
	}
	if say := send(); say.Code != "throttled" {
		t.Errorf("%v", say)
	}
	code := c.s.code()
	var stored string
	if err := c.Store.DB().QueryRow(t.Context(), `SELECT token FROM sms_devices`).Scan(&stored); err != nil || strings.Contains(stored, code) || stored == "" {
		t.Errorf("the code lies in the clear: %q %v", stored, err)
	}
	p, q := check(code[:3]+" "+code[3:]), check(code)
	if p.Device == nil || check("x"+code).Device != nil {
		t.Fatal("the code does not open")
	}
	c.Write(p.Write)
	if err := c.Store.Write(t.Context(), store.House, q.Write); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second of two requests: %v", err)
	}
	if check(code).Device != nil {
		t.Error("a code counts twice")
	}
	c.Wait(time.Minute)
	send()
	code = c.s.code()
	c.Wait(5*time.Minute + time.Second)
	if check(code).Device != nil {
		t.Error("a code counts after five minutes")
	}
}
