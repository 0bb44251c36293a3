package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/backend/fault"
)

var day = time.Date(2026, 11, 24, 8, 0, 0, 123456789, time.UTC)

// steps makes migrations numbered 1, 2, … from their SQL.
func steps(sqls ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i, s := range sqls {
		m["2026010100000"+string(rune('1'+i))+"_step.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + s + "\n")}
	}
	return m
}

const tables = `CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, body TEXT);
CREATE TABLE pet (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES person (id), a TEXT, b TEXT, UNIQUE (a, b));`

func options() Options {
	return Options{Migrations: steps(tables), Version: "1.0", Now: func() time.Time { return day }}
}

func openAt(t testing.TB, path string, o Options) *DB {
	t.Helper()
	d, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func testDB(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "house ?#%.db"), options())
}

func count(t testing.TB, d *DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := d.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func say(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Say
	}
	return ""
}

func TestPragmas(t *testing.T) {
	d := testDB(t)
	want := map[string]string{"journal_mode": "wal", "foreign_keys": "1", "trusted_schema": "0", "busy_timeout": "5000", "mmap_size": "0"}
	reader := map[string]string{"query_only": "1", "cache_size": "-8000"}
	writer := map[string]string{"synchronous": "1", "cache_size": "-2000", "journal_size_limit": "67108864", "wal_autocheckpoint": "4000", "temp_store": "2", "query_only": "0"}
	check := func(who string, want map[string]string, get func(string) *sql.Row) {
		for name, v := range want {
			var got string
			if err := get("PRAGMA " + name).Scan(&got); err == sql.ErrNoRows {
				got = "0"
			} else if err != nil {
				t.Fatal(err)
			}
			if got != v {
				t.Errorf("%s %s = %s, want %s", who, name, got, v)
			}
		}
	}
	read := func(q string) *sql.Row { return d.QueryRow(t.Context(), q) }
	check("reader", want, read)
	check("reader", reader, read)
	if err := d.Write(t.Context(), func(tx *Tx) error {
		check("writer", want, func(q string) *sql.Row { return tx.QueryRow(q) })
		check("writer", writer, func(q string) *sql.Row { return tx.QueryRow(q) })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Query(t.Context(), "DELETE FROM person"); err == nil {
		t.Error("a reader could write")
	}
	if _, err := d.Query(t.Context(), `SELECT "no such column"`); err == nil {
		t.Error("a double-quoted word became a text")
	}
}

func TestFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("modes of files mean nothing here")
		return
	}
	path := filepath.Join(t.TempDir(), "new", "house.db")
	d := openAt(t, path, options())
	if err := d.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO person (name) VALUES ('a')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		st, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%q has mode %v", suffix, st.Mode())
		}
	}
	if d.Size() <= 0 || d.Path() != path {
		t.Error(d.Size(), d.Path())
	}
	d.Close()
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("Close left the log behind")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	openAt(t, path, options())
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v after opening again", st.Mode())
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	os.WriteFile(garbage, bytes.Repeat([]byte("no database "), 1000), 0o600)
	other := filepath.Join(dir, "other.db")
	raw, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec("CREATE TABLE theirs (x)"); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	for _, c := range []struct{ name, path, want string }{
		{"garbage", garbage, "is damaged or no database. Restore your newest backup."},
		{"another program", other, "database of another program"},
		{"a folder", dir, "is a folder"},
		{"folder can't be made", filepath.Join(file, "x", "house.db"), "can't write to the folder"},
	} {
		before, _ := os.ReadFile(c.path)
		_, err := Open(t.Context(), c.path, options())
		if !strings.Contains(say(err), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if after, _ := os.ReadFile(c.path); !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed", c.name)
		}
	}
}

