//go:build !windows

package crypt

import (
	"errors"
	"os"

	"gatehouse/backend/fault"
)

// guard refuses a key file that others of this computer may read.
func guard(path string) error {
	if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o077 != 0 {
		return fault.Newf(fault.Unavailable, "Other users of this computer can read the key file %s. Set its mode to 0600 (chmod 600), then start again.", path)
	}
	return nil
}

// syncDir makes a new name durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
