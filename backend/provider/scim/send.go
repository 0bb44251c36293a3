package scim

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"gatehouse/backend/fault"
)

// What is done with a person or group at the other system.
const (
	none    = ""
	create  = "create"
	change  = "change"
	disable = "disable"
	erase   = "erase"
)

// job is what is to be done with one of them, and then what came of it.
type job struct {
	kind, key, name string
	row             *row // what is known; nil: nothing
	do              string
	body            map[string]any // without the members of a group
	digest          string
	members         []string // there, of a group

	// What came of it.
	done    bool
	id      string // there, "" when it is not there any more
	adopted bool
	err     error
	state   string
	forget  bool // nobody needs the row any more
	unsure  bool // a create may still come through: who was looked for is not there yet
}

// mostOps is how many operations a patch has at most, and how many members one operation.
const mostOps = 100

// sender does jobs at one system.
type sender struct {
	*remote
	able   ability
	method string
	noPut  *atomic.Bool // the system can't take whole people
	taken  func(ctx context.Context, kind, id, but string) (string, error)
}

// send does a job. What it returns is also the job's own error, unless the system is down.
func (s *sender) send(ctx context.Context, j *job) error {
	if j.row != nil {
		j.id = j.row.id
	}
	switch j.do {
	case create:
		return s.create(ctx, j, j.row != nil && j.row.asked > 0)
	case change:
		err := s.change(ctx, j)
		if status(err) == http.StatusNotFound { // somebody deleted it there
			j.id, j.row.members = "", nil
			return s.create(ctx, j, true)
		}
		return err
	case disable, erase:
		return s.part(ctx, j)
	}
	return nil
}

