package db

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/backend/fault"
)

func openOther(path string) (*sql.DB, error) {
	return sql.Open("sqlite", dsn(path, commonPragmas()...))
}

func TestNewerIsUntouched(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	newer := options()
	newer.Migrations = steps(tables, "CREATE TABLE future (x);")
	d := openAt(t, path, options())
	if err := d.Write(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	d.Close()
	openAt(t, path, newer).Close()
	before, _ := os.ReadFile(path)
	old := options()
	old.Version = "0.9"
	_, err := Open(t.Context(), path, old)
	last := LastCopy(filepath.Join(dir, "copies"))
	if !strings.Contains(say(err), "newer version") || last == "" || !strings.Contains(say(err), last) {
		t.Error(err)
	}
	after, _ := os.ReadFile(path)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	if err := Verify(t.Context(), path, old.Migrations); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := Verify(t.Context(), path, newer.Migrations); err != nil {
		t.Error(err)
	}
	if got := copies(filepath.Join(dir, "copies")); len(got) != 1 {
		t.Error("copies:", got)
	}
	// What the message says works: the copy is the state of before.
	if err := os.Rename(last, path); err != nil {
		t.Fatal(err)
	}
	if n := count(t, openAt(t, path, old), "SELECT count(*) FROM person"); n != 1 {
		t.Error("rows", n)
	}
}

// A step that is older than the newest one applied runs as well: two branches of work may meet.
func TestOutOfOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.db")
	o := options()
	all := steps(tables, "CREATE TABLE b (x);", "CREATE TABLE c (x);")
	some := steps(tables, "CREATE TABLE b (x);", "CREATE TABLE c (x);")
	delete(some, "20260101000002_step.sql")
	o.Migrations = some
	openAt(t, path, o).Close()
	o.Migrations = all
	d := openAt(t, path, o)
	if n := count(t, d, "SELECT count(*) FROM sqlite_schema WHERE name IN ('b', 'c')"); n != 2 {
		t.Error(n)
	}
}

func TestFailedUpgrade(t *testing.T) {
	for _, c := range []struct{ name, step string }{
		{"syntax", "CREATE TABLE b (x); NONSENSE;"},
		{"dangling reference", "CREATE TABLE b (x REFERENCES person (id)); INSERT INTO b VALUES (77);"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "house.db")
			o := options()
			d := openAt(t, path, o)
			if err := d.Write(t.Context(), insert("a")); err != nil {
				t.Fatal(err)
			}
			d.Close()
			bad := o
			// The step before commits, and has to go as well.
			bad.Migrations = steps(tables, "CREATE TABLE gone (x); DELETE FROM person;", c.step)
			for range 3 { // a service that is started again and again
				_, err := Open(t.Context(), path, bad)
				if !strings.Contains(say(err), "everything is as it was before") {
					t.Fatal(err)
				}
			}
			if verb, _, err := readNote(path); verb != "" || err != nil {
				t.Error("the note is still there:", verb, err)
			}
			d = openAt(t, path, o)
			if n := count(t, d, "SELECT count(*) FROM person"); n != 1 {
				t.Error("rows", n)
			}
			if n := count(t, d, "SELECT count(*) FROM sqlite_schema WHERE name IN ('gone', 'b')"); n != 0 {
				t.Error("tables of the failed upgrade are there")
			}
		})
	}
}

func TestFailedFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.db")
	o := options()
	o.Migrations = steps(tables, "NONSENSE;")
	if _, err := Open(t.Context(), path, o); say(err) == "" {
		t.Error(err)
	}
	d := openAt(t, path, options())
	if n := count(t, d, "SELECT count(*) FROM person"); n != 0 {
		t.Error(n)
	}
}

