package server

import (
	"context"
	"log/slog"
)

// guests takes the log lines of libraries, which write to the process's default logger: what they have to tell besides warnings is for
// whoever looks for a fault.
type guests struct{ slog.Handler }

// Enabled implements slog.Handler.
func (g guests) Enabled(ctx context.Context, l slog.Level) bool {
	return g.Handler.Enabled(ctx, quieter(l))
}

// Handle implements slog.Handler.
func (g guests) Handle(ctx context.Context, r slog.Record) error {
	r.Level = quieter(r.Level)
	return g.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (g guests) WithAttrs(as []slog.Attr) slog.Handler { return guests{g.Handler.WithAttrs(as)} }

// WithGroup implements slog.Handler.
func (g guests) WithGroup(name string) slog.Handler { return guests{g.Handler.WithGroup(name)} }

func quieter(l slog.Level) slog.Level {
	if l < slog.LevelWarn {
		return min(l, slog.LevelDebug)
	}
	return l
}
