package task

import (
	"encoding/json"
	"time"

	"gatehouse/backend/event"
)

// lines gives what a run said, as its row keeps it.
func lines(at time.Time, name, level string, said ...string) (string, error) {
	out := []event.LogEvent{}
	for _, s := range said {
		out = append(out, event.LogEvent{Timestamp: at.UTC(), LogLevel: level, Logger: "gatehouse.task." + name, Event: s, Attributes: map[string]any{}})
	}
	b, err := json.Marshal(out)
	return string(b), err
}
