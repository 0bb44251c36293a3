package crypt

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// largePage is the size of the large pages of x86-64 and most of arm64.
const largePage = 2 << 20

// matrixBytes is what a matrix needs, in whole large pages.
const matrixBytes = (argonMemory*1024 + largePage - 1) / largePage * largePage

// newMatrix gives memory for one hash, outside of what the garbage collector counts and in large pages where the kernel has some: a hash
// reads all over it, and small pages cost a tenth of its time. nil when the system has no memory left.
func newMatrix() []argonBlock {
	b, err := unix.MmapPtr(-1, 0, nil, matrixBytes+largePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	// The edges of what does not begin with a large page would stay small pages: what is too much goes back at once.
	before := (largePage - uintptr(b)%largePage) % largePage
	m := unsafe.Add(b, before)
	if before > 0 {
		_ = unix.MunmapPtr(b, before)
	}
	if before < largePage {
		_ = unix.MunmapPtr(unsafe.Add(m, matrixBytes), largePage-before)
	}
	_ = unix.Madvise(unsafe.Slice((*byte)(m), matrixBytes), unix.MADV_HUGEPAGE) // a wish
	return unsafe.Slice((*argonBlock)(m), argonMemory)
}

// freeMatrix gives it back; nobody may use it any more.
func freeMatrix(m []argonBlock) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m)), matrixBytes) // what can't be given back stays until the end
}
