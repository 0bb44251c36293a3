package task

import (
	"encoding/json"
	"time"

	"gatehouse/backend/event"
)

// said is one line of a run.
type said struct{ level, text string }

// lines gives what a run said, as its row keeps it.
func lines(at time.Time, name string, all ...said) (string, error) {
	out := []event.LogEvent{}
	for _, s := range all {
		out = append(out, event.LogEvent{Timestamp: at.UTC(), LogLevel: s.level, Logger: "gatehouse.task." + name, Event: s.text, Attributes: map[string]any{}})
	}
	b, err := json.Marshal(out)
	return string(b), err
}
