package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"gatehouse/backend/fault"
)

// keepCopies is how many copies made before upgrades are kept.
const keepCopies = 5

// Backup writes a whole copy of the committed state to dst, with mode 0600, while writes go on. It refuses to replace a file.
func (d *DB) Backup(ctx context.Context, dst string) error {
	return plain(copyInto(ctx, d.path, dst))
}

// copyInto makes dst a copy of the database src. When it fails or ctx ends, dst is gone.
func copyInto(ctx context.Context, src, dst string) (err error) {
	f, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fault.Wrap(fault.Conflict, fmt.Sprintf("%s exists already. Choose another name.", dst), err)
	}
	if err != nil {
		return notWritable(filepath.Dir(dst), err)
	}
	f.Close()
	defer func() {
		if err != nil {
			os.Remove(dst)
		}
	}()

	conn, err := sql.Open("sqlite", dsn(src, append(commonPragmas(), "_pragma=cache_size(-4000)")...))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", dst); err != nil {
		return err
	}
	return syncFile(dst)
}

// Check reads the whole file and reports the first damage as Internal; nil when the file is sound and every reference leads somewhere.
func (d *DB) Check(ctx context.Context) error { return check(ctx, d.pool, "integrity_check") }

func check(ctx context.Context, db *sql.DB, pragma string) error {
	found, err := texts(ctx, db, "PRAGMA "+pragma+"(1)")
	if err != nil {
		return plain(err)
	}
	if len(found) != 1 || found[0] != "ok" {
		return fault.Wrap(fault.Internal, "The database file is damaged. Restore a backup.", errors.New(strings.Join(found, "; ")))
	}
	return checkReferences(ctx, db)
}

func checkReferences(ctx context.Context, db *sql.DB) error {
	found, err := texts(ctx, db, `SELECT "table" || ' row ' || coalesce(rowid, '?') || ' points at no ' || parent FROM pragma_foreign_key_check LIMIT 1`)
	if err != nil {
		return plain(err)
	}
	if len(found) > 0 {
		return fault.Wrap(fault.Internal, "The database holds a reference that leads nowhere. Restore a backup.", errors.New(found[0]))
	}
	return nil
}

func texts(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// LastCopy gives the path of the newest copy made before an upgrade, "" when dir has none.
func LastCopy(dir string) string {
	all := copies(dir)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// copies lists the copies in dir from old to new; the time is the last part of the name.
func copies(dir string) []string {
	all, err := filepath.Glob(filepath.Join(escapeGlob(dir), "before-*.db"))
	if err != nil {
		return nil
	}
	stamp := func(p string) string { return p[strings.LastIndex(p, "-")+1:] }
	sort.Slice(all, func(i, j int) bool { return stamp(all[i]) < stamp(all[j]) })
	return all
}

func escapeGlob(dir string) string {
	if runtime.GOOS == "windows" {
		return dir // Glob has no escapes there, and file names have no "*" or "?"
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// makeCopy copies the database before an upgrade, proves that the copy is whole, and drops the oldest copies.
func makeCopy(ctx context.Context, path string, o Options) (string, error) {
	if err := os.MkdirAll(o.CopyDir, 0o700); err != nil {
		return "", notWritable(o.CopyDir, err)
	}
	version := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '+' {
			return r
		}
		return '_'
	}, o.Version)
	name := filepath.Join(o.CopyDir, "before-"+version+"-"+o.Now().UTC().Format("20060102T150405.000000Z")+".db")
	part := name + ".part" // a kill leaves nothing that looks whole
	os.Remove(part)
	if err := copyInto(ctx, path, part); err != nil {
		return "", err
	}
	if err := soundFile(ctx, part); err != nil {
		os.Remove(part)
		return "", err
	}
	if err := os.Rename(part, name); err != nil {
		return "", err
	}
	if err := syncDir(o.CopyDir); err != nil {
		return "", err
	}
	all := copies(o.CopyDir)
	for len(all) > keepCopies {
		os.Remove(all[0])
		all = all[1:]
	}
	return name, nil
}

func soundFile(ctx context.Context, path string) error {
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := texts(ctx, db, "PRAGMA quick_check(1)")
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0] != "ok" {
		return fault.Wrap(fault.Unavailable, "The database file is damaged. Restore a backup.", errors.New(strings.Join(found, "; ")))
	}
	return nil
}

// moveOver puts the file from in the place of to, which has no log beside it any more. Between disks the bytes are copied first.
func moveOver(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return syncDir(filepath.Dir(to))
	}
	part := to + ".part"
	if err := copyFile(from, part); err != nil {
		os.Remove(part)
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(to)); err != nil {
		return err
	}
	return os.Remove(from)
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes renames in dir durable. Windows has no such call; its journal keeps them in order.
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
