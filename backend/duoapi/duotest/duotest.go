// Package duotest is a Duo for tests: a server that speaks the Auth API and the Admin API, and takes only requests that are signed as Duo's
// documents say. It does not use the client's own code for that.
package duotest

import (
	"crypto/hmac"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The keys of the two applications.
const (
	Key, Secret           = "DIWJ8X6AEYOR5OMC6TQ1", "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"
	AdminKey, AdminSecret = "DIADMINADMINADMINADM", "adminadminadminadminadminadminadminadmin"
)

// Server is a Duo with a few people.
type Server struct {
	Host string // with port, as a stage names it
	*httptest.Server

	mu       sync.Mutex
	People   []Person
	Preauth  string                       // what preauth says; "" = auth
	Answer   func(q url.Values) [2]string // what a person answers: result and status; nil = allow
	Status   string                       // of enrolments; "" = waiting
	Fail     map[string]map[string]any    // by path: what is refused instead
	Asked    []url.Values                 // each question to a person
	Calls    []string                     // each path that was asked rightly
	Hold     chan struct{}                // a question waits for it
	Twice    bool                         // a name may enrol again
	PageSize int                          // of the list of people; 0 = what is asked for
	enrolled map[string]map[string]string // activation code by person
}

// Person is somebody whom Duo knows.
type Person struct {
	ID   string `json:"user_id"`
	Name string `json:"username"`
}

// Start begins to listen; the test ends it.
func Start(t testing.TB) *Server {
	s := &Server{Fail: map[string]map[string]any{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Server.Close)
	s.Host = s.Listener.Addr().String()
	return s
}

// TLS trusts the server.
func (s *Server) TLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// Set changes something between requests.
func (s *Server) Set(f func(s *Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// Questions gives what people were asked so far.
func (s *Server) Questions() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.Asked)
}

// signed checks a request by the document: the lines are date, method, host, path and sorted parameters.
func (s *Server) signed(r *http.Request, params url.Values) bool {
	key, sig, ok := r.BasicAuth()
	secret := map[string]string{Key: Secret, AdminKey: AdminSecret}[key]
	if !ok || secret == "" || strings.HasPrefix(r.URL.Path, "/admin/") != (key == AdminKey) {
		return false
	}
	date, err := time.Parse(time.RFC1123Z, r.Header.Get("Date"))
	if err != nil || time.Since(date).Abs() > 5*time.Minute {
		return false
	}
	var pairs []string
	for name, vs := range params {
		for _, v := range vs {
			pairs = append(pairs, percent(name)+"="+percent(v))
		}
	}
	slices.Sort(pairs)
	m := hmac.New(sha512.New, []byte(secret))
	fmt.Fprintf(m, "%s\n%s\n%s\n%s\n%s", r.Header.Get("Date"), r.Method, strings.ToLower(r.Host), r.URL.Path, strings.Join(pairs, "&"))
	want, err := hex.DecodeString(sig)
	return err == nil && hmac.Equal(want, m.Sum(nil))
}

// percent writes a text as RFC 3986 section 2.3 does.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func say(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone away
}

func fine(w http.ResponseWriter, response any) {
	say(w, 200, map[string]any{"stat": "OK", "response": response})
}

func refuse(w http.ResponseWriter, status, code int, message, detail string) {
	say(w, status, map[string]any{"stat": "FAIL", "code": code, "message": message, "message_detail": detail})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, 400, 40000, "Bad request", "")
		return
	}
	params := r.PostForm
	if r.Method == http.MethodGet {
		params = r.URL.Query()
	}
	if !s.signed(r, params) {
		refuse(w, 401, 40103, "Invalid signature in request credentials", "")
		return
	}
	s.mu.Lock()
	s.Calls = append(s.Calls, r.URL.Path)
	bad, hold := s.Fail[r.URL.Path], s.Hold
	s.mu.Unlock()
	if bad != nil {
		say(w, 400, bad)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /auth/v2/enroll":
		s.enroll(w, params)
	case "POST /auth/v2/enroll_status":
		s.status(w, params)
	case "POST /auth/v2/preauth":
		s.mu.Lock()
		res := s.Preauth
		s.mu.Unlock()
		if res == "" {
			res = "auth"
		}
		fine(w, map[string]any{"result": res, "status_msg": "Account is active"})
	case "POST /auth/v2/auth":
		s.mu.Lock()
		s.Asked = append(s.Asked, params)
		answer := s.Answer
		s.mu.Unlock()
		if hold != nil {
			select {
			case <-hold:
			case <-r.Context().Done():
				return
			}
		}
		res := [2]string{"allow", "allow"}
		if answer != nil {
			res = answer(params)
		}
		fine(w, map[string]any{"result": res[0], "status": res[1], "status_msg": "Said so."})
	case "GET /admin/v1/users":
		s.list(w, params)
	default:
		refuse(w, 404, 40401, "Resource not found", "")
	}
}

func (s *Server) enroll(w http.ResponseWriter, params url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := params.Get("username")
	if !s.Twice && slices.ContainsFunc(s.People, func(p Person) bool { return p.Name == name }) {
		refuse(w, 400, 40002, "Invalid request parameters", "username")
		return
	}
	id := fmt.Sprintf("DU%018d", len(s.People)+1)
	code := "duo://" + id + "-YXBpLWhvc3Q"
	s.People = append(s.People, Person{id, name})
	if s.enrolled == nil {
		s.enrolled = map[string]map[string]string{}
	}
	s.enrolled[id] = map[string]string{"code": code}
	fine(w, map[string]any{
		"activation_barcode": "https://" + s.Host + "/frame/qr?value=8LIRa5danrICkhHtkLxi-cKLu2DWzDYCmBwBHY2YzW5ZYnYaRxA", "activation_code": code,
		"expiration": time.Now().Add(time.Hour).Unix(), "user_id": id, "username": name,
	})
}

func (s *Server) status(w http.ResponseWriter, params url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.enrolled[params.Get("user_id")]
	switch {
	case e == nil || e["code"] != params.Get("activation_code"):
		fine(w, "invalid")
	case s.Status == "":
		fine(w, "waiting")
	default:
		fine(w, s.Status)
	}
}

func (s *Server) list(w http.ResponseWriter, params url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit, err1 := strconv.Atoi(params.Get("limit"))
	offset, err2 := strconv.Atoi(params.Get("offset"))
	if err1 != nil || err2 != nil || limit > 300 || offset < 0 || offset > len(s.People) {
		refuse(w, 400, 40002, "Invalid request parameters", "limit")
		return
	}
	if s.PageSize > 0 {
		limit = s.PageSize
	}
	end := min(offset+limit, len(s.People))
	meta := map[string]any{"total_objects": len(s.People)}
	if end < len(s.People) {
		meta["next_offset"] = end
	}
	say(w, 200, map[string]any{"stat": "OK", "response": s.People[offset:end], "metadata": meta})
}
