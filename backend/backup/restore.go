package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"

	"filippo.io/age"
)

// maxManifest bounds the manifest in bytes: about 100,000 files.
const maxManifest = 32 << 20

// Target is where a backup is put back.
type Target struct {
	DataDir string
	// Check looks at the database of the backup before anything is replaced; nil: db.Verify with this program's migrations.
	Check func(ctx context.Context, path string) error
	Now   func() time.Time // nil: time.Now
}

// Restore reads a backup and puts it in the place of what the data folder holds. Nobody may have the data folder open: hold its
// lock. All of the backup is proved in a folder of its own first; whatever is wrong with it, the data is not touched. What was
// there before is kept in DataDir/replaced-<time>. After a kill the data folder is as before or Recover completes the swap.
//
// A wrong passphrase is Denied, a damaged or foreign file Invalid, one from a newer version Conflict.
func Restore(ctx context.Context, r io.Reader, passphrase string, t Target) (Manifest, error) {
	passphrase, err := checkPassphrase(passphrase)
	if err != nil {
		return Manifest{}, err
	}
	if t.Now == nil {
		t.Now = time.Now
	}
	if t.Check == nil {
		t.Check = func(ctx context.Context, path string) error { return db.Verify(ctx, path, nil) }
	}
	if err := os.MkdirAll(t.DataDir, 0o700); err != nil {
		return Manifest{}, fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't write to the folder %s. Give its user the right to write there.", t.DataDir), err)
	}
	if err := Recover(t.DataDir); err != nil {
		return Manifest{}, err
	}
	staging, err := os.MkdirTemp(t.DataDir, stagingTemp+"*") // mode 0700
	if err != nil {
		return Manifest{}, fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't write to the folder %s. Give its user the right to write there.", t.DataDir), err)
	}
	m, err := unpack(ctx, r, passphrase, staging)
	if err == nil {
		err = prove(ctx, staging, t)
	}
	if err != nil {
		os.RemoveAll(staging)
		return Manifest{}, err
	}
	return m, swap(t.DataDir, filepath.Base(staging), t.Now(), false)
}

// Copies is the folder of the copies that are made before upgrades.
const Copies = "copies"

// GoBack puts the newest copy made before an upgrade in the place of the database, as Restore does with a backup; key and uploads stay. It
// gives the path of the copy. NotFound when there is none, Invalid when the copy is damaged too.
func GoBack(ctx context.Context, t Target) (string, error) {
	if t.Now == nil {
		t.Now = time.Now
	}
	if t.Check == nil {
		t.Check = func(ctx context.Context, path string) error { return db.Verify(ctx, path, nil) }
	}
	if err := Recover(t.DataDir); err != nil {
		return "", err
	}
	last := db.LastCopy(filepath.Join(t.DataDir, Copies))
	if last == "" {
		return "", fault.Newf(fault.NotFound, "There is no copy in %s: none was made yet. Restore a backup: gatehouse restore FILE", filepath.Join(t.DataDir, Copies))
	}
	staging, err := os.MkdirTemp(t.DataDir, stagingTemp+"*") // mode 0700
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't write to the folder %s. Give its user the right to write there.", t.DataDir), err)
	}
	if err = copyTo(last, filepath.Join(staging, Database)); err == nil {
		err = proveDatabase(ctx, staging, t)
	}
	if err != nil {
		os.RemoveAll(staging)
		if db.IsFull(err) {
			return "", fault.Wrap(fault.Unavailable, "The disk is full. Nothing was changed. Free some space, then try again.", err)
		}
		return "", err
	}
	return last, swap(t.DataDir, filepath.Base(staging), t.Now(), true)
}

