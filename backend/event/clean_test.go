package event

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"gatehouse/backend/store"
)

// Secrets are masked by the names of their keys, however deep, and what is no JSON becomes some.
func TestClean(t *testing.T) {
	got := Clean(map[string]any{
		"Password": "a", "api_key": "a", "TOKEN": 7, "client_secret": true, "signature": "a", "HTTP_COOKIE": "a", "passphrase": "a", "apis": []any{"a"},
		"password_change_date": "b", "passing": false, "field_key": "b", "name": "b", "empty_token": nil,
		"in": map[string]any{"a_token": "a", "list": []any{map[string]any{"key": "a", "x": 1}, "b"}}, "keys": map[string]any{"pass": "a", "x": "b"}, "typed": map[string]string{"secret": "a", "y": "b"},
		"at": time.Date(2026, 11, 29, 10, 30, 0, 5000, time.FixedZone("", 3600)), "life": 90 * time.Second, "failed": errors.New("why"), "bytes": []byte{1, 255}, "texts": []string{"b"},
		"struct": struct {
			Name  string `json:"name"`
			Key   string `json:"key"`
			Never string `json:"-"`
		}{"b", "a", "a"},
	})
	const m = `"` + Mask + `"`
	const want = `{"HTTP_COOKIE":` + m + `,"Password":` + m + `,"TOKEN":` + m + `,"api_key":` + m + `,"apis":["a"],"at":"2026-11-29T09:30:00.000005Z","bytes":"01ff","client_secret":` + m + `,"empty_token":null,"failed":"why","field_key":"b",` +
		`"in":{"a_token":` + m + `,"list":[{"key":` + m + `,"x":1},"b"]},"keys":{"pass":` + m + `,"x":"b"},"life":90,"name":"b","passing":false,"passphrase":` + m + `,"password_change_date":"b","signature":` + m + `,"struct":{"key":` + m + `,"name":"b"},"texts":["b"],"typed":{"secret":` + m + `,"y":"b"}}`
	if b, err := json.Marshal(got); err != nil || string(b) != want {
		t.Errorf("%v\n got %s\nwant %s", err, b, want)
	}
}

// In a flow what its page was opened with stands by name; elsewhere "query" is a word as any other.
func TestAsked(t *testing.T) {
	for _, tt := range []struct {
		h    store.HTTP
		want string
	}{
		{store.HTTP{}, `{}`},
		{store.HTTP{Path: "/api/v3/core/users/", Args: map[string]string{"query": "a=b"}}, `{"query":"a=b"}`},
		{store.HTTP{Path: "/api/v3/flows/executor/f/", Args: map[string]string{"query": "next=%2Fx&itoken=abc&a=1&a=2", "other": "c"}}, `{"a":"2","itoken":"abc","next":"/x"}`},
		{store.HTTP{Path: "/api/v3/flows/executor/f/", Args: map[string]string{"query": "%zz&flow_token=abc"}}, `{"flow_token":"abc"}`},
		{store.HTTP{Path: "/api/v3/flows/executor/f/", Args: map[string]string{"other": "c"}}, `{"other":"c"}`},
	} {
		if b, err := json.Marshal(asked(tt.h)); err != nil || string(b) != tt.want {
			t.Errorf("%v: %s, want %s", tt.h, b, tt.want)
		}
	}
}
