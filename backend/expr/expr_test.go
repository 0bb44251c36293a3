package expr

import (
	"context"
	"testing"

	"gatehouse/backend/fault"
)

func TestNatives(t *testing.T) {
	n := NewNatives(map[string]Native{"return 1": func(context.Context, Vars) (any, error) { return 1, nil }})
	for _, text := range []string{"return 1", "return 1\n", "return 1 \r\n"} {
		if v, err := n.Run(t.Context(), "one", text, nil); err != nil || v != 1 {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
	for _, text := range []string{"return 2", " return 1", ""} {
		if _, err := n.Run(t.Context(), "other", text, nil); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: %v, want Unavailable", text, err)
		}
	}
	if n.Check("x") != nil || n.Check(" \n") == nil {
		t.Error("Check: a text is fine, blank is not")
	}
}

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
