package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"gatehouse/backend/fault"
)

// What this room leaves in the data folder while it works.
const (
	noteName    = "restore.note"
	stagingTemp = ".restore-"
	backupTemp  = ".backup-"
	replaced    = "replaced-"
)

// The swap is a row of renames; the note says how far it got, so that a kill can be made good.
const (
	phaseOut = "out" // old data is moving out: whatever is in place is old
	phaseIn  = "in"  // new data is moving in: whatever is in place is new
)

type note struct {
	Phase   string `json:"phase"`
	Staging string `json:"staging"` // folder names below the data folder
	Old     string `json:"old"`
	Alone   bool   `json:"alone,omitempty"` // only the database is swapped
}

// members are the names that the swap is about.
func (n note) members() []string {
	if n.Alone {
		return members()[:5]
	}
	return members()
}

// members are all names that make up a house; what belongs to the database goes with it.
func members() []string {
	return []string{Database, Database + "-wal", Database + "-shm", Database + ".upgrade", Database + ".restore", KeyFile, Uploads}
}

// swap puts what staging holds in the place of the old data; alone says that it holds a database and nothing else is to go.
func swap(dir, staging string, now time.Time, alone bool) error {
	if err := syncTree(filepath.Join(dir, staging)); err != nil {
		return err
	}
	old := replaced + now.UTC().Format("20060102T150405.000000Z")
	if err := os.Mkdir(filepath.Join(dir, old), 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't write to the folder %s. Give its user the right to write there.", dir), err)
	}
	n := note{phaseOut, staging, old, alone}
	if err := writeNote(dir, n); err != nil {
		return err
	}
	if err := n.move(dir, filepath.Join(dir, old)); err != nil {
		// Nothing new is in place yet: everything goes back.
		if e := errors.Join(n.move(filepath.Join(dir, old), dir), os.Remove(filepath.Join(dir, noteName))); e == nil {
			os.RemoveAll(filepath.Join(dir, staging))
			os.Remove(filepath.Join(dir, old))
			return fault.Wrap(fault.Unavailable, "The old data could not be moved away, so nothing was changed. Close other programs that use the data folder, then try again.", err)
		}
		return halfway(err)
	}
	return moveIn(dir, n)
}

func moveIn(dir string, n note) error {
	n.Phase = phaseIn
	if err := writeNote(dir, n); err != nil {
		return halfway(err)
	}
	if err := n.move(filepath.Join(dir, n.Staging), dir); err != nil {
		return halfway(err)
	}
	if err := os.Remove(filepath.Join(dir, noteName)); err != nil {
		return halfway(err)
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	os.RemoveAll(filepath.Join(dir, n.Staging))
	os.Remove(filepath.Join(dir, n.Old)) // only when there was no old data
	return nil
}

func halfway(err error) error {
	return fault.Wrap(fault.Unavailable, "The backup is only half in place. Check the disk, then start Gatehouse again: it goes on by itself.", err)
}

// Recover completes a restore that was killed while it replaced the data, and removes what a killed backup or restore left. Call
// it at every start, with the lock of the data folder and before the key or the database is opened.
func Recover(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, noteName))
	switch {
	case err == nil:
		var n note
		if err := json.Unmarshal(text, &n); err != nil || filepath.Base(n.Staging) != n.Staging || filepath.Base(n.Old) != n.Old ||
			!strings.HasPrefix(n.Staging, stagingTemp) || !strings.HasPrefix(n.Old, replaced) {
			return fault.Wrap(fault.Unavailable, fmt.Sprintf("%s can't be read. Restore the backup again.", filepath.Join(dir, noteName)), err)
		}
		if err := os.MkdirAll(filepath.Join(dir, n.Old), 0o700); err != nil {
			return halfway(err)
		}
		if n.Phase == phaseOut {
			if err := n.move(dir, filepath.Join(dir, n.Old)); err != nil {
				return halfway(err)
			}
		}
		if err := moveIn(dir, n); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The data folder %s can't be read. Check the rights on it.", dir), err)
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The data folder %s can't be read. Check the rights on it.", dir), err)
	}
	for _, e := range entries {
		if e.IsDir() && (strings.HasPrefix(e.Name(), stagingTemp) || strings.HasPrefix(e.Name(), backupTemp)) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fault.Wrap(fault.Unavailable, fmt.Sprintf("%s can't be removed. Check the rights on it.", filepath.Join(dir, e.Name())), err)
			}
		}
	}
	return nil
}

// move renames the members that are there and makes the renames durable.
func (n note) move(from, to string) error {
	for _, name := range n.members() {
		err := os.Rename(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(syncDir(from), syncDir(to))
}

func writeNote(dir string, n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	part := filepath.Join(dir, noteName+".part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, filepath.Join(dir, noteName)); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(name)
	})
}

// syncDir makes renames durable; Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
