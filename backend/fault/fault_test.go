package fault

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
)

func TestFaults(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	e := Wrap(Unavailable, "The disk is full.", cause)
	if !errors.Is(e, cause) || e.Error() != "The disk is full.: unexpected EOF" {
		t.Errorf("%v", e)
	}
	outer := fmt.Errorf("backup: %w", e)
	if !Is(outer, Unavailable) || Is(outer, Invalid) || Is(nil, Internal) || Is(cause, Internal) {
		t.Error("the kind is not found in the chain")
	}
	if As(nil) != nil || As(outer) != e {
		t.Error("the fault is not found in the chain")
	}
	if f := As(cause); f.Kind != Internal || f.Cause != cause || f.Say == "" || f.Say == cause.Error() {
		t.Errorf("%+v", f)
	}
	if got := (&Error{Fields: map[string][]string{"b": {"two"}, "a": {"one", "more"}}}).Error(); got != "a: one more; b: two" {
		t.Errorf("%q", got)
	}
	if got := Newf(NotFound, "No %s.", "door"); got.Say != "No door." || got.Kind != NotFound {
		t.Errorf("%+v", got)
	}
}

func TestFieldsAreGathered(t *testing.T) {
	var bad Fields
	if bad.Err() != nil || bad.Merge(nil) != nil {
		t.Error("nothing is a fault")
	}
	bad.Add("name", "one")
	if err := bad.Merge(fmt.Errorf("x: %w", Field("name", "two"))); err != nil {
		t.Error(err)
	}
	if err := bad.Merge(Whole("all")); err != nil {
		t.Error(err)
	}
	for _, other := range []error{io.EOF, New(Denied, "No."), New(Invalid, "No."), &Error{Kind: Conflict, Fields: map[string][]string{"a": {"b"}}}} {
		if got := bad.Merge(other); got != other {
			t.Errorf("%v was swallowed", other)
		}
	}
	f := As(bad.Err())
	if want := map[string][]string{"name": {"one", "two"}, NonField: {"all"}}; f.Kind != Invalid || !reflect.DeepEqual(f.Fields, want) {
		t.Errorf("%+v", f)
	}
}

func TestUnder(t *testing.T) {
	err := Under("app", Under("inner", Field("slug", "taken")))
	if want := map[string][]string{"app" + Inside + "inner" + Inside + "slug": {"taken"}}; !reflect.DeepEqual(As(err).Fields, want) {
		t.Errorf("%+v", err)
	}
	if Under("app", io.EOF) != io.EOF || Under("app", nil) != nil {
		t.Error("what is no field fault was changed")
	}
}
