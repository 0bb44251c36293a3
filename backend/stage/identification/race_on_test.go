//go:build race

package identification_test

// part is how far medians may lie apart: a quarter here, since the race detector makes the reading of a row cost many times what it does,
// and nothing else of the step.
const part = 4