// A step may build a table anew, as SQLite needs for most changes of columns, without losing the rows that point at it.
func TestRebuildTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.db")
	o := options()
	d := openAt(t, path, o)
	if err := d.Write(t.Context(), func(tx *Tx) error {
		if _, err := tx.Exec("INSERT INTO person (id, name) VALUES (1, 'a')"); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO pet (owner) VALUES (1)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	o.Migrations = steps(tables, `CREATE TABLE person2 (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, body TEXT, extra TEXT);
INSERT INTO person2 (id, name, body) SELECT id, name, body FROM person;
DROP TABLE person;
ALTER TABLE person2 RENAME TO person;`)
	d = openAt(t, path, o)
	if n := count(t, d, "SELECT count(*) FROM pet JOIN person ON person.id = owner"); n != 1 {
		t.Error(n)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestKeepsFiveCopies(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	at := day
	var sqls []string
	for i := range 9 {
		o := options()
		o.Now = func() time.Time { at = at.Add(time.Hour); return at }
		o.Version = fmt.Sprintf("%d.0-rc/1", 20-i) // the time decides, not the version
		sqls = append(sqls, fmt.Sprintf("CREATE TABLE t%d (x);", i))
		o.Migrations = steps(sqls...)
		openAt(t, path, o).Close()
	}
	got := copies(filepath.Join(dir, "copies"))
	if len(got) != keepCopies {
		t.Fatal(got)
	}
	if base := filepath.Base(LastCopy(filepath.Join(dir, "copies"))); !strings.HasPrefix(base, "before-12.0_rc_1-20261124T") {
		t.Error(base)
	}
	if LastCopy(filepath.Join(dir, "none")) != "" {
		t.Error("a copy in a folder that isn't there")
	}
}

// TestBuiltIn opens a house with the migrations of the program, twice.
func TestBuiltIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.db")
	for range 2 {
		d := openAt(t, path, Options{})
		if err := d.Check(t.Context()); err != nil {
			t.Error(err)
		}
		d.Close()
	}
	if err := Verify(t.Context(), path, nil); err != nil {
		t.Error(err)
	}
	names, _ := fs.Glob(Migrations(), "*.sql")
	for _, n := range names {
		if len(strings.SplitN(n, "_", 2)[0]) != len("20261124000000") {
			t.Errorf("%s: the number is no time of 14 digits", n)
		}
	}
}

// The child of the kill tests is this test binary with an environment variable that says what to do.
func TestMain(m *testing.M) {
	switch os.Getenv("DB_TEST_CHILD") {
	case "":
		os.Exit(m.Run())
	case "write":
		childWrite(os.Getenv("DB_TEST_PATH"))
	case "migrate":
		childMigrate(os.Getenv("DB_TEST_PATH"))
	}
}

func child(t *testing.T, what, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DB_TEST_CHILD="+what, "DB_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// childWrite writes pairs of rows from four goroutines and prints the number of each once it is acknowledged.
func childWrite(path string) {
	d, err := Open(context.Background(), path, options())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	var out sync.Mutex
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i)
				err := d.Write(context.Background(), func(tx *Tx) error {
					if err := insert(name + "-a")(tx); err != nil {
						return err
					}
					return insert(name + "-b")(tx)
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out.Lock()
				fmt.Println(name)
				out.Unlock()
			}
		}()
	}
	select {}
}

// rounds is how often the kill tests kill: GATEHOUSE_KILL_ROUNDS for the long run.
func rounds(short int) int {
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_KILL_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return short
}

// A killed process loses no acknowledged write and leaves no half one.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "house.db")
	acked := map[string]bool{}
	for round := range rounds(10) {
		cmd, lines := child(t, "write", path)
		if !lines.Scan() || lines.Text() != "open" {
			t.Fatal("the child did not open the database:", lines.Text())
		}
		// Another moment each round, in writes and in the time since the last one.
		for n := 0; n < 5+round*13%97 && lines.Scan(); n++ {
			acked[lines.Text()] = true
		}
		cmd.Process.Kill()
		for lines.Scan() { // what it had said before it died
			acked[lines.Text()] = true
		}
		cmd.Wait()

		began := time.Now()
		d, err := Open(t.Context(), path, options())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("start after a kill took %v", took)
		}
		if err := d.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := d.Query(t.Context(), "SELECT name FROM person")
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			found[n] = true
		}
		rows.Close()
		for n := range acked {
			if !found[n+"-a"] || !found[n+"-b"] {
				t.Fatalf("round %d: the acknowledged write %s is missing", round, n)
			}
		}
		for n := range found {
			base := n[:len(n)-1]
			if !found[base+"a"] || !found[base+"b"] {
				t.Fatalf("round %d: half a write: %s", round, n)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(len(acked), "acknowledged writes")
}

// heavy are many slow steps after tables, so that a kill hits the middle.
func heavy() fstest.MapFS {
	sqls := []string{tables}
	for i := range 8 {
		sqls = append(sqls, fmt.Sprintf("CREATE TABLE h%d (x);\nINSERT INTO h%d WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000) SELECT randomblob(50) FROM n;\nUPDATE person SET body = coalesce(body, '') || '%d';", i, i, i))
	}
	return steps(sqls...)
}

func childMigrate(path string) {
	o := options()
	o.Migrations = heavy()
	fmt.Println("begin")
	d, err := Open(context.Background(), path, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	d.Close()
	fmt.Println("done")
}

// An upgrade that is killed goes on at the next start, from the copy made by the first one.
func TestKillInUpgrade(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "house.db")
	d := openAt(t, path, options())
	if err := d.Write(t.Context(), func(tx *Tx) error {
		for i := range 500 {
			if err := insert(i)(tx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	for round := range rounds(6) {
		cmd, lines := child(t, "migrate", path)
		lines.Scan()
		timer := time.AfterFunc(time.Duration(round)*9*time.Millisecond, func() { cmd.Process.Kill() })
		finished := lines.Scan() && lines.Text() == "done"
		timer.Stop()
		cmd.Process.Kill()
		cmd.Wait()
		if finished {
			break
		}
	}
	o := options()
	o.Migrations = heavy()
	d = openAt(t, path, o)
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, d, "SELECT count(*) FROM person WHERE body = '01234567'"); n != 500 {
		t.Errorf("%d rows went through every step once", n)
	}
	if verb, _, err := readNote(path); verb != "" || err != nil {
		t.Error("the note is still there:", verb, err)
	}
	d.Close()
	last := LastCopy(filepath.Join(dir, "copies"))
	if n := count(t, openAt(t, last, options()), "SELECT count(*) FROM person WHERE body IS NULL"); n != 500 {
		t.Errorf("the copy has %d rows of before", n)
	}
}

// A kill while the copy is put back is made good as well, whichever half was done.
func TestKillInPutBack(t *testing.T) {
	for _, moved := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "house.db")
		d := openAt(t, path, options())
		if err := d.Write(t.Context(), insert("a")); err != nil {
			t.Fatal(err)
		}
		copy := filepath.Join(dir, "copies", "before-1.0-20261124T080000.000000Z.db")
		os.Mkdir(filepath.Dir(copy), 0o700)
		if err := d.Backup(t.Context(), copy); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), insert("half")); err != nil {
			t.Fatal(err)
		}
		d.Close()
		if err := errors.Join(writeNote(path, copy), noteRestoring(path)); err != nil {
			t.Fatal(err)
		}
		// A log of the failed upgrade that must not be replayed.
		os.WriteFile(path+"-wal", bytes.Repeat([]byte{1}, 5000), 0o600)
		if moved {
			os.Remove(path + "-wal")
			if err := os.Rename(copy, path); err != nil {
				t.Fatal(err)
			}
		}
		d = openAt(t, path, options())
		if n := count(t, d, "SELECT count(*) FROM person"); n != 1 {
			t.Errorf("moved %v: %d rows", moved, n)
		}
	}
}

// A database from a newer version that was killed stays as it is, its log included.
func TestNewerAfterKill(t *testing.T) {
	dir := t.TempDir()
	newer := options()
	newer.Migrations = steps(tables, "CREATE TABLE future (x);")
	d := openAt(t, filepath.Join(dir, "live.db"), newer)
	if err := d.Write(t.Context(), insert("in the log")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "house.db")
	before := map[string][]byte{}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(d.Path() + suffix)
		if err != nil || len(b) == 0 {
			t.Fatal(len(b), err)
		}
		os.WriteFile(path+suffix, b, 0o600)
		before[suffix] = b
	}
	if _, err := Open(t.Context(), path, options()); !strings.Contains(say(err), "newer version") {
		t.Error(err)
	}
	for suffix, b := range before {
		if after, _ := os.ReadFile(path + suffix); !bytes.Equal(after, b) {
			t.Errorf("%q was changed", suffix)
		}
	}
	again := openAt(t, path, newer)
	if n := count(t, again, "SELECT count(*) FROM person"); n != 1 {
		t.Error(n)
	}
}
