package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/backend/fault"

	"github.com/pressly/goose/v3"
)

// applicationID marks our files in SQLite's header ("Gate").
const applicationID = 0x47617465

// An upgrade under way is noted in a file beside the database that holds the path of the copy, so that a kill at any moment can be
// made good. The end of its name says what goes on; one becomes the other by a rename, which a full disk allows.
const (
	migrating = ".upgrade" // steps run; the next start goes on from where they were
	restoring = ".restore" // the copy is being put back
)

// readNote gives the note of an upgrade that was not finished, two empty texts when there is none.
func readNote(path string) (verb, copy string, err error) {
	for _, verb := range []string{restoring, migrating} {
		b, err := os.ReadFile(path + verb)
		if err == nil {
			return verb, strings.TrimSuffix(string(b), "\n"), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
	}
	return "", "", nil
}

func writeNote(path, copy string) error {
	part := path + migrating + ".part"
	err := os.WriteFile(part, []byte(copy+"\n"), 0o600)
	if err == nil {
		err = syncFile(part)
	}
	if err == nil {
		err = os.Rename(part, path+migrating)
	}
	if err != nil {
		os.Remove(part)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func noteRestoring(path string) error {
	if err := os.Rename(path+migrating, path+restoring); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func dropNote(path string) error {
	for _, verb := range []string{migrating, restoring} {
		if err := os.Remove(path + verb); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(filepath.Dir(path))
}

// upgrade brings the file at path to the newest migration, or leaves it as it was and says why.
func upgrade(ctx context.Context, path string, o Options) error {
	verb, copy, err := readNote(path)
	if err != nil {
		return err
	}
	if verb == restoring {
		o.Log.Warn("going on with putting back the copy made before an upgrade", "copy", copy)
		if err := putBack(path, copy); err != nil {
			return err
		}
		verb = ""
	}
	st, err := inspect(ctx, path, o.Migrations)
	if err != nil {
		return err
	}
	if len(st.newer) > 0 {
		return newerFault(path, o)
	}
	if st.empty && verb == "" && LastCopy(o.CopyDir) != "" {
		return vanished(path, o)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if len(st.pending) == 0 && verb == "" {
		return nil
	}
	switch _, err := os.Stat(copy); {
	case st.empty, verb == migrating && copy == "": // there was nothing before
		copy = ""
	case verb != migrating || err != nil:
		if copy, err = makeCopy(ctx, path, o); err != nil {
			return err
		}
	}
	if err := writeNote(path, copy); err != nil {
		if copy != "" && verb != migrating {
			os.Remove(copy) // nothing was changed, so nobody needs it
		}
		return err
	}
	o.Log.Info("upgrading the database", "steps", len(st.pending), "copy", copy)
	if err := migrate(ctx, path, o); err != nil {
		o.Log.Error("the upgrade of the database failed; the state before it is put back", "error", err)
		e := noteRestoring(path)
		if e == nil {
			e = putBack(path, copy)
		}
		if e != nil {
			return fault.Wrap(fault.Unavailable, fmt.Sprintf("The upgrade of the database failed and the state before it could not be put back yet. The copy is %s. Start again to go on.", copy), errors.Join(err, e))
		}
		if IsFull(err) {
			return err
		}
		return fault.Wrap(fault.Internal, "The upgrade of the database failed, so everything is as it was before. The log has the details; go back to the earlier version of Gatehouse until it is mended.", err)
	}
	return dropNote(path)
}

func newerFault(path string, o Options) error {
	return fault.New(fault.Unavailable, fmt.Sprintf("%s was written by a newer version of Gatehouse. Nothing was changed. Install that version again.", path)+
		goBack(path, o.CopyDir, " Or go back to before the last upgrade:"))
}

// goBack tells how to use the newest copy, "" when there is none.
func goBack(path, copyDir, lead string) string {
	last := LastCopy(copyDir)
	if last == "" {
		return ""
	}
	return fmt.Sprintf("%s gatehouse restore --last-copy --data \"%s\" puts %s in its place and keeps what is there now.", lead, filepath.Dir(path), last)
}

// vanished says that a database that was there before is empty or gone. Where a copy lies there was one.
func vanished(path string, o Options) error {
	return fault.New(fault.Unavailable, fmt.Sprintf("%s is empty or gone, though there was a database before. Restore your newest backup. To begin anew, use an empty folder.", path)+
		goBack(path, o.CopyDir, " If you have none, go back to before the last upgrade:"))
}

// putBack makes the database what it was before the upgrade; it may be called again after a kill. No copy means that there was nothing.
func putBack(path, copy string) error {
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if copy == "" {
		if err := os.Truncate(path, 0); err != nil {
			return err
		}
		return dropNote(path)
	}
	// A copy that is gone has been moved already.
	if _, err := os.Stat(copy); err == nil {
		if err := moveOver(copy, path); err != nil {
			return err
		}
	}
	return dropNote(path)
}

// migrate runs the pending steps. goose commits each with its number, so a kill between two steps loses none. References are
// checked at the end and not on the way: a step may build a table anew and drop the old one.
func migrate(ctx context.Context, path string, o Options) (err error) {
	// The page cache and busy_timeout as for writing; foreign_keys stays off.
	db, err := sql.Open("sqlite", dsn(path, append(commonPragmas(), "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_pragma=cache_size(-8000)", fmt.Sprintf("_pragma=application_id(%d)", applicationID))...))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, o.Migrations, goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return err
	}
	done, err := p.Up(ctx)
	if err != nil {
		return err
	}
	for _, r := range done {
		o.Log.Info("database step", "step", r.Source.Path, "took", r.Duration)
	}
	return checkReferences(ctx, db)
}

// state is what a look at a file tells.
type state struct {
	empty   bool    // no tables yet
	pending []int64 // steps that the file lacks
	newer   []int64 // steps that this program doesn't know
}

// Verify looks at a database that isn't open, without changing it: nil when it is one of ours, sound, and not from a newer version.
// migrations nil means Migrations().
func Verify(ctx context.Context, path string, migrations fs.FS) error {
	o := Options{Migrations: migrations}.complete(path)
	st, err := inspect(ctx, path, o.Migrations)
	if err != nil {
		return explain(err, path, "")
	}
	if st.empty {
		return fault.New(fault.Invalid, fmt.Sprintf("%s holds no data.", path))
	}
	if len(st.newer) > 0 {
		return fault.New(fault.Conflict, "This data was written by a newer version of Gatehouse. Install that version, then try again.")
	}
	return explain(soundFile(ctx, path), path, "")
}

// inspect reads the file without writing to it.
func inspect(ctx context.Context, path string, migrations fs.FS) (state, error) {
	known, err := versions(migrations)
	if err != nil {
		return state{}, err
	}
	st := state{empty: true, pending: known}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return st, err
	}
	db, err := openReadOnly(path)
	if err != nil {
		return st, err
	}
	defer db.Close()
	var tables, ours, id int
	err = db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(name = 'goose_db_version'), 0) FROM sqlite_schema").Scan(&tables, &ours)
	if err != nil {
		return st, err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return st, err
	}
	if tables > 0 && id != applicationID {
		return st, fault.New(fault.Unavailable, fmt.Sprintf("%s is a database of another program. Name another file.", path))
	}
	st.empty = tables == 0
	if ours == 0 {
		return st, nil
	}
	applied := map[int64]bool{}
	rows, err := db.QueryContext(ctx, "SELECT version_id FROM goose_db_version WHERE version_id > 0 AND is_applied ORDER BY version_id")
	if err != nil {
		return st, err
	}
	defer rows.Close()
	isKnown := map[int64]bool{}
	for _, v := range known {
		isKnown[v] = true
	}
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return st, err
		}
		applied[v] = true
		if !isKnown[v] {
			st.newer = append(st.newer, v)
		}
	}
	st.pending = nil
	for _, v := range known {
		if !applied[v] {
			st.pending = append(st.pending, v)
		}
	}
	return st, rows.Err()
}

// versions gives the numbers of the migrations: what stands before the first "_" of a file's name.
func versions(migrations fs.FS) ([]int64, error) {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, n := range names {
		v, err := goose.NumericComponent(n)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", n, err)
		}
		all = append(all, v)
	}
	return all, nil
}

func openReadOnly(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, append(commonPragmas(), "mode=ro", "_pragma=query_only(1)")...))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}
