package event

import "time"

// LogEvent is one line that something logged while it ran, as answers and tasks carry it.
type LogEvent struct {
	Timestamp  time.Time      `json:"timestamp" is:"required"`
	LogLevel   string         `json:"log_level" is:"required" enum:"critical,exception,error,warn,warning,info,debug,notset"`
	Logger     string         `json:"logger" is:"required"`
	Event      string         `json:"event" is:"required"`
	Attributes map[string]any `json:"attributes" is:"required"`
}
