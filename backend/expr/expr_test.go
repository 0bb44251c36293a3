package expr

import (
	"errors"
	"testing"
)

func TestTrue(t *testing.T) {
	for _, v := range []any{nil, false, "", 0, int64(0), 0.0, []any{}, map[string]any{}} {
		if True(v) {
			t.Errorf("%#v is false in Python", v)
		}
	}
	for _, v := range []any{true, "x", 1, int64(-1), 0.5, []any{nil}, map[string]any{"a": nil}, struct{}{}} {
		if !True(v) {
			t.Errorf("%#v is true in Python", v)
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		e    Error
		want string
	}{
		{Error{Type: "KeyError", Text: "'x'", Line: 3}, "KeyError: 'x' (line 3)"},
		{Error{Type: "StopIteration"}, "StopIteration"},
	} {
		c.e.Err = cause
		if got := c.e.Error(); got != c.want || !errors.Is(&c.e, cause) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
