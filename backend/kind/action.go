package kind

import (
	"context"
	"io"
	"net/url"
	"reflect"
	"strings"
)

// None is the body or answer of an action that has none.
type None struct{}

// File is an uploaded file.
type File struct {
	Name string
	Type string
	Body io.Reader // limited by rest; reading past the limit fails with TooLarge
}

// Download is an answer that is a file and not JSON.
type Download struct {
	Name string // file name; "" shows it inline
	Type string // media type
	Body []byte
}

// Call is what an action knows of the request besides its body.
type Call struct {
	Key    string // the value of the URL parameter of a detail action, "" else
	Object any    // the *T that a detail action is about, loaded and permission-checked
	Query  url.Values
	Files  map[string]File // of a multipart body
	Form   url.Values      // the other parts of a multipart body
	// Apply decodes the body onto a struct that holds what is stored: absent fields stay, required ones must be there with PUT.
	Apply func(onto any) error
}

// Param is a documented query parameter of an action.
type Param struct {
	Name     string
	Type     string
	Items    string // type of the elements of an array; "" = string
	Format   string
	Enum     []string
	Default  string
	Required bool
	Help     string
}

// Access says who may call an action; rest checks it before anything is loaded.
type Access int

// The access rules.
const (
	WithPerm  Access = iota // needs Action.Perm, globally or on the object
	SignedIn                // any signed-in user
	InSession               // whoever is at the browser that began what it is about, also before they signed in; described as SignedIn
	Anybody                 // also nobody
)

// Action is an operation besides the generic verbs, typed in and out.
type Action struct {
	Path      string // below the kind's collection or object ("set_password"), or whole below /api/v3/ for an Endpoint ("admin/settings")
	Method    string // "GET", "POST", …
	Operation string // operationId; made from path and method when empty
	Summary   string
	Detail    bool // about one object
	Access    Access
	Perm      string   // codename with app label, or a verb word of the kind ("view", "change")
	Also      []string // further global permissions that are needed
	Owner     bool     // the object's owner needs no permission (Spec.Owner)
	Refused   int      // the status for who is signed in and may not, 0 = 403
	// Of gives the key of the object that an Endpoint with a parameter is about, so that Perm counts on it alone too.
	Of        func(ctx context.Context, key string) (string, error)
	Status    int // 0: 200 with an answer, 204 with None
	Multipart bool
	Query     []Param
	Tag       string
	Answers   map[int]string // further documented statuses with what they mean
	In, Out   reflect.Type
	Refuses   reflect.Type // the body of 400 when it is not the usual one; see Refuse
	Do        func(ctx context.Context, c *Call, in any) (any, error)
}

// Detail makes an action about one object: POST /core/users/{id}/set_password/.
func Detail[In, Out any](method, path, perm string, do func(ctx context.Context, c *Call, in *In) (Out, error)) Action {
	a := Do[In, Out](method, path, do)
	a.Detail, a.Perm = true, perm
	return a
}

// Collection makes an action beside a collection: GET /core/users/me/.
func Collection[In, Out any](method, path, perm string, do func(ctx context.Context, c *Call, in *In) (Out, error)) Action {
	a := Do[In, Out](method, path, do)
	a.Perm = perm
	return a
}

// Do makes an action with types only; the caller sets the rest.
func Do[In, Out any](method, path string, do func(ctx context.Context, c *Call, in *In) (Out, error)) Action {
	return Action{
		Path: path, Method: method, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
		Do: func(ctx context.Context, c *Call, in any) (any, error) {
			p, _ := in.(*In)
			return do(ctx, c, p)
		},
	}
}

// of completes the permission words with the kind's codenames.
func (a *Action) of(k *Kind) {
	switch a.Perm {
	case "view", "add", "change", "delete":
		a.Perm = k.Perm(a.Perm)
	}
}

// FieldsOf describes the fields of any struct type, for bodies and answers of actions.
func FieldsOf(t reflect.Type) []Field { return fieldsOf(t) }

// Refusal is a 400 with a body of its own.
type Refusal struct{ Body any }

// Error implements error.
func (*Refusal) Error() string { return "refused" }

// Refuse makes the error of an action whose Refuses is set: it is answered with 400 and that body.
func Refuse(body any) error { return &Refusal{body} }

// Perms gives whole permissions from a pattern with the verb left out, for Action.Also.
func Perms(pattern string, verbs ...string) []string {
	out := make([]string, 0, len(verbs))
	for _, v := range verbs {
		out = append(out, strings.ReplaceAll(pattern, "%s", v))
	}
	return out
}
