package duoapi

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	official "github.com/duosecurity/duo_api_golang"
	"github.com/duosecurity/duo_api_golang/authapi"

	"gatehouse/backend/duoapi/duotest"
	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

// The example of Duo's documents ("Authentication"), with the header that they give for it, and the hard texts of Duo's own clients.
func TestPublishedSignature(t *testing.T) {
	c := &Client{Host: "api-XXXXXXXX.duosecurity.com", Key: "DIWJ8X6AEYOR5OMC6TQ1", Secret: "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"}
	got := c.sign("Tue, 21 Aug 2012 17:29:18 -0000", "post", "/accounts/v1/account/list", url.Values{"realname": {"First Last"}, "username": {"root"}})
	const want = "Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6MWJmZmI4OTI0MzQ4ZjdkYjdkYTllN2Q3ZDc0OWRlZDkzYWFmZDAyZDhlOTA0OTYwZGE3Yjk2YzU3NTEwMjIwMTg1YTY0YTI4MjdlZThmMjRhYzVkMzA4MDJhOWVlOTdlNTlkZTQ0YjMwNGIxODI0MmYwZDU5NmQxNWE4MTIyYWY="
	if got != want {
		t.Errorf("%s", got)
	}
	for want, params := range map[string]url.Values{
		"": {},
		"digits=0123456789&punctuation=%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~&whitespace=%09%0A%0B%0C%0D%20": {
			"digits": {"0123456789"}, "punctuation": {"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}, "whitespace": {"\t\n\x0b\x0c\r "}},
		"bar=%E2%A0%95&foo=1&foo_bar=2": {"foo": {"1"}, "foo_bar": {"2"}, "bar": {"⠕"}},
	} {
		if got := escape(params); got != want {
			t.Errorf("%s", got)
		}
	}
}

func start(t *testing.T) (*duotest.Server, *Client, *Client) {
	s := duotest.Start(t)
	allow, err := outbound.ParseAllow("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	h := outbound.New(outbound.Options{Allow: allow, TLS: s.TLS(), Timeout: Longest})
	return s, &Client{s.Host, duotest.Key, duotest.Secret, h, time.Now}, &Client{s.Host, duotest.AdminKey, duotest.AdminSecret, h, time.Now}
}

// Duo's own client is content with the server of the tests, so what ours is held against is no mistake of our own.
func TestOfficialClient(t *testing.T) {
	s, _, _ := start(t)
	api := authapi.NewAuthApi(*official.NewDuoApi(duotest.Key, duotest.Secret, s.Host, "test", official.SetInsecure(), official.SetTimeout(10*time.Second)))
	e, err := api.Enroll(authapi.EnrollUsername("ada lovelace+é~"))
	if err != nil || e.Stat != "OK" || e.Response.User_Id == "" || e.Response.Activation_Code == "" {
		t.Fatalf("%+v %v", e, err)
	}
	st, err := api.EnrollStatus(e.Response.User_Id, e.Response.Activation_Code)
	if err != nil || st.Response != "waiting" {
		t.Errorf("%+v %v", st, err)
	}
	p, err := api.Preauth(authapi.PreauthUserId(e.Response.User_Id))
	if err != nil || p.Response.Result != "auth" {
		t.Errorf("%+v %v", p, err)
	}
	a, err := api.Auth("auto", authapi.AuthUserId(e.Response.User_Id), authapi.AuthDevice("auto"), authapi.AuthPushinfo("Domain=a%20b&Application=x"))
	if err != nil || a.Response.Result != "allow" {
		t.Errorf("%+v %v", a, err)
	}
	wrong := authapi.NewAuthApi(*official.NewDuoApi(duotest.Key, "another secret", s.Host, "test", official.SetInsecure()))
	if e, err := wrong.Enroll(); err != nil || e.Stat != "FAIL" {
		t.Errorf("a wrong secret: %+v %v", e, err)
	}
}

func TestEnroll(t *testing.T) {
	s, c, _ := start(t)
	e, err := c.Enroll(t.Context(), "ada lovelace+é~")
	if err != nil || e.User == "" || e.Code == "" || e.Barcode == "" || time.Until(e.Expires) < 50*time.Minute {
		t.Fatalf("%+v %v", e, err)
	}
	var f *Failure
	if _, err := c.Enroll(t.Context(), "ada lovelace+é~"); !errors.As(err, &f) || f.Code != 40002 || f.Detail != "username" {
		t.Errorf("a name that is known: %v", err)
	}
	for _, want := range []string{Waiting, Success, Invalid, "purple"} {
		s.Set(func(s *duotest.Server) { s.Status = want })
		if want == Waiting {
			s.Set(func(s *duotest.Server) { s.Status = "" })
		}
		if want == "purple" {
			want = Invalid
		}
		if got, err := c.EnrollStatus(t.Context(), e.User, e.Code); err != nil || got != want {
			t.Errorf("%s: %s %v", want, got, err)
		}
	}
}

func TestAsk(t *testing.T) {
	s, c, _ := start(t)
	q := Question{User: "DU1", Address: "192.0.2.7", Type: "Hall & Sons Login request", Display: "ada", Info: url.Values{"Domain": {"login.office.lan"}, "Application": {"Wiki ü"}}}
	if a, err := c.Ask(t.Context(), q); err != nil || !a.Allowed {
		t.Fatalf("%+v %v", a, err)
	}
	got := s.Questions()[0]
	for k, want := range map[string]string{"user_id": "DU1", "ipaddr": "192.0.2.7", "factor": "auto", "device": "auto", "type": "Hall & Sons Login request", "display_username": "ada", "pushinfo": "Application=Wiki+%C3%BC&Domain=login.office.lan"} {
		if got.Get(k) != want {
			t.Errorf("%s: %q", k, got.Get(k))
		}
	}
	for _, tt := range []struct {
		preauth string
		answer  [2]string
		want    Answer
		asked   bool
	}{
		{"auth", [2]string{"deny", "fraud"}, Answer{false, "fraud", "Said so."}, true},
		{"auth", [2]string{"", ""}, Answer{false, "", "Said so."}, true},
		{"allow", [2]string{"deny", "deny"}, Answer{true, "bypass", "Account is active"}, false},
		{"deny", [2]string{"allow", "allow"}, Answer{false, "deny", "Account is active"}, false},
		{"enroll", [2]string{"allow", "allow"}, Answer{false, "enroll", "Account is active"}, false},
		{"purple", [2]string{"allow", "allow"}, Answer{false, "purple", "Account is active"}, false},
	} {
		s.Set(func(s *duotest.Server) {
			s.Preauth, s.Asked, s.Answer = tt.preauth, nil, func(url.Values) [2]string { return tt.answer }
		})
		a, err := c.Ask(t.Context(), q)
		if err != nil || a != tt.want || (len(s.Questions()) == 1) != tt.asked {
			t.Errorf("%s %v: %+v %v, asked %d", tt.preauth, tt.answer, a, err, len(s.Questions()))
		}
	}
}

// Whoever goes away while a person is asked does not leave the request behind.
func TestAskEnds(t *testing.T) {
	s, c, _ := start(t)
	hold := make(chan struct{})
	s.Set(func(s *duotest.Server) { s.Hold = hold })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if a, err := c.Ask(ctx, Question{User: "DU1"}); err == nil || a.Allowed {
		t.Errorf("%+v", a)
	}
	close(hold)
}

func TestUsers(t *testing.T) {
	s, c, admin := start(t)
	s.Set(func(s *duotest.Server) {
		s.PageSize = 2
		for _, n := range []string{"ada", "bob", "cyd", "dan", "eve"} {
			s.People = append(s.People, duotest.Person{ID: "DU" + n, Name: n})
		}
	})
	var got []string
	err := admin.Users(t.Context(), func(u User) error { got = append(got, u.ID+" "+u.Username); return nil })
	if err != nil || !slices.Equal(got, []string{"DUada ada", "DUbob bob", "DUcyd cyd", "DUdan dan", "DUeve eve"}) {
		t.Errorf("%v %v", got, err)
	}
	var f *Failure
	if err := c.Users(t.Context(), func(User) error { return nil }); !errors.As(err, &f) || f.Code != 40103 {
		t.Errorf("the Auth API's keys: %v", err)
	}
	stop := errors.New("stop")
	if err := admin.Users(t.Context(), func(User) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	s, c, _ := start(t)
	for host, secret := range map[string]string{"a/b": "x", "": "x", "u@h": "x", "h?x": "x", "127.0.0.1:1": "x"} {
		d := *c
		d.Host, d.Secret = host, secret
		if _, err := d.Enroll(t.Context(), "ada"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: %v", host, err)
		}
	}
	s.Set(func(s *duotest.Server) { s.Fail["/auth/v2/enroll"] = map[string]any{"hello": "world"} })
	if _, err := c.Enroll(t.Context(), "ada"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no Duo: %v", err)
	}
	late := *c
	late.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	var f *Failure
	if _, err := late.EnrollStatus(t.Context(), "DU1", "x"); !errors.As(err, &f) {
		t.Errorf("a clock that is late: %v", err)
	}
}
