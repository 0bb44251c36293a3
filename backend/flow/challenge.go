package flow

import (
	"encoding/json"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

// Challenge is what a person is shown, with everything around it.
type Challenge struct {
	Component string
	Type      string // native, redirect, shell
	Value     any    // the struct of the stage
	Stage     *stage.Kind
	Errors    stage.Errors // nil: the answer was not wrong, or there was none
	User      bool
	Bare      bool // no flow_info

	Info        Info
	PendingUser string
	Avatar      string
	AppName     string
	Deny        string // where "no" leads, "" for nowhere in particular
}

// Info is flow_info of a challenge.
type Info struct {
	Title      string `json:"title"`
	Background string `json:"background"`
	CancelURL  string `json:"cancel_url"`
	Layout     string `json:"layout"`
}

// AccessDenied is the challenge that ends a flow.
type AccessDenied struct {
	Message string `json:"error_message,omitempty"`
}

// FlowError is the challenge after an error of ours.
type FlowError struct {
	RequestID string  `json:"request_id"`
	Error     *string `json:"error,omitempty" is:"notnull"`
	Traceback *string `json:"traceback,omitempty" is:"notnull"`
}

// Shell is the challenge that holds a page as HTML. Clients know it; Gatehouse, whose pages are drawn on the server, asks none.
type Shell struct {
	Body string `json:"body"`
}

// RedirectTo is the challenge that leads elsewhere.
type RedirectTo struct {
	To string `json:"to"`
}

// Redirection makes the challenge that leads elsewhere.
func Redirection(to string) *Challenge {
	return &Challenge{Component: "xak-flow-redirect", Type: "redirect", Value: &RedirectTo{to}, Bare: true}
}

// Final says whether the flow ends with what is shown: nothing is left to answer.
func (c *Challenge) Final() bool {
	return c.Component == "ak-stage-access-denied" || c.Component == "ak-stage-flow-error"
}

// MarshalJSON gives the published form: the envelope and the stage's own members side by side.
func (c *Challenge) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	if c.Value != nil {
		b, err := json.Marshal(c.Value)
		if err != nil {
			return nil, err
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(b, &fields); err != nil {
			return nil, err
		}
		for name, v := range fields {
			out[name] = v
		}
	}
	out["type"], out["component"] = c.Type, c.Component
	if !c.Bare {
		out["flow_info"] = c.Info
	}
	if c.User {
		out["pending_user"], out["pending_user_avatar"] = c.PendingUser, c.Avatar
	}
	if c.Errors != nil {
		out["response_errors"] = c.Errors
	}
	return json.Marshal(out)
}

func (r *run) challenge(k *stage.Kind, value any) (*Challenge, error) {
	c := &Challenge{Component: k.Component, Type: "native", Value: value, Stage: k, User: k.User}
	return c, r.around(c)
}

func (r *run) builtin(component string, value any) (*Challenge, error) {
	c := &Challenge{Component: component, Type: "native", Value: value}
	return c, r.around(c)
}

// around fills in what stands around a challenge.
func (r *run) around(c *Challenge) error {
	if app := r.plan.Key(stage.Application); app != "" && r.Apps != nil {
		name, err := r.Apps(r.ctx, app)
		if err != nil && !fault.Is(err, fault.NotFound) { // gone meanwhile: the flow goes on without its name
			return err
		}
		c.AppName = name
	}
	c.Deny = r.plan.Text(stage.DenyTo)
	c.Info = Info{Title: r.title(c.AppName), Background: r.flow.picture(), CancelURL: "/flows/-/cancel/", Layout: r.flow.Layout}
	return r.about(c)
}

// about fills in whom a challenge is about.
func (r *run) about(c *Challenge) error {
	c.Avatar = user.DefaultAvatar
	u, err := r.person()
	if err != nil || u == nil {
		return err
	}
	c.PendingUser = u.Username
	if typed := r.plan.Text(stage.PendingIdentifier); typed != "" {
		c.PendingUser = typed
		return nil
	}
	c.Avatar = r.Users.Avatar(r.ctx, u)
	return nil
}

// title puts application and person into the flow's title; a title that is no right format stays as it is.
func (r *run) title(app string) string {
	t := r.flow.Title
	if !strings.Contains(t, "%") {
		return t
	}
	name := r.plan.Text(stage.PendingIdentifier)
	if u, err := r.person(); name == "" && err == nil && u != nil {
		name = u.Username
	}
	out := strings.NewReplacer("%(app)s", app, "%(user)s", name, "%%", "\x00").Replace(t)
	if strings.Contains(out, "%(") {
		return t
	}
	return strings.ReplaceAll(out, "\x00", "%")
}
