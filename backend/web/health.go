package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"runtime"
	"sort"
	"strings"
	"sync/atomic"
	"time"
)

// Health answers /-/health/live/, /-/health/ready/ and /-/metrics/, also before the wizard is done.
type Health struct {
	Ready   func(ctx context.Context) error
	Secret  string // of the metrics; "" lets loopback in without one
	LAN     bool   // metrics also for others than this machine (with the secret)
	Version string
	Started time.Time
	Gauges  func(ctx context.Context) map[string]float64
	count   atomic.Uint64
}

// ServeHTTP implements http.Handler.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/-/health/live/":
		w.WriteHeader(http.StatusNoContent)
	case "/-/health/ready/":
		ctx, stop := context.WithTimeout(r.Context(), 2*time.Second)
		defer stop()
		if err := h.Ready(ctx); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "/-/metrics/":
		h.metrics(w, r)
	default:
		http.NotFound(w, r)
	}
}

// metrics is for loopback unless LAN is set, and asks for the secret by HTTP Basic as monitor; the comparison takes the same time
// whatever was sent (CVE-2024-52307).
func (h *Health) metrics(w http.ResponseWriter, r *http.Request) {
	if !fromLoopback(r) && (!h.LAN || h.Secret == "") {
		http.NotFound(w, r)
		return
	}
	if h.Secret != "" {
		user, pass, _ := r.BasicAuth()
		a, b := sha256.Sum256([]byte(user+"\x00"+pass)), sha256.Sum256([]byte("monitor\x00"+h.Secret))
		if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="metrics"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	h.count.Add(1)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	values := map[string]float64{
		"gatehouse_uptime_seconds":         time.Since(h.Started).Seconds(),
		"gatehouse_heap_bytes":             float64(m.HeapAlloc),
		"gatehouse_goroutines":             float64(runtime.NumGoroutine()),
		"gatehouse_metrics_requests_total": float64(h.count.Load()),
	}
	for k, v := range h.Gauges(r.Context()) {
		values[k] = v
	}
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	sort.Strings(names)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE gatehouse_build_info gauge\ngatehouse_build_info{version=%q} 1\n", h.Version)
	for _, n := range names {
		kind := "gauge"
		if strings.HasSuffix(n, "_total") {
			kind = "counter"
		}
		fmt.Fprintf(&b, "# TYPE %s %s\n%s %g\n", n, kind, n, values[n])
	}
	_, _ = w.Write([]byte(b.String()))
}
