package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

func packed(t testing.TB, members ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m[0], Mode: 0o600, Size: int64(len(m[1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzUnpack: an archive that is not one of ours is refused, and writes nothing outside of its folder.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(""))
	f.Add(packed(f, [2]string{manifest, `{"format":1,"files":[]}`}))
	f.Add(packed(f, [2]string{"../outside", "x"}, [2]string{manifest, `{}`}))
	f.Add(packed(f, [2]string{Database, "x"}, [2]string{KeyFile, "y"}, [2]string{manifest, `{"format":1,"files":[{"name":"` + Database + `"}]}`}))
	f.Add(packed(f, [2]string{"/etc/x", "x"}))
	f.Add(packed(f, [2]string{manifest, `{"format":1e9}`})[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		base := t.TempDir()
		if _, err := unpackTar(bytes.NewReader(b), filepath.Join(base, "in")); err == nil {
			t.Error("an archive without a database is taken")
		}
		if err := filepath.WalkDir(base, func(path string, _ fs.DirEntry, err error) error {
			if rel, _ := filepath.Rel(base, path); err == nil && rel != "." && rel != "in" && !strings.HasPrefix(rel, "in"+string(filepath.Separator)) {
				t.Errorf("%s was written", rel)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzHeader: a file that is no backup of ours says so in words, whatever its first bytes are.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"", "age-encryption.org/v1\n", "age-encryption.org/v1\n-> scrypt AAAA 18\n", "age-encryption.org/v1\n-> scrypt bm90IGEgc2FsdCBhdCBhbGw 99\nAAAA\n--- AAAA\n", "PK\x03\x04", "-----BEGIN AGE ENCRYPTED FILE-----\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := unpack(context.Background(), bytes.NewReader(b), "a passphrase that is long enough", t.TempDir())
		if say := fault.As(err).Say; err == nil || fault.Is(err, fault.Internal) || say == "" {
			t.Errorf("%q: %v", b, err)
		}
	})
}
