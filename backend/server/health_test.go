package server

import (
	"encoding/base64"
	"strings"
	"testing"

	"gatehouse/backend/config"
)

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	w := &lockedWriter{}
	o := testOptions(t.TempDir(), false, w)
	o.Config.Metrics = config.Metrics{Secret: "scrape-me-please"}
	h := serveWith(t, o, w) // the wizard is not done: these answer all the same
	basic := func(user, pass string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+pass))
	}
	for _, c := range []struct {
		name, path string
		header     []string
		want       int
	}{
		{"live", "/-/health/live/", nil, 204},
		{"ready", "/-/health/ready/", nil, 204},
		{"no such health", "/-/health/other/", nil, 404},
		{"metrics without the secret", "/-/metrics/", nil, 401},
		{"metrics with a wrong secret", "/-/metrics/", []string{"Authorization", basic("monitor", "scrape-me-pleasf")}, 401},
		{"metrics with a longer secret", "/-/metrics/", []string{"Authorization", basic("monitor", "scrape-me-please1")}, 401},
		{"metrics as somebody else", "/-/metrics/", []string{"Authorization", basic("root", "scrape-me-please")}, 401},
		{"metrics with the admin's token", "/-/metrics/", []string{"Authorization", "Bearer " + bootToken}, 401},
		{"metrics", "/-/metrics/", []string{"Authorization", basic("monitor", "scrape-me-please")}, 200},
	} {
		got := h.browser().get(c.path, c.header...)
		if got.status != c.want {
			t.Errorf("%s: status %d, want %d", c.name, got.status, c.want)
		}
		if got.header.Get("X-Authentik-Id") == "" {
			t.Errorf("%s: no X-authentik-id", c.name)
		}
		if c.want == 200 && !strings.Contains(got.body, "gatehouse_uptime_seconds ") {
			t.Errorf("%s: %s", c.name, got.body)
		}
	}
	if strings.Contains(w.String(), "scrape-me") {
		t.Error("the log holds the secret of the metrics")
	}
}

func TestTokenDefaultsAreTakenOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	settings := func(length int, duration string) (map[string]any, string) {
		w := &lockedWriter{}
		o := testOptions(data, true, w)
		o.Config.Tokens = config.Tokens{Length: length, Duration: duration}
		h := serveWith(t, o, w)
		out := h.api("GET", "admin/settings/", nil, 200)
		h.stop()
		return out, w.String()
	}
	got, log := settings(90, "hours=5")
	if got["default_token_length"] != 90.0 || got["default_token_duration"] != "hours=5" {
		t.Errorf("first start: %v %v", got["default_token_length"], got["default_token_duration"])
	}
	if !strings.Contains(log, "the variables may be removed") {
		t.Error("the log does not say that the variables may be removed")
	}
	got, log = settings(70, "hours=1")
	if got["default_token_length"] != 90.0 || got["default_token_duration"] != "hours=5" {
		t.Errorf("second start: %v %v", got["default_token_length"], got["default_token_duration"])
	}
	if strings.Contains(log, "are in the system settings now") {
		t.Error("they were taken again")
	}
}
