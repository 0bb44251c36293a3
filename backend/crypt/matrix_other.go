//go:build !linux

package crypt

// newMatrix gives memory for one hash.
func newMatrix() []argonBlock { return make([]argonBlock, argonMemory) }

// freeMatrix gives it back: the garbage collector does.
func freeMatrix([]argonBlock) {}
