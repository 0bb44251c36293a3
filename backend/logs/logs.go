// Package logs writes the log: one JSON object a line with the published keys (event, level, logger, timestamp, request_id),
// in a file that is rotated and on the terminal, with secrets masked before they reach either.
package logs

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gatehouse/backend/config"

	"gopkg.in/natefinch/lumberjack.v2"
)

// Size and number of the files that are kept.
const (
	fileMegabytes = 10
	filesKept     = 5
)

// Options say where the log goes.
type Options struct {
	Level    slog.Level
	File     string    // "" for none; its folder is made with mode 0700
	Terminal io.Writer // nil for none
	// RequestID reads the id of the request from a context, besides the one that WithRequestID put there; nil for none.
	RequestID func(ctx context.Context) string
}

// New makes the logger; Close ends the file.
func New(o Options) (*slog.Logger, io.Closer) {
	var out []io.Writer
	var file io.Closer = io.NopCloser(nil)
	if o.File != "" {
		// lumberjack would make the folder readable for everybody. When this fails, its own error comes at the first line.
		_ = os.MkdirAll(filepath.Dir(o.File), 0o700)
		l := &lumberjack.Logger{Filename: o.File, MaxSize: fileMegabytes, MaxBackups: filesKept - 1}
		file, out = l, append(out, l)
	}
	if o.Terminal != nil {
		out = append(out, o.Terminal)
	}
	return slog.New(Handler(each(out), o.Level, o.RequestID)), file
}

// each writes to all, whatever becomes of one of them: a full disk must not silence the terminal.
type each []io.Writer

func (e each) Write(p []byte) (int, error) {
	var first error
	for _, w := range e {
		if _, err := w.Write(p); err != nil && first == nil {
			first = err
		}
	}
	return len(p), first
}

type requestKey struct{}

// WithRequestID gives a context whose log lines carry the id of the request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID gives the id that WithRequestID put into the context, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// defaultLogger is the name of who speaks when nobody gave a name with log.With("logger", …).
const defaultLogger = "gatehouse"

// Handler is the handler behind New.
func Handler(w io.Writer, level slog.Leveler, requestID func(context.Context) string) slog.Handler {
	return &handler{inner: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: replace}), requestID: requestID}
}

type handler struct {
	inner     slog.Handler
	requestID func(context.Context) string
	named     bool // a logger's name is among the attributes already
	grouped   bool // inside a group our own keys would land in it
}

func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	named := h.named || h.grouped
	r.Attrs(func(a slog.Attr) bool {
		named = named || a.Key == "logger"
		return !named
	})
	if !named {
		r.AddAttrs(slog.String("logger", defaultLogger))
	}
	id := RequestID(ctx)
	if id == "" && h.requestID != nil {
		id = h.requestID(ctx)
	}
	if id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.inner.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		c.named = c.named || a.Key == "logger" && !h.grouped
	}
	c.inner = h.inner.WithAttrs(attrs)
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	c.inner, c.grouped = h.inner.WithGroup(name), h.grouped || name != ""
	return &c
}

// replace gives slog's own keys their published names and masks the rest.
func replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.TimeKey:
			if a.Value.Kind() == slog.KindTime {
				return slog.String("timestamp", a.Value.Time().Format(time.RFC3339Nano))
			}
		case slog.MessageKey:
			return slog.Attr{Key: "event", Value: a.Value}
		case slog.LevelKey:
			if l, ok := a.Value.Any().(slog.Level); ok {
				return slog.String("level", config.LevelName(l))
			}
		}
	}
	for _, g := range groups {
		if Secret(g) {
			return slog.String(a.Key, Mask)
		}
	}
	return mask(a)
}
