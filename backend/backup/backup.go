// Package backup keeps a whole house in one encrypted file and puts it back.
//
//	Create ──▶ age(passphrase) ▸ gzip ▸ tar: gatehouse.db, key, uploads/…, manifest.json (hashes of all)
//	Restore ──▶ staging folder ▸ passphrase, hashes, database, version ──▶ note ▸ old data out ▸ new data in
//	Recover (every start) ──▶ goes on with a swap that was killed, clears what a kill left
package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
	"unicode/utf8"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"

	"filippo.io/age"
	"golang.org/x/text/unicode/norm"
)

// The names of what belongs to a house, in its data folder and in a backup.
const (
	Database = "gatehouse.db"
	KeyFile  = "key"
	Uploads  = "uploads"
	manifest = "manifest.json"
)

// format is the version of the layout inside of the file; a higher one is refused.
const format = 1

// minPassphrase is the shortest passphrase in characters: the file holds every secret of the house.
const minPassphrase = 8

// Work factors of scrypt as powers of two. 17 takes 128 MiB and under a second; 18 is what the age tool itself writes.
const (
	workFactor    = 17
	maxWorkFactor = 18
)

// Manifest says what a backup holds.
type Manifest struct {
	Format    int       `json:"format"`
	Version   string    `json:"version"` // of the program that made it
	Created   time.Time `json:"created"`
	InstallID string    `json:"install_id,omitempty"`
	Files     []File    `json:"files"`
}

// File is one member of a backup.
type File struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Source is the house to save.
type Source struct {
	DB        *db.DB
	KeyFile   string // path of the key
	UploadDir string // "" or a folder that isn't there: nothing was uploaded
	Version   string
	InstallID string
	TempDir   string           // for the copy of the database; "": beside the database
	Now       func() time.Time // nil: time.Now
	work      int              // scrypt's work factor; 0: workFactor
}

// checkPassphrase refuses what is too short and gives one spelling for what looks alike on different keyboards (Unicode NFC).
func checkPassphrase(p string) (string, error) {
	p = norm.NFC.String(p)
	if utf8.RuneCountInString(p) < minPassphrase {
		return "", fault.Newf(fault.Invalid, "The passphrase needs at least %d characters. Keep it where you find it without this computer: without it the backup can't be read.", minPassphrase)
	}
	return p, nil
}

// Create writes a backup to w while the house goes on working. Nothing is written to w before the copy of the database is whole;
// after an error w holds no usable backup.
func Create(ctx context.Context, w io.Writer, passphrase string, src Source) (Manifest, error) {
	passphrase, err := checkPassphrase(passphrase)
	if err != nil {
		return Manifest{}, err
	}
	if src.Now == nil {
		src.Now = time.Now
	}
	if src.work == 0 {
		src.work = workFactor
	}
	if src.TempDir == "" {
		src.TempDir = filepath.Dir(src.DB.Path())
	}
	temp, err := os.MkdirTemp(src.TempDir, backupTemp+"*") // mode 0700
	if err != nil {
		return Manifest{}, fault.Wrap(fault.Unavailable, "The backup can't be made: there is no room for a copy of the database. Check the disk.", err)
	}
	defer os.RemoveAll(temp)
	m := Manifest{Format: format, Version: src.Version, Created: src.Now().UTC().Truncate(time.Second), InstallID: src.InstallID}
	copied := filepath.Join(temp, Database)
	if err := src.DB.Backup(ctx, copied); err != nil {
		return Manifest{}, err
	}

	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return Manifest{}, err
	}
	recipient.SetWorkFactor(src.work)
	sealed, err := age.Encrypt(ctxWriter{ctx, w}, recipient)
	if err != nil {
		return Manifest{}, err
	}
	packed := gzip.NewWriter(sealed)
	a := archive{tar: tar.NewWriter(packed), m: &m}
	if err := a.addAll(copied, src); err != nil {
		if ctx.Err() != nil {
			return Manifest{}, ctx.Err()
		}
		return Manifest{}, err
	}
	return m, errors.Join(a.tar.Close(), packed.Close(), sealed.Close())
}

// CreateFile writes a backup to a new file with mode 0600. It refuses to replace a file; after an error there is none.
func CreateFile(ctx context.Context, name, passphrase string, src Source) (m Manifest, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return m, fault.Wrap(fault.Conflict, fmt.Sprintf("%s exists already. Choose another name.", name), err)
	}
	if err != nil {
		return m, fault.Wrap(fault.Unavailable, fmt.Sprintf("%s can't be written. Choose another folder.", name), err)
	}
	m, err = Create(ctx, f, passphrase, src)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(name)
		if db.IsFull(err) {
			err = fault.Wrap(fault.Unavailable, "The disk is full, so the backup was not made. Free some space, then try again.", err)
		}
	}
	return m, err
}

// archive writes members and notes them in the manifest.
type archive struct {
	tar *tar.Writer
	m   *Manifest
}

func (a archive) addAll(copied string, src Source) error {
	if err := a.addFile(Database, copied); err != nil {
		return err
	}
	if err := a.addFile(KeyFile, src.KeyFile); err != nil {
		return fault.Wrap(fault.Unavailable, "The key file can't be read, so the backup was not made. Check the rights on it.", err)
	}
	if src.UploadDir != "" {
		if err := a.addTree(src.UploadDir); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(a.m, "", "  ")
	if err != nil {
		return err
	}
	if err := a.tar.WriteHeader(a.header(manifest, int64(len(text)))); err != nil {
		return err
	}
	_, err = a.tar.Write(text)
	return err
}

func (a archive) addTree(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was uploaded, or it was removed meanwhile
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, fmt.Sprintf("%s can't be read, so the backup was not made. Check the rights on it.", name), err)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		err = a.addFile(path.Join(Uploads, filepath.ToSlash(rel)), name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (a archive) header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.m.Created, Format: tar.FormatPAX}
}

func (a archive) addFile(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := a.tar.WriteHeader(a.header(name, st.Size())); err != nil {
		return err
	}
	h := sha256.New()
	if n, err := io.Copy(io.MultiWriter(a.tar, h), io.LimitReader(f, st.Size())); err != nil {
		return err
	} else if n < st.Size() {
		return fault.Newf(fault.Unavailable, "%s changed while the backup was made. Try again.", name)
	}
	a.m.Files = append(a.m.Files, File{Name: name, Size: st.Size(), SHA256: sum(h)})
	return nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// ctxWriter and ctxReader end a long stream when its caller has gone.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c ctxWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
