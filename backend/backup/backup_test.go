package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"

	"filippo.io/age"
)

const pass = "correct horse é"

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func migrations(more ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i, s := range append([]string{"CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)"}, more...) {
		m[fmt.Sprintf("2026010100000%d_x.sql", i+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + s + ";\n")}
	}
	return m
}

// target restores into dir and knows the test's migrations only.
func target(dir string) Target {
	return Target{DataDir: dir, Now: func() time.Time { return now }, Check: func(ctx context.Context, path string) error {
		return db.Verify(ctx, path, migrations())
	}}
}

// house makes a data folder with a few rows, a key and two uploads.
func house(t testing.TB, name string, more ...string) (dir string, src Source) {
	t.Helper()
	dir = t.TempDir()
	d, err := db.Open(context.Background(), filepath.Join(dir, Database), db.Options{Migrations: migrations(more...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO thing (name) VALUES (?), (?)", name, name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := crypt.LoadOrCreateKey(filepath.Join(dir, KeyFile)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, Uploads, "icon.png"), name+" icon")
	put(t, filepath.Join(dir, Uploads, "deep", "ünder", "empty"), "")
	return dir, Source{
		DB: d, KeyFile: filepath.Join(dir, KeyFile), UploadDir: filepath.Join(dir, Uploads), Version: "1.0", InstallID: "abc",
		Now: func() time.Time { return now }, work: 8,
	}
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, src Source) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Create(context.Background(), &b, pass, src); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// name gives the name in a data folder's database, "" when there is none.
func name(t testing.TB, dir string) string {
	t.Helper()
	if st, err := os.Stat(filepath.Join(dir, Database)); err != nil || st.Size() == 0 {
		return ""
	}
	d, err := db.Open(context.Background(), filepath.Join(dir, Database), db.Options{Migrations: migrations()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var n int
	var s string
	if err := d.QueryRow(context.Background(), "SELECT count(*), min(name) FROM thing").Scan(&n, &s); err != nil || n%2 != 0 {
		t.Fatal(n, err)
	}
	return s
}

func read(t testing.TB, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// list gives every file below dir with the hash of its content.
func list(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(&b, p)
		if !d.IsDir() {
			text, _ := os.ReadFile(p)
			fmt.Fprintf(&b, " %x", sha256.Sum256(text))
		}
		b.WriteByte('\n')
		return nil
	})
	return b.String()
}

func TestRoundTrip(t *testing.T) {
	dir, src := house(t, "first")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // writes go on meanwhile, always two rows at once
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := src.DB.Write(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec("INSERT INTO thing (name) VALUES ('first'), ('first')")
				return err
			}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	file := filepath.Join(t.TempDir(), "house.gatehouse")
	m, err := CreateFile(t.Context(), file, pass, src)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if m.Version != "1.0" || m.InstallID != "abc" || !m.Created.Equal(now) || len(m.Files) != 4 {
		t.Errorf("%+v", m)
	}
	if st, _ := os.Stat(file); runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Error(st.Mode())
	}
	if strings.Contains(read(t, file), "icon") || !strings.HasPrefix(read(t, file), "age-encryption.org/v1\n-> scrypt ") {
		t.Error("the file is no age file, or not encrypted")
	}
	if _, err := CreateFile(t.Context(), file, pass, src); !fault.Is(err, fault.Conflict) {
		t.Errorf("a file was replaced: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, backupTemp+"*"))
	if len(left) != 0 {
		t.Error("left behind:", left)
	}

	// On another machine, where there is nothing yet. The passphrase is typed with another form of é.
	into := filepath.Join(t.TempDir(), "new")
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := Restore(t.Context(), f, "correct horse e\u0301", target(into))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(m) {
		t.Errorf("%+v, want %+v", got, m)
	}
	if name(t, into) != "first" || read(t, into, KeyFile) != read(t, dir, KeyFile) || read(t, into, Uploads, "icon.png") != "first icon" || read(t, into, Uploads, "deep", "ünder", "empty") != "" {
		t.Error("the restored house is another one")
	}
	if _, err := crypt.LoadOrCreateKey(filepath.Join(into, KeyFile)); err != nil {
		t.Error(err)
	}
	var names []string
	entries, _ := os.ReadDir(into)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != "gatehouse.db key uploads" {
		t.Error(names)
	}
}

func TestRestoreKeepsOld(t *testing.T) {
	_, src := house(t, "new")
	file := create(t, src)
	dir, old := house(t, "old")
	oldKey := read(t, dir, KeyFile)
	put(t, filepath.Join(dir, "gatehouse.log"), "stays")
	old.DB.Close()
	if _, err := Restore(t.Context(), bytes.NewReader(file), pass, target(dir)); err != nil {
		t.Fatal(err)
	}
	if name(t, dir) != "new" || read(t, dir, KeyFile) == oldKey || read(t, dir, Uploads, "icon.png") != "new icon" || read(t, dir, "gatehouse.log") != "stays" {
		t.Error("not the new house")
	}
	kept := filepath.Join(dir, "replaced-20261124T080000.000000Z")
	if name(t, kept) != "old" || read(t, kept, KeyFile) != oldKey || read(t, kept, Uploads, "icon.png") != "old icon" {
		t.Error("the old house was not kept")
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) != 0 {
		t.Error("left behind:", left)
	}
}

func TestRestoreRefuses(t *testing.T) {
	_, src := house(t, "new")
	file := create(t, src)
	_, newer := house(t, "newer", "CREATE TABLE future (x)")
	newerFile := create(t, newer)
	dir, old := house(t, "old")
	old.DB.Close()
	before := list(t, dir)

	flip := func(at int) []byte {
		b := bytes.Clone(file)
		b[at] ^= 0x10
		return b
	}
	broken := errors.New("the line broke")
	type c struct {
		name string
		in   io.Reader
		pass string
		kind fault.Kind
		want string
	}
	cases := []c{
		{"no passphrase", bytes.NewReader(file), "", fault.Invalid, "at least 8 characters"},
		{"short passphrase", bytes.NewReader(file), "sevén12", fault.Invalid, "at least 8 characters"},
		{"wrong passphrase", bytes.NewReader(file), "battery staple", fault.Denied, "passphrase is wrong"},
		{"empty", bytes.NewReader(nil), pass, fault.Invalid, "empty"},
		{"other file", strings.NewReader(strings.Repeat("hello ", 1000)), pass, fault.Invalid, "no backup of Gatehouse"},
		{"newer database", bytes.NewReader(newerFile), pass, fault.Conflict, "newer version"},
		{"something behind", io.MultiReader(bytes.NewReader(file), strings.NewReader("x")), pass, fault.Invalid, "damaged"},
	}
	for _, n := range []int{10, 100, 150, len(file) / 2, len(file) - 17, len(file) - 1} {
		cases = append(cases, c{fmt.Sprint("cut to ", n), bytes.NewReader(file[:n]), pass, fault.Invalid, ""})
	}
	for _, at := range []int{0, 25, 180, 400, len(file) / 2, len(file) - 1} {
		cases = append(cases, c{fmt.Sprint("flipped at ", at), bytes.NewReader(flip(at)), pass, fault.Invalid, ""})
	}
	for _, c := range cases {
		_, err := Restore(t.Context(), c.in, c.pass, target(dir))
		f := fault.As(err)
		if err == nil || f.Kind != c.kind && f.Kind != fault.Denied || !strings.Contains(f.Say, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if after := list(t, dir); after != before {
			t.Fatalf("%s: the data folder changed:\n%s\n%s", c.name, before, after)
		}
	}
	if _, err := Restore(t.Context(), io.MultiReader(bytes.NewReader(file[:300]), failing{broken}), pass, target(dir)); !errors.Is(err, broken) {
		t.Errorf("a broken stream: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Restore(ctx, bytes.NewReader(file), pass, target(dir)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if after := list(t, dir); after != before {
		t.Error("the data folder changed")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// member is a part of a backup made by hand.
type member struct {
	h    tar.Header
	text string
}

// forge encrypts members as a backup; the manifest is right unless one is given.
func forge(t testing.TB, members []member, m *Manifest) []byte {
	t.Helper()
	var b bytes.Buffer
	r, err := age.NewScryptRecipient(pass)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(8)
	sealed, err := age.Encrypt(&b, r)
	if err != nil {
		t.Fatal(err)
	}
	packed := gzip.NewWriter(sealed)
	w := tar.NewWriter(packed)
	right := Manifest{Format: 1, Version: "1.0"}
	for _, x := range members {
		x.h.Size = int64(len(x.text))
		if x.h.Typeflag == 0 {
			x.h.Typeflag = tar.TypeReg
		}
		x.h.Mode = 0o777
		if err := w.WriteHeader(&x.h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, x.text)
		right.Files = append(right.Files, File{x.h.Name, x.h.Size, fmt.Sprintf("%x", sha256.Sum256([]byte(x.text)))})
	}
	if m == nil {
		m = &right
	}
	text, _ := json.Marshal(m)
	w.WriteHeader(&tar.Header{Name: manifest, Size: int64(len(text)), Typeflag: tar.TypeReg})
	w.Write(text)
	if err := errors.Join(w.Close(), packed.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileBackup(t *testing.T) {
	srcDir, src := house(t, "new")
	src.DB.Close()
	good := []member{{tar.Header{Name: Database}, read(t, srcDir, Database)}, {tar.Header{Name: KeyFile}, read(t, srcDir, KeyFile)}}
	with := func(m ...member) []member { return append(append([]member{}, good...), m...) }
	dir, old := house(t, "old")
	old.DB.Close()
	if _, err := Restore(t.Context(), bytes.NewReader(forge(t, good, nil)), pass, target(filepath.Join(t.TempDir(), "x"))); err != nil {
		t.Fatalf("the test's own file: %v", err)
	}
	before := list(t, filepath.Dir(dir))
	manifestOf := func(f ...File) *Manifest { return &Manifest{Format: 1, Files: f} }
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"up", forge(t, with(member{tar.Header{Name: "../evil"}, "x"}), nil), ""},
		{"up inside", forge(t, with(member{tar.Header{Name: "uploads/../../evil"}, "x"}), nil), ""},
		{"absolute", forge(t, with(member{tar.Header{Name: "/evil"}, "x"}), nil), ""},
		{"backslash", forge(t, with(member{tar.Header{Name: `uploads\..\..\evil`}, "x"}), nil), ""},
		{"backslash below uploads", forge(t, with(member{tar.Header{Name: `uploads/..\..\evil`}, "x"}), nil), ""},
		{"drive", forge(t, with(member{tar.Header{Name: "uploads/C:evil"}, "x"}), nil), ""},
		{"dot", forge(t, with(member{tar.Header{Name: "uploads/./x"}, "x"}), nil), ""},
		{"other name", forge(t, with(member{tar.Header{Name: "config.yml"}, "x"}), nil), ""},
		{"log of the database", forge(t, with(member{tar.Header{Name: Database + "-wal"}, "x"}), nil), ""},
		{"link", forge(t, with(member{tar.Header{Name: "uploads/l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, ""}), nil), ""},
		{"hard link", forge(t, with(member{tar.Header{Name: "uploads/l", Typeflag: tar.TypeLink, Linkname: KeyFile}, ""}), nil), ""},
		{"folder", forge(t, with(member{tar.Header{Name: "uploads/d/", Typeflag: tar.TypeDir}, ""}), nil), ""},
		{"twice", forge(t, with(good[1]), nil), ""},
		{"file as folder", forge(t, with(member{tar.Header{Name: "uploads/a"}, "x"}, member{tar.Header{Name: "uploads/a/b"}, "x"}), nil), ""},
		{"no database", forge(t, good[1:], nil), ""},
		{"no key", forge(t, good[:1], nil), ""},
		{"no key in the key file", forge(t, []member{good[0], {tar.Header{Name: KeyFile}, "x"}}, nil), ""},
		{"empty database", forge(t, []member{{tar.Header{Name: Database}, ""}, good[1]}, nil), ""},
		{"database is garbage", forge(t, []member{{tar.Header{Name: Database}, strings.Repeat("x", 9000)}, good[1]}, nil), ""},
		{"database cut", forge(t, []member{{tar.Header{Name: Database}, good[0].text[:len(good[0].text)-4096]}, good[1]}, nil), ""},
		{"empty manifest", forge(t, good, manifestOf()), ""},
		{"wrong hashes", forge(t, good, manifestOf(File{Database, 1, ""}, File{KeyFile, 1, ""})), ""},
		{"newer format", forge(t, good, &Manifest{Format: 2, Version: "9.0"}), "newer version of Gatehouse (9.0)"},
	} {
		_, err := Restore(t.Context(), bytes.NewReader(c.in), pass, target(dir))
		if f := fault.As(err); err == nil || f.Kind != fault.Invalid && f.Kind != fault.Conflict || !strings.Contains(f.Say, c.want) || !strings.Contains(f.Say, "Nothing was changed") {
			t.Errorf("%s: %v", c.name, err)
		}
		if after := list(t, filepath.Dir(dir)); after != before {
			t.Fatalf("%s: files changed:\n%s\n%s", c.name, before, after)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	dir, src := house(t, "a")
	var b bytes.Buffer
	for _, p := range []string{"", "1234567"} {
		if _, err := Create(t.Context(), &b, p, src); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", p, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Create(ctx, &b, pass, src); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if b.Len() != 0 {
		t.Error("bytes before an error")
	}
	noKey := src
	noKey.KeyFile = filepath.Join(dir, "none")
	file := filepath.Join(t.TempDir(), "f")
	if _, err := CreateFile(t.Context(), file, pass, noKey); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a failed backup left its file")
	}
	noUploads := src
	noUploads.UploadDir = filepath.Join(dir, "none")
	if m, err := Create(t.Context(), &b, pass, noUploads); err != nil || len(m.Files) != 2 {
		t.Error(m, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, backupTemp+"*")); len(left) != 0 {
		t.Error("left behind:", left)
	}
}

// After a kill between any two renames, Recover makes the new house whole and keeps the old one whole.
func TestRecover(t *testing.T) {
	_, src := house(t, "new")
	file := create(t, src)
	for stop := range 2 + 2*len(members()) {
		dir, old := house(t, "old")
		old.DB.Close()
		put(t, filepath.Join(dir, Database+"-wal"), "")
		staging := filepath.Join(dir, stagingTemp+"1")
		os.Mkdir(staging, 0o700)
		if _, err := unpack(t.Context(), bytes.NewReader(file), pass, staging); err != nil {
			t.Fatal(err)
		}
		n := note{phaseOut, stagingTemp + "1", replaced + "x", false}
		os.Mkdir(filepath.Join(dir, n.Old), 0o700)
		// What swap does, up to the point of the kill.
		left := stop
		if err := writeNote(dir, n); err != nil {
			t.Fatal(err)
		}
		move := func(from, to string) {
			for _, m := range members() {
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
		os.Mkdir(filepath.Join(dir, backupTemp+"9"), 0o700)

		for range 2 { // the second call finds nothing to do
			if err := Recover(dir); err != nil {
				t.Fatal(stop, err)
			}
		}
		if got, kept := name(t, dir), name(t, filepath.Join(dir, n.Old)); got != "new" || kept != "old" {
			t.Errorf("killed after %d steps: %q in place, %q kept", stop, got, kept)
		}
		if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) != 0 {
			t.Error("left behind:", hidden)
		}
	}
	if err := Recover(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, noteName), `{"phase":"in","staging":"../x","old":"replaced-1"}`)
	if err := Recover(dir); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a note that leads elsewhere: %v", err)
	}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("BACKUP_TEST_DIR"); dir != "" {
		// The child of TestKill restores one of two files, for ever.
		for i := 0; ; i++ {
			f, err := os.Open(filepath.Join(filepath.Dir(dir), []string{"a", "b"}[i%2]))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			t := target(dir)
			t.Now = time.Now
			if _, err := Restore(context.Background(), f, pass, t); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			f.Close()
			fmt.Println(i)
		}
	}
	os.Exit(m.Run())
}

// A restore that is killed leaves the old house or the new one, whole.
func TestKill(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "data")
	keys := map[string]string{}
	for _, n := range []string{"a", "b"} {
		from, src := house(t, n)
		put(t, filepath.Join(top, n), string(create(t, src)))
		keys[n] = read(t, from, KeyFile)
	}
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("GATEHOUSE_KILL_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "BACKUP_TEST_DIR="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan() // at least one whole restore
		timer := time.AfterFunc(time.Duration(round*7%40)*time.Millisecond, func() { cmd.Process.Kill() })
		for lines.Scan() {
		}
		timer.Stop()
		cmd.Wait()
		if err := Recover(dir); err != nil {
			t.Fatal(err)
		}
		n := name(t, dir)
		if n != "a" && n != "b" || read(t, dir, KeyFile) != keys[n] || read(t, dir, Uploads, "icon.png") != n+" icon" {
			t.Fatalf("round %d: a mixture: %q", round, n)
		}
	}
}
