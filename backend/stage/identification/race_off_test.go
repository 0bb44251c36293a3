//go:build !race

package identification_test

// part is how far medians may lie apart: a tenth (security case 20).
const part = 10
