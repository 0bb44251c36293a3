package lock

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead: whatever another program left in the lock file, reading it gives a holder or none.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"", `{"pid":1}`, `{"pid":"x"}`, `{"pid":1e999}`, "null", "\x00\x00", `{"pid":1`} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "lock")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if first, second := read(file), read(file); first != second {
			t.Errorf("%+v, then %+v", first, second)
		}
	})
}
