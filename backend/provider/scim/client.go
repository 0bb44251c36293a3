package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

const (
	media      = "application/scim+json"
	userURN    = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN   = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchURN   = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	listPage   = 100
	mostListed = 50_000 // of a system that is looked through as a whole
	// longestPause is the most that a system may ask to be left alone.
	longestPause = time.Hour
)

// remote is the system of a provider as a client sees it.
type remote struct {
	client             *http.Client
	base, token, agent string
}

// ability is what a system says that it can (ServiceProviderConfig). Known is false when it does not say: then nothing is taken for granted.
type ability struct {
	Known, Patch, Filter bool
	Max                  int // of a page
}

// refusal is an answer of 300 and more, or one that is no SCIM.
type refusal struct {
	status int
	detail string
	after  time.Duration // Retry-After
}

// Error implements error: the sentence that people read.
func (e *refusal) Error() string {
	says := ""
	if e.detail != "" {
		says = " It says: " + e.detail
	}
	switch {
	case e.status == http.StatusUnauthorized:
		return "The other system refuses the token." + says
	case e.status == http.StatusForbidden:
		return "The other system does not allow this." + says
	case e.status == http.StatusNotFound:
		return "The other system has nothing at this address." + says
	case e.status == http.StatusConflict:
		return "The other system has one of this name already." + says
	case e.status == http.StatusTooManyRequests:
		return "The other system wants fewer requests." + says
	case e.status == http.StatusMethodNotAllowed, e.status == http.StatusNotImplemented:
		return "The other system can't do this." + says
	case e.status >= 500:
		return "The other system failed (" + strconv.Itoa(e.status) + ")." + says
	case e.status >= 300 && e.status < 400:
		return "The other system sends requests on to another address. Write that address into the provider."
	case e.status < 300:
		return "The other system's answer is not SCIM." + says
	}
	return "The other system refuses this (" + strconv.Itoa(e.status) + ")." + says
}

// status gives the status of a refusal, 0 for any other error.
func status(err error) int {
	var no *refusal
	if errors.As(err, &no) {
		return no.status
	}
	return 0
}

// down says whether an error is of the system as a whole, so that nobody else needs to be tried now, and how long it wants to be left alone.
func down(err error) (after time.Duration, yes bool) {
	var no *refusal
	if errors.As(err, &no) {
		switch no.status {
		case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return no.after, true
		}
		return 0, no.status >= 300 && no.status < 400
	}
	return 0, fault.Is(err, fault.Unavailable)
}

// do sends a request and decodes the answer's object into out; out may be nil.
func (c *remote) do(ctx context.Context, method, path string, body, out any) error {
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, text)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "The address of the provider is none.", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", media)
	req.Header.Set("User-Agent", c.agent)
	if body != nil {
		req.Header.Set("Content-Type", media)
	}
	res, err := c.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return outbound.Say("The other system", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, outbound.ErrTooLarge) { // the answer to what may have been done is lost
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return outbound.Say("The other system", err)
	}
	if res.StatusCode >= 300 {
		return &refusal{status: res.StatusCode, detail: detail(b), after: retryAfter(res.Header.Get("Retry-After"))}
	}
	if out == nil || res.StatusCode == http.StatusNoContent && len(b) == 0 {
		return nil
	}
	if err != nil || json.Unmarshal(b, out) != nil {
		return &refusal{status: res.StatusCode}
	}
	return nil
}

