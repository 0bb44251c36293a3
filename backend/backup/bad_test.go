package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
)

// damage overwrites the middle of a file.
func damage(t testing.TB, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(b); i++ {
		b[i] = 0xAA
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGoBack(t *testing.T) {
	dir, src := house(t, "old")
	if _, err := GoBack(t.Context(), target(dir)); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "gatehouse restore FILE") {
		t.Errorf("without a copy: %v", err)
	}
	last := filepath.Join(dir, Copies, "before-1.0-20261101T080000.000000Z.db")
	if err := os.Mkdir(filepath.Dir(last), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := src.DB.Backup(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if err := src.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec("UPDATE thing SET name = 'new'"); return err }); err != nil {
		t.Fatal(err)
	}
	src.DB.Close()
	put(t, filepath.Join(dir, Database+"-wal"), "a log that belongs to the damaged file")
	damage(t, filepath.Join(dir, Database))
	bad, key := read(t, dir, Database), read(t, dir, KeyFile)
	got, err := GoBack(t.Context(), target(dir))
	if err != nil || got != last {
		t.Fatalf("%q %v", got, err)
	}
	if name(t, dir) != "old" || read(t, dir, KeyFile) != key || read(t, dir, Uploads, "icon.png") != "old icon" {
		t.Error("not the house of before, or key and uploads went")
	}
	kept := filepath.Join(dir, "replaced-20261124T080000.000000Z")
	if read(t, kept, Database) != bad || read(t, kept, Database+"-wal") == "" {
		t.Error("the damaged file was not kept")
	}
	if _, err := os.Stat(filepath.Join(kept, KeyFile)); err == nil {
		t.Error("the key moved")
	}
	if _, err := os.Stat(last); err != nil {
		t.Error("the copy is gone:", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) != 0 {
		t.Error("left behind:", left)
	}
	// A copy that is damaged too changes nothing.
	damage(t, last)
	if _, err := GoBack(t.Context(), target(dir)); !fault.Is(err, fault.Invalid) || name(t, dir) != "old" {
		t.Errorf("a damaged copy: %v", err)
	}
}

// A kill while the copy moves in leaves key and uploads where they are.
func TestGoBackRecovers(t *testing.T) {
	for stop := range 12 {
		dir, src := house(t, "old")
		staging := filepath.Join(dir, stagingTemp+"1")
		if err := os.Mkdir(staging, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := src.DB.Backup(t.Context(), filepath.Join(staging, Database)); err != nil {
			t.Fatal(err)
		}
		if err := src.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec("UPDATE thing SET name = 'new'"); return err }); err != nil {
			t.Fatal(err)
		}
		src.DB.Close()
		key := read(t, dir, KeyFile)
		n := note{phaseOut, stagingTemp + "1", replaced + "x", true}
		if err := os.Mkdir(filepath.Join(dir, n.Old), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := writeNote(dir, n); err != nil {
			t.Fatal(err)
		}
		left := stop
		move := func(from, to string) {
			for _, m := range n.members() {
				if left--; left < 0 {
					return
				}
				os.Rename(filepath.Join(from, m), filepath.Join(to, m))
			}
		}
		move(dir, filepath.Join(dir, n.Old))
		if left--; left >= 0 {
			n.Phase = phaseIn
			if err := writeNote(dir, n); err != nil {
				t.Fatal(err)
			}
			move(staging, dir)
		}
		if err := Recover(dir); err != nil {
			t.Fatal(stop, err)
		}
		if name(t, dir) != "old" || name(t, filepath.Join(dir, n.Old)) != "new" || read(t, dir, KeyFile) != key || read(t, dir, Uploads, "icon.png") != "old icon" {
			t.Errorf("killed after %d steps: %q in place", stop, name(t, dir))
		}
	}
}