// create makes somebody there, or takes over who is there already: who was made by a try whose answer was lost, or who has the same name.
func (s *sender) create(ctx context.Context, j *job, look bool) error {
	if look {
		if found, err := s.adopt(ctx, j); err != nil || found {
			return err
		}
	}
	body := withMembers(j, false)
	var made resource
	err := s.do(ctx, http.MethodPost, endpoint(j.kind), body, &made)
	if status(err) == http.StatusConflict {
		found, e := s.adopt(ctx, j)
		if e != nil {
			return e
		}
		if found {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	if made.ID == "" {
		return errNoID
	}
	j.id = made.ID
	return nil
}

// errNoID ends a sync: who is made once would be made again and again.
var errNoID = fault.New(fault.Invalid, "SCIM Response with missing or invalid `id`: the other system does not say under which id it keeps people. Nobody else is made there.")

// adopt links somebody who is there already and makes them as they are here.
func (s *sender) adopt(ctx context.Context, j *job) (bool, error) {
	found, err := s.find(ctx, j.kind, text(j.body, "externalId"), text(j.body, nameOf(j.kind)))
	if err != nil || found == nil {
		return false, err
	}
	other, err := s.taken(ctx, j.kind, found.ID, j.key)
	if err != nil {
		return false, err
	}
	if other != "" {
		return false, fault.Newf(fault.Conflict, "The other system has this name already, for %s.", other)
	}
	j.id, j.adopted = found.ID, true
	known := *j
	known.row = &row{id: found.ID}
	for _, m := range found.Members {
		known.row.members = append(known.row.members, m.Value)
	}
	return true, s.change(ctx, &known)
}

// withMembers gives the body with the members of a group; none are only said where it matters.
func withMembers(j *job, always bool) map[string]any {
	if j.kind != "group" || len(j.members) == 0 && !always {
		return j.body
	}
	out := make(map[string]any, len(j.body)+1)
	for k, v := range j.body {
		out[k] = v
	}
	out["members"] = refs(j.members)
	return out
}

// change makes somebody there as they are here.
func (s *sender) change(ctx context.Context, j *job) error {
	path := endpoint(j.kind) + "/" + url.PathEscape(j.id)
	patches := s.method == patch || s.method == auto && (s.able.Patch || s.noPut.Load())
	if j.kind == "group" && patches && j.row.sent == j.digest && j.row.sent != "" {
		err := s.patchMembers(ctx, path, j.row.members, j.members)
		if no := status(err); err == nil || no == http.StatusNotFound || no < 400 || s.method == patch {
			return err
		}
		if _, yes := down(err); yes {
			return err
		}
	}
	var err error
	if s.method != patch && !s.noPut.Load() {
		err = s.do(ctx, http.MethodPut, path, withMembers(j, true), nil)
		no := status(err)
		switch {
		case err == nil || s.method == put || no < 400 || no == http.StatusNotFound || no == http.StatusConflict:
			return err
		case no == http.StatusMethodNotAllowed || no == http.StatusNotImplemented:
			s.noPut.Store(true)
		case j.kind != "group" || s.able.Known && !s.able.Patch:
			return err
		}
		if _, yes := down(err); yes {
			return err
		}
	}
	if e := s.patchWhole(ctx, path, j); e == nil || err == nil || status(e) == 0 {
		return e
	}
	return err
}

// op is one operation of a patch.
type op struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

func (s *sender) patch(ctx context.Context, path string, ops ...op) error {
	for part := range slices.Chunk(ops, mostOps) {
		if err := s.do(ctx, http.MethodPatch, path, map[string]any{"schemas": []string{patchURN}, "Operations": part}, nil); err != nil {
			return err
		}
	}
	return nil
}

// patchWhole replaces every attribute that is sent, and the members.
func (s *sender) patchWhole(ctx context.Context, path string, j *job) error {
	value := make(map[string]any, len(j.body))
	for k, v := range j.body {
		if k != "schemas" {
			value[k] = v
		}
	}
	if err := s.patch(ctx, path, op{Op: "replace", Value: value}); err != nil {
		return err
	}
	switch {
	case j.kind != "group":
		return nil
	case j.row.sent != "":
		return s.patchMembers(ctx, path, j.row.members, j.members)
	case len(j.members) == 0:
		return s.patch(ctx, path, op{Op: "remove", Path: "members"})
	}
	return s.patch(ctx, path, op{"replace", "members", refs(j.members)})
}

// patchMembers adds and removes who is new and who is gone. Removing names each member in the path (RFC 7644 section 3.5.2.2): a system
// that keeps to the letter overlooks a list of values and takes out everybody.
func (s *sender) patchMembers(ctx context.Context, path string, before, after []string) error {
	was, is := map[string]bool{}, map[string]bool{}
	for _, id := range before {
		was[id] = true
	}
	var come []string
	for _, id := range after {
		if is[id] = true; !was[id] {
			come = append(come, id)
		}
	}
	var ops []op
	for part := range slices.Chunk(come, mostOps) {
		ops = append(ops, op{"add", "members", refs(part)})
	}
	for _, id := range before {
		if !is[id] {
			ops = append(ops, op{Op: "remove", Path: `members[value eq ` + quoted(id) + `]`})
		}
	}
	return s.patch(ctx, path, ops...)
}

// part deletes somebody there or switches them off. Who is not there any more is fine.
func (s *sender) part(ctx context.Context, j *job) error {
	if j.id == "" { // a create may have come through
		found, err := s.find(ctx, j.kind, text(j.body, "externalId"), "")
		if err != nil || found == nil {
			j.unsure = err == nil
			return err
		}
		j.id = found.ID
	}
	path := endpoint(j.kind) + "/" + url.PathEscape(j.id)
	var err error
	if j.do == erase {
		err = s.do(ctx, http.MethodDelete, path, nil, nil)
	} else {
		err = s.disable(ctx, path)
	}
	if status(err) == http.StatusNotFound {
		j.id = ""
		return nil
	}
	if err == nil && j.do == erase {
		j.id = ""
	}
	return err
}

// disable switches somebody off there: with what the system itself shows, for they may be gone here.
func (s *sender) disable(ctx context.Context, path string) error {
	if s.method == patch || s.method == auto && (s.able.Patch || s.noPut.Load()) {
		err := s.patch(ctx, path, op{"replace", "active", false})
		if no := status(err); err == nil || no < 400 || no == http.StatusNotFound || s.method == patch {
			return err
		}
	}
	var shown map[string]any
	if err := s.do(ctx, http.MethodGet, path, nil, &shown); err != nil {
		return err
	}
	for k := range shown { // what is the system's own to say
		if low := strings.ToLower(k); low == "id" || low == "meta" || low == "groups" || low == "active" {
			delete(shown, k)
		}
	}
	shown["active"] = false
	return s.do(ctx, http.MethodPut, path, shown, nil)
}