func TestDamagedNamesCopy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	o := options()
	openAt(t, path, o).Close()
	o.Migrations = steps(tables, "CREATE TABLE more (x);")
	openAt(t, path, o).Close()
	last := LastCopy(filepath.Join(dir, "copies"))
	if filepath.Base(last) != "before-1.0-20261124T080000.123456Z.db" {
		t.Fatalf("last copy %q", last)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 20; i < len(b); i++ { // the magic stays, the rest goes
		b[i] = byte(i * 7)
	}
	os.WriteFile(path, b, 0o600)
	_, err = Open(t.Context(), path, o)
	if !strings.Contains(say(err), "damaged") || !strings.Contains(say(err), last) {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	d := openAt(t, path, options())
	if err := d.Write(t.Context(), func(tx *Tx) error {
		for i := range 2000 {
			if _, err := tx.Exec("INSERT INTO person (name, body) VALUES (?, ?)", i, strings.Repeat("x", 50)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Close()
	b, _ := os.ReadFile(path)
	for i := len(b) / 2; i < len(b)/2+8192; i++ {
		b[i] = 0xAA
	}
	os.WriteFile(path, b, 0o600)
	d, err := Open(t.Context(), path, options())
	if err != nil {
		t.Fatal(err) // the header is whole, so it opens
	}
	defer d.Close()
	if err := d.Check(t.Context()); !strings.Contains(say(err), "damaged") {
		t.Errorf("Check: %v", err)
	}
	if err := Verify(t.Context(), path, options().Migrations); !strings.Contains(say(err), "damaged") {
		t.Errorf("Verify: %v", err)
	}
}

func TestBackup(t *testing.T) {
	d := testDB(t)
	dst := filepath.Join(t.TempDir(), "copy.db")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			// Always two rows at once: a copy with an odd number would be torn.
			if err := d.Write(context.Background(), func(tx *Tx) error {
				_, err := tx.Exec("INSERT INTO person (name) VALUES (?), (?)", 2*i, 2*i+1)
				return err
			}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for deadline := time.Now().Add(time.Minute); count(t, d, "SELECT count(*) FROM person") < 50; {
		if time.Now().After(deadline) {
			t.Fatal("no writes")
		}
	}
	err := d.Backup(t.Context(), dst)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(dst); runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if err := Verify(t.Context(), dst, options().Migrations); err != nil {
		t.Fatal(err)
	}
	if err := d.Backup(t.Context(), dst); !fault.Is(err, fault.Conflict) {
		t.Errorf("a file was replaced: %v", err)
	}
	c := openAt(t, dst, options())
	if n := count(t, c, "SELECT count(*) FROM person"); n < 50 || n%2 != 0 {
		t.Errorf("%d rows", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone := filepath.Join(t.TempDir(), "gone.db")
	if err := d.Backup(ctx, gone); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("a cancelled backup left a file")
	}
}

func TestErrors(t *testing.T) {
	d := testDB(t)
	write := func(q string, args ...any) error {
		return d.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec(q, args...); return err })
	}
	if err := write("INSERT INTO person (id, name) VALUES (1, 'a')"); err != nil {
		t.Fatal(err)
	}
	if err := write("INSERT INTO pet (id, owner, a, b) VALUES (1, 1, 'x', 'y')"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ query, columns string }{
		{"INSERT INTO person (name) VALUES ('a')", "person.name"},
		{"INSERT INTO person (id, name) VALUES (1, 'b')", "person.id"},
		{"INSERT INTO pet (owner, a, b) VALUES (1, 'x', 'y')", "pet.a, pet.b"},
	} {
		err := write(c.query)
		if got, ok := IsUnique(err); !ok || got != c.columns {
			t.Errorf("%s: %q %v (%v)", c.query, got, ok, err)
		}
		if IsForeignKey(err) || IsFull(err) || IsDamaged(err) {
			t.Errorf("%s: taken for something else", c.query)
		}
	}
	for _, q := range []string{"INSERT INTO pet (owner) VALUES (99)", "DELETE FROM person WHERE id = 1"} {
		err := write(q)
		if !IsForeignKey(err) {
			t.Errorf("%s: %v", q, err)
		}
		if _, ok := IsUnique(err); ok {
			t.Errorf("%s: taken for unique", q)
		}
	}
	if _, ok := IsUnique(nil); ok || IsForeignKey(nil) || IsFull(nil) {
		t.Error("nil is an error")
	}
}

func TestDialect(t *testing.T) {
	d := testDB(t)
	body := `{"a": {"b.c": 1, "it's \"so\"": "q", "t": true, "f": false, "n": null, "d": {"e": "deep"}}, "name": "50%_Off\\x", "s": "true"}`
	if err := d.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO person (name, body) VALUES ('x', ?)", body)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	get := func(expr string, args ...any) any {
		t.Helper()
		var v any
		if err := d.QueryRow(t.Context(), "SELECT "+expr+" FROM person", args...).Scan(&v); err != nil {
			t.Fatal(expr, err)
		}
		return v
	}
	for _, c := range []struct {
		expr string
		want any
	}{
		{JSONText("body", "a.d.e"), "deep"},
		{JSONText("body", `a.it's "so"`), "q"},
		{JSONText("body", "a.t"), int64(1)},
		{JSONText("body", "a.n"), nil},
		{JSONText("body", "a.missing"), nil},
		{JSONText("body", "a.' OR 1=1 --"), nil},
		{JSONTrue("body", "a.t"), int64(1)},
		{JSONTrue("body", "a.f"), int64(0)},
		{JSONTrue("body", "s"), int64(0)},
	} {
		if got := get(c.expr); got != c.want {
			t.Errorf("%s = %v, want %v", c.expr, got, c.want)
		}
	}
	for _, c := range []struct {
		text string
		want int64
	}{{"50%_o", 1}, {"0%", 1}, {"5_%", 0}, {`f\x`, 1}, {`\`, 1}, {"%%", 0}, {"", 1}} {
		if got := get(Contains(JSONText("body", "name")), LikePattern(c.text)); got != c.want {
			t.Errorf("contains %q: %v", c.text, got)
		}
	}
	up := Upsert("person", []string{"id"}, []string{"id", "name", "body"})
	for _, name := range []string{"first", "second"} {
		if err := d.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec(up, 7, name, nil); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, d, "SELECT count(*) FROM person WHERE id = 7 AND name = 'second'"); n != 1 {
		t.Error("upsert")
	}
	if got := Upsert("t", []string{"a", "b"}, []string{"a", "b"}); got != "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a, b) DO NOTHING" {
		t.Error(got)
	}
}

func TestDiskFree(t *testing.T) {
	free, total, err := DiskFree(t.TempDir())
	if err != nil || free == 0 || free > total {
		t.Error(free, total, err)
	}
	if _, _, err := DiskFree(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing folder has space")
	}
}

// The cache of the readers drops statements and closes them only when nobody uses them.
func TestStatementCache(t *testing.T) {
	d := testDB(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2 * maxStmts {
				var n int
				// Texts differ, so that the cache overflows; half of them are shared.
				q := "SELECT " + strings.Repeat("0+", (i*(g%2+1))%300) + "1"
				if err := d.QueryRow(context.Background(), q).Scan(&n); err != nil || n != 1 {
					t.Error(n, err)
					return
				}
			}
		})
	}
	for i := range 2 * maxStmts {
		if n := count(t, d, "SELECT "+strings.Repeat("1+", i%700)+"0"); n != i%700 {
			t.Fatal(n)
		}
	}
	wg.Wait()
	if len(d.stmts.m) > maxStmts {
		t.Errorf("%d statements kept", len(d.stmts.m))
	}
}

// The driver works only with the very version of its C library in Go that it was made with.
func TestLibraryPin(t *testing.T) {
	version := func(text, module string) string {
		for line := range strings.Lines(text) {
			f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(f) >= 2 && f[0] == module {
				return f[1]
			}
		}
		return ""
	}
	ours, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		path := os.Getenv("GOPATH")
		if path == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				t.Fatal(err)
			}
			path = filepath.Join(home, "go")
		}
		cache = filepath.Join(filepath.SplitList(path)[0], "pkg", "mod")
	}
	const driver, libc = "modernc.org/sqlite", "modernc.org/libc"
	theirs, err := os.ReadFile(filepath.Join(cache, "cache", "download", filepath.FromSlash(driver), "@v", version(string(ours), driver)+".mod"))
	if err != nil {
		t.Fatal(err) // the module is there: this test was built with it
	}
	if a, b := version(string(ours), libc), version(string(theirs), libc); a != b || a == "" {
		t.Errorf("go.mod has %s %q, %s needs %q", libc, a, driver, b)
	}
}
