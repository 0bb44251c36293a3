package web

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
)

// maxAnswer is the largest answer to a stage in bytes; a prompt may hold a file.
const maxAnswer = 4 << 20

// Executor is the flow engine for programs: GET asks what comes next, POST answers, both in JSON (flows.md 1.5).
type Executor struct {
	Flows   *flow.Engine
	Cookies Cookies
	Log     *slog.Logger
}

// ServeHTTP implements http.Handler for /api/v3/flows/executor/{slug}/.
func (e *Executor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	in, err := e.input(w, r)
	var out flow.Outcome
	if err == nil {
		out, err = e.Flows.Step(r.Context(), in)
	}
	if err != nil {
		e.fail(w, r, err)
		return
	}
	Prove(w, r, out.Proof)
	if out.Started != nil {
		e.Cookies.Set(w, r, out.Started, out.Key)
	} else if out.Ended {
		e.Cookies.Clear(w, r)
	}
	switch {
	case out.Advance:
		h.Del("Content-Type")
		h.Set("Location", r.URL.RequestURI())
		w.WriteHeader(http.StatusFound)
		return
	case out.To != "":
		out.Challenge = flow.Redirection(out.To)
	}
	b, err := out.Challenge.MarshalJSON()
	if err != nil {
		e.fail(w, r, err)
		return
	}
	_, _ = w.Write(b) // the caller has gone away
}

func (e *Executor) input(w http.ResponseWriter, r *http.Request) (flow.Input, error) {
	ctx := r.Context()
	asked := r.URL.Query()
	in := flow.Input{Slug: r.PathValue("slug"), Next: asked.Get("next"), Session: session.Of(ctx), Base: Base(r), Proven: Proven(r)}
	var err error
	if in.Query, err = url.ParseQuery(asked.Get("query")); err != nil {
		in.Query = url.Values{}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return in, nil
	case http.MethodPost:
	default:
		return in, fault.Newf(fault.Method, "Method \"%s\" not allowed.", r.Method)
	}
	actor := store.ActorOf(ctx)
	if actor.SignedIn() && actor.Token == "" && !e.Cookies.Checked(r) {
		return in, fault.New(fault.Denied, "CSRF Failed: CSRF token missing or incorrect.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.ContentLength != 0 {
		return in, fault.New(fault.Invalid, "Send application/json.")
	}
	switch t {
	case "application/x-www-form-urlencoded", "multipart/form-data":
		if err := parseForm(r); err != nil {
			if tooLarge := new(http.MaxBytesError); !errors.As(err, &tooLarge) {
				err = fault.Wrap(fault.Invalid, "The form can't be read.", err)
			}
			return in, err
		}
		in.Answer, err = FormAnswer(r)
		return in, err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return in, err
	}
	in.Answer = map[string]json.RawMessage{}
	if len(b) == 0 {
		return in, nil
	}
	if err := json.Unmarshal(b, &in.Answer); err != nil || in.Answer == nil {
		return in, fault.New(fault.Invalid, "JSON parse error: the answer is no object.")
	}
	return in, nil
}

func (e *Executor) fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = fault.New(fault.TooLarge, "The answer is too large.")
	}
	f := fault.As(err)
	if f.Kind == fault.Method {
		w.Header().Set("Allow", "GET, HEAD, POST")
	}
	code := map[fault.Kind]int{fault.NotFound: 404, fault.Denied: 403, fault.Invalid: 400, fault.Method: 405, fault.TooLarge: 413, fault.TooMany: 429, fault.Unavailable: 503}[f.Kind]
	if code == 0 {
		code = http.StatusInternalServerError
		e.Log.ErrorContext(r.Context(), "flow failed", "path", r.URL.Path, "error", err, "logger", "gatehouse.flow")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": f.Say}) // the caller has gone away
}

// Base is scheme and host that the caller uses.
func Base(r *http.Request) string { return scheme(r) + "://" + r.Host }
