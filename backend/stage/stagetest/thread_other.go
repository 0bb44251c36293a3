//go:build !linux

package stagetest

import "time"

// threadTime is nothing where nobody tells it: the clock alone decides then.
func threadTime() time.Duration { return 0 }