func copyTo(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

// prove looks at what was unpacked: the key is a key, and the database is whole and not from a newer version.
func prove(ctx context.Context, staging string, t Target) error {
	key, err := os.ReadFile(filepath.Join(staging, KeyFile))
	if err != nil {
		return err
	}
	if _, err := crypt.ParseKey(key); err != nil {
		return damaged(err)
	}
	return proveDatabase(ctx, staging, t)
}

func proveDatabase(ctx context.Context, staging string, t Target) error {
	if err := t.Check(ctx, filepath.Join(staging, Database)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fault.Is(err, fault.Conflict) {
			return err
		}
		return damaged(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} { // what a look may leave
		if err := os.Remove(filepath.Join(staging, Database+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func damaged(cause error) error {
	return fault.Wrap(fault.Invalid, "The backup is damaged or not complete. Nothing was changed. Use another backup file.", cause)
}

// unpack decrypts and checks the whole stream into dir.
func unpack(ctx context.Context, r io.Reader, passphrase, dir string) (Manifest, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Manifest{}, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	in := &sourceReader{r: ctxReader{ctx, r}}
	opened, err := age.Decrypt(in, identity)
	var none *age.NoIdentityMatchError
	switch {
	case in.err != nil:
		return Manifest{}, in.err
	case errors.As(err, &none):
		return Manifest{}, fault.Wrap(fault.Denied, "The passphrase is wrong. Nothing was changed.", err)
	case err != nil && in.seen < 16:
		return Manifest{}, fault.Wrap(fault.Invalid, "The file is empty. Nothing was changed. Use another backup file.", err)
	case err != nil:
		return Manifest{}, fault.Wrap(fault.Invalid, "This is no backup of Gatehouse, or it is damaged. Nothing was changed. Use another file.", err)
	}
	m, err := unpackTar(opened, dir)
	var f *fault.Error
	switch {
	case in.err != nil:
		return Manifest{}, in.err
	case db.IsFull(err):
		return Manifest{}, fault.Wrap(fault.Unavailable, "The disk is full. Nothing was changed. Free some space, then try again.", err)
	case err != nil && !errors.As(err, &f):
		return Manifest{}, damaged(err)
	}
	return m, err
}

func unpackTar(r io.Reader, dir string) (Manifest, error) {
	packed, err := gzip.NewReader(r)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	got := map[string]File{}
	complete := false
	for t := tar.NewReader(packed); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return m, err
		}
		if complete || h.Typeflag != tar.TypeReg {
			return m, fmt.Errorf("unexpected member %q", h.Name)
		}
		if h.Name == manifest {
			if m, err = readManifest(t); err != nil {
				return m, err
			}
			complete = true
			continue
		}
		if _, twice := got[h.Name]; twice || !allowed(h.Name) {
			return m, fmt.Errorf("unexpected member %q", h.Name)
		}
		f, err := extract(t, h.Name, filepath.Join(dir, filepath.FromSlash(h.Name)))
		if err != nil {
			return m, err
		}
		got[h.Name] = f
	}
	// The last block of the cipher proves that nothing was cut off.
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return m, err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return m, err
	}
	if !complete {
		return m, errors.New("no manifest")
	}
	if len(m.Files) != len(got) {
		return m, errors.New("the manifest names other files")
	}
	for _, f := range m.Files {
		if got[f.Name] != f {
			return m, fmt.Errorf("%s is not what the manifest says", f.Name)
		}
	}
	for _, name := range []string{Database, KeyFile} {
		if _, ok := got[name]; !ok {
			return m, fmt.Errorf("%s is missing", name)
		}
	}
	return m, nil
}

func readManifest(r io.Reader) (Manifest, error) {
	var m Manifest
	text, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if m.Format > format {
		return m, fault.Newf(fault.Conflict, "This backup was made by a newer version of Gatehouse (%.40s). Nothing was changed. Install that version, then try again.", m.Version)
	}
	return m, nil
}

// allowed says whether a member may be unpacked: one of ours, below the folder, and with a name that means the same on every system.
func allowed(name string) bool {
	if name == Database || name == KeyFile {
		return true
	}
	rest, ok := strings.CutPrefix(name, Uploads+"/")
	return ok && fs.ValidPath(rest) && rest != "." && filepath.IsLocal(filepath.FromSlash(rest)) && !strings.ContainsAny(rest, "\\:\x00")
}

func extract(r io.Reader, name, to string) (File, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return File{}, err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r)
	return File{Name: name, Size: n, SHA256: sum(h)}, errors.Join(err, f.Sync(), f.Close())
}

// sourceReader tells errors of the stream itself (a broken upload) from a damaged file.
type sourceReader struct {
	r    io.Reader
	seen int64
	err  error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.seen += int64(n)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		s.err = err
	}
	return n, err
}
