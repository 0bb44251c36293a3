// Package db is the only room that knows SQLite: one writer whose queued functions share a durable commit, four readers,
// migrations with a copy made before, and the few SQL fragments that differ between databases.
//
//	Open ──▶ unfinished upgrade? ▸ ours and not newer? (read only) ──▶ copy ▸ migrate ──▶ pools
//	Write(fn) ──▶ queue ──▶ BEGIN ▸ SAVEPOINT fn ▸ SAVEPOINT fn … ▸ COMMIT ──▶ sync of the log ──▶ AfterCommit
//	Query, QueryRow ──▶ readers (never wait for the writer)
package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/backend/fault"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations gives the migrations of this program, one SQL file a change.
func Migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	return sub
}

// readers is the number of read connections: the knee of the throughput curve, each with up to 8 MB of page cache, as the writer has.
const readers = 4

// Options are what Open needs. The zero value opens with the built-in migrations and the system's clock.
type Options struct {
	Migrations fs.FS            // nil: Migrations()
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger     // nil: nothing is logged
	Version    string           // of this program; names the copies
	CopyDir    string           // where copies made before an upgrade go; "": the folder "copies" beside the file

	sync func(*os.File) error // how the log gets to the disk; nil: syncData
}

func (o Options) complete(path string) Options {
	if o.Migrations == nil {
		o.Migrations = Migrations()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	if o.CopyDir == "" {
		o.CopyDir = filepath.Join(filepath.Dir(path), "copies")
	}
	return o
}

// DB is an open database. All methods may be called from any goroutine.
type DB struct {
	path  string
	o     Options
	pool  *sql.DB // readers
	reads atomic.Uint64
	// commits is raised before and after each commit.
	commits atomic.Uint64
	wpool   *sql.DB // one connection, held by the writer
	sync    *syncer
	stmts   *stmtCache

	mu      sync.Mutex // guards closed together with open.Add
	closed  bool
	open    sync.WaitGroup // writes under way
	queue   chan *job
	stopped chan struct{} // closed when the writer has ended
}

// Open opens or creates the database at path, upgrades it, and starts the writer. The file gets mode 0600.
//
// It returns a fault whose sentence says what to do: the folder can't be written, the disk is full, the file is damaged or
// belongs to another program, or it was written by a newer version; in the last two cases no byte of it is touched.
// A failed upgrade puts the state from before it back.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "The path of the database can't be used.", err)
	}
	o = o.complete(path)
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	if err := upgrade(ctx, path, o); err != nil {
		return nil, explain(err, path, o.CopyDir)
	}
	d := &DB{path: path, o: o, queue: make(chan *job), stopped: make(chan struct{})}
	if d.wpool, err = sql.Open("sqlite", dsn(path, writerPragmas()...)); err != nil {
		return nil, explain(err, path, o.CopyDir)
	}
	d.wpool.SetMaxOpenConns(1)
	if d.pool, err = sql.Open("sqlite", dsn(path, readerPragmas()...)); err != nil {
		d.wpool.Close()
		return nil, explain(err, path, o.CopyDir)
	}
	d.pool.SetMaxOpenConns(readers)
	d.pool.SetMaxIdleConns(readers)
	d.stmts = newStmtCache(d.pool)

	w := &writer{d: d}
	if err := errors.Join(w.connect(), d.pool.PingContext(ctx)); err != nil {
		d.wpool.Close()
		d.pool.Close()
		return nil, explain(err, path, o.CopyDir)
	}
	d.sync = startSyncer(d)
	go w.loop()
	return d, nil
}

// prepareFile makes the folder and the file with their modes and proves that the folder can be written.
func prepareFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return notWritable(dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return notWritable(dir, err)
	}
	probe.Close()
	os.Remove(probe.Name())

	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		if st, e := os.Stat(path); e == nil && st.IsDir() {
			return fault.Wrap(fault.Unavailable, fmt.Sprintf("%s is a folder. Name a file for the database.", path), err)
		}
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't write to %s. Give its user the right to write to this file, then start again.", path), err)
	}
	defer f.Close()
	return nil
}

func notWritable(dir string, err error) error {
	if isNoSpace(err) {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The disk that holds %s is full. Free some space, then start again.", dir), err)
	}
	return fault.Wrap(fault.Unavailable, fmt.Sprintf("Gatehouse can't write to the folder %s. Give its user the right to write there, then start again.", dir), err)
}

// dsn makes a URI, so that any character may stand in the path. busy_timeout always comes first (the driver sorts it so).
func dsn(path string, params ...string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // a drive letter
	}
	u := url.URL{Scheme: "file", Path: p}
	return u.String() + "?" + strings.Join(params, "&")
}

// common pragmas: a double-quoted word is a name and never a text, and a file can't bring functions of its own.
func commonPragmas() []string {
	return []string{"_dqs=0", "_defensive=1", "_pragma=busy_timeout(5000)", "_pragma=trusted_schema(0)"}
}

// The writer's cache is small: a commit that reordered pages walks over all of it (pcache1Truncate), and what it needs is few pages that are
// hot, and the system's cache behind them. The log is folded in every 16 MiB: pages that every write changes are copied once for many.
func writerPragmas() []string {
	return append(commonPragmas(), "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)", "_pragma=foreign_keys(1)", // the syncer does the rest
		"_pragma=cache_size(-2000)", "_pragma=wal_autocheckpoint(4000)", "_pragma=temp_store(MEMORY)", "_pragma=journal_size_limit(67108864)")
}

func readerPragmas() []string {
	return append(commonPragmas(), "_pragma=query_only(1)", "_pragma=cache_size(-8000)", "_pragma=foreign_keys(1)")
}

// Query reads rows on a read connection. Close the rows before the next query of the same goroutine: there are only a few connections.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	d.reads.Add(1)
	s, err := d.stmts.get(ctx, query)
	if err != nil {
		return nil, plain(err)
	}
	defer d.stmts.put(s)
	rows, err := s.stmt.QueryContext(ctx, args...)
	return rows, plain(err)
}

// QueryRow reads at most one row on a read connection; errors come from Scan (sql.ErrNoRows when there is none).
func (d *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	d.reads.Add(1)
	s, err := d.stmts.get(ctx, query)
	if err != nil {
		return d.pool.QueryRowContext(ctx, query, args...) // fails the same way, in the row
	}
	defer d.stmts.put(s)
	return s.stmt.QueryRowContext(ctx, args...)
}

// Reads counts the statements that ran on read connections since the file was opened.
func (d *DB) Reads() uint64 { return d.reads.Load() }

// Commits gives a number that stays the same exactly while nothing is committed: what was read after it was asked for is as it was when
// it is asked for again and is the same.
func (d *DB) Commits() uint64 { return d.commits.Load() }

// Path gives the absolute path of the file.
func (d *DB) Path() string { return d.path }

// Size gives the bytes on disk, with what is not yet folded into the main file.
func (d *DB) Size() int64 {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		if st, err := os.Stat(d.path + suffix); err == nil {
			n += st.Size()
		}
	}
	return n
}

// Close runs what is queued, folds the log into the file and closes it. Later writes are refused as Unavailable; a second call does nothing.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		<-d.stopped
		return nil
	}
	d.closed = true
	d.mu.Unlock()

	d.open.Wait()
	close(d.queue)
	<-d.stopped
	d.stmts.close()
	err := d.pool.Close()
	// The writer is the last connection: closing it checkpoints and removes the log.
	return plain(errors.Join(err, d.wpool.Close()))
}
