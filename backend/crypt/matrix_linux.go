package crypt

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// newMatrix gives memory for one hash, outside of what the garbage collector counts and in large pages where the kernel has some: a hash
// reads all over it, and small pages cost a tenth of its time. nil when the system has no memory left.
func newMatrix() []argonBlock {
	b, err := unix.Mmap(-1, 0, argonMemory*int(unsafe.Sizeof(argonBlock{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // a wish
	return unsafe.Slice((*argonBlock)(unsafe.Pointer(unsafe.SliceData(b))), argonMemory)
}

// freeMatrix gives it back; nobody may use it any more.
func freeMatrix(m []argonBlock) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m))), len(m)*int(unsafe.Sizeof(argonBlock{})))
	_ = unix.Munmap(b) // what can't be given back stays until the end
}
