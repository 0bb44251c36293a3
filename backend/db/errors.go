package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"gatehouse/backend/fault"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// code gives SQLite's primary result code, 0 when err has none.
func code(err error) int { return extended(err) & 0xff }

func extended(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// IsUnique says whether err is a broken uniqueness (index or primary key) and of which columns, as "table.a, table.b".
func IsUnique(err error) (columns string, ok bool) {
	switch extended(err) {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID:
	default:
		return "", false
	}
	_, after, _ := strings.Cut(err.Error(), "constraint failed: UNIQUE constraint failed: ")
	if i := strings.LastIndex(after, " ("); i >= 0 {
		after = after[:i]
	}
	return after, true
}

// IsForeignKey says whether err is a reference to a row that isn't there, or the removal of one that is still pointed at.
func IsForeignKey(err error) bool { return extended(err) == lib.SQLITE_CONSTRAINT_FOREIGNKEY }

// IsFull says whether err is a full disk.
func IsFull(err error) bool { return code(err) == lib.SQLITE_FULL || isNoSpace(err) }

// IsDamaged says whether err means that the file is no whole database.
func IsDamaged(err error) bool {
	c := code(err)
	return c == lib.SQLITE_CORRUPT || c == lib.SQLITE_NOTADB
}

func isBusy(err error) bool {
	c := code(err)
	return c == lib.SQLITE_BUSY || c == lib.SQLITE_LOCKED
}

// lostTx says whether SQLite may have rolled back the whole transaction and not only the statement.
func lostTx(err error) bool {
	if err == nil {
		return false
	}
	switch code(err) {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_NOMEM, lib.SQLITE_INTERRUPT, lib.SQLITE_BUSY, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB,
		lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL:
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// plain turns the failures that a person has to do something about into faults; other errors stay as they are.
func plain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	switch c := code(err); {
	case IsFull(err):
		return fault.Wrap(fault.Unavailable, "The disk is full. Free some space, then try again.", err)
	case IsDamaged(err):
		return fault.Wrap(fault.Internal, "The database file is damaged. Restore a backup.", err)
	case isBusy(err):
		// The cause is told as text only: nobody is to retry by its code.
		return fault.Wrap(fault.Unavailable, "Another program holds the database. Close it, then try again.", errors.New(err.Error()))
	case c == lib.SQLITE_IOERR || c == lib.SQLITE_READONLY || c == lib.SQLITE_CANTOPEN:
		return fault.Wrap(fault.Unavailable, "The database can't be read or written. Check the disk and the rights on its folder.", err)
	}
	return err
}

// explain is plain for Open, where the reader needs the file's name and the copy to go back to.
func explain(err error, path, copyDir string) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	switch c := code(err); {
	case IsFull(err):
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The disk that holds %s is full. Free some space, then start again.", path), err)
	case IsDamaged(err):
		say := fmt.Sprintf("%s is damaged or no database. Restore your newest backup.", path) +
			goBack(path, copyDir, " If you have none, go back to before the last upgrade:")
		return fault.Wrap(fault.Unavailable, say, err)
	case c == lib.SQLITE_IOERR || c == lib.SQLITE_READONLY || c == lib.SQLITE_CANTOPEN || c == lib.SQLITE_PERM:
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't read or write %s. Check the disk and the rights on its folder, then start again.", path), err)
	}
	if e := plain(err); e != err {
		return e
	}
	return fault.Wrap(fault.Internal, fmt.Sprintf("%s can't be opened. The log has the details.", path), err)
}