// detail gives what an error says, in at most some words.
func detail(body []byte) string {
	var e struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	text := strings.Join(strings.Fields(e.Detail), " ")
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

// retryAfter reads the header, seconds or a date.
func retryAfter(v string) time.Duration {
	v = strings.TrimSpace(v)
	var d time.Duration
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		d = time.Duration(min(n, int(longestPause/time.Second))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = time.Until(at)
	}
	return max(0, min(d, longestPause))
}

// discover asks what the system can. One that does not say is taken for one that can as little as can be.
func (c *remote) discover(ctx context.Context) (ability, error) {
	var got struct {
		Patch  struct{ Supported bool } `json:"patch"`
		Filter struct {
			Supported  bool
			MaxResults int `json:"maxResults"`
		} `json:"filter"`
	}
	err := c.do(ctx, http.MethodGet, "/ServiceProviderConfig", nil, &got)
	if _, yes := down(err); yes || err != nil && status(err) == 0 {
		return ability{}, err
	}
	if err != nil {
		return ability{}, nil
	}
	return ability{Known: true, Patch: got.Patch.Supported, Filter: got.Filter.Supported, Max: got.Filter.MaxResults}, nil
}

// resource is what is read of a person or group there.
type resource struct {
	ID         string `json:"id"`
	ExternalID string `json:"externalId"`
	UserName   string `json:"userName"`
	Display    string `json:"displayName"`
	Active     *bool  `json:"active"`
	Members    []struct {
		Value string `json:"value"`
	} `json:"members"`
}

type list struct {
	Total     int        `json:"totalResults"`
	Resources []resource `json:"Resources"`
}

// endpoint is where people or groups are.
func endpoint(kind string) string {
	if kind == "group" {
		return "/Groups"
	}
	return "/Users"
}

// nameOf is the attribute by which people or groups are told apart.
func nameOf(kind string) string {
	if kind == "group" {
		return "displayName"
	}
	return "userName"
}

func (r *resource) name(kind string) string {
	if kind == "group" {
		return r.Display
	}
	return r.UserName
}

// find looks for somebody by what Gatehouse calls them, then by name. A system that overlooks the filter answers with others, one that
// can't filter is looked through.
func (c *remote) find(ctx context.Context, kind, external, name string) (*resource, error) {
	for _, by := range []struct {
		attr, value string
		is          func(*resource) bool
	}{
		{"externalId", external, func(r *resource) bool { return r.ExternalID == external }},
		{nameOf(kind), name, func(r *resource) bool { return strings.EqualFold(r.name(kind), name) }},
	} {
		if by.value == "" {
			continue
		}
		var got list
		err := c.do(ctx, http.MethodGet, endpoint(kind)+"?"+url.Values{"filter": {by.attr + " eq " + quoted(by.value)}}.Encode(), nil, &got)
		var hits []resource
		switch no := status(err); {
		case err == nil && (got.Total <= len(got.Resources) || len(matching(got.Resources, by.is)) > 0):
			hits = matching(got.Resources, by.is)
		case err == nil, no == 400, no == 403, no == 404, no == 405, no == 500, no == 501: // it can't filter by this, or not at all
			err = c.each(ctx, kind, "", func(r *resource) bool {
				if by.is(r) {
					hits = append(hits, *r)
				}
				return len(hits) < 2
			})
			if err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
		if len(hits) > 1 {
			return nil, fault.Newf(fault.Conflict, "The other system has several of the %s %s. Remove all but one there.", by.attr, by.value)
		}
		if len(hits) == 1 && hits[0].ID != "" {
			return &hits[0], nil
		}
	}
	return nil, nil
}

func matching(all []resource, is func(*resource) bool) (out []resource) {
	for i := range all {
		if is(&all[i]) {
			out = append(out, all[i])
		}
	}
	return out
}

// quoted is a text in a filter.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// errEndless is a list that does not end, or is too long to be looked through.
var errEndless = fault.New(fault.Invalid, "The other system has too many to look through, or its list does not end.")

// each reads a list page by page until fn has enough.
func (c *remote) each(ctx context.Context, kind, attributes string, fn func(*resource) bool) error {
	start := 1
	return c.eachFrom(ctx, kind, attributes, &start, fn)
}

// eachFrom is each from a place on, at which a list that broke off can go on.
func (c *remote) eachFrom(ctx context.Context, kind, attributes string, at *int, fn func(*resource) bool) error {
	for {
		start := *at
		q := url.Values{"startIndex": {strconv.Itoa(start)}, "count": {strconv.Itoa(listPage)}}
		if attributes != "" {
			q.Set("attributes", attributes)
		}
		var got list
		if err := c.do(ctx, http.MethodGet, endpoint(kind)+"?"+q.Encode(), nil, &got); err != nil {
			return err
		}
		for i := range got.Resources {
			if !fn(&got.Resources[i]) {
				return nil
			}
		}
		start += len(got.Resources)
		*at = start
		if len(got.Resources) == 0 || start > got.Total {
			return nil
		}
		if start > mostListed {
			return errEndless
		}
	}
}
