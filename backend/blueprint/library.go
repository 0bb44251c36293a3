package blueprint

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/fault"
)

// shippedFS are the blueprints that come with Gatehouse.
//
//go:embed shipped
var shippedFS embed.FS

// ErrNoFile is in the chain of the error when there is no blueprint at a path.
var ErrNoFile = errors.New("no such blueprint")

// errFetch is said of blueprints that stand in a registry.
var errFetch = fault.New(fault.Invalid, "Gatehouse does not fetch blueprints from a registry. Put the file into the folder blueprints of its data, or its text into the content.")

// found is a file of the library.
type found struct {
	path     string
	text     []byte
	modified time.Time
	shipped  bool
}

// fits says whether a path is one that blueprints have: relative, below the folder, no part of it hidden.
func fits(p string) bool {
	if !fs.ValidPath(p) || strings.ContainsAny(p, "\\:\x00") || !strings.HasSuffix(p, ".yaml") {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	return true
}

// built is when this program was made, for files that come with it.
var built = sync.OnceValue(func() time.Time {
	at := time.Unix(0, 0)
	if file, err := os.Executable(); err == nil {
		if info, err := os.Stat(file); err == nil {
			at = info.ModTime()
		}
	}
	return at.UTC().Truncate(time.Second)
})

// read gives the blueprint at a path: one that comes with Gatehouse, else one of the house's own folder. It never leaves the folder, not by
// a link either.
func (r *Room) read(p string) (text []byte, shipped bool, err error) {
	f, err := r.file(p)
	return f.text, f.shipped, err
}

func (r *Room) file(p string) (found, error) {
	if !fits(p) {
		return found{}, ErrNoFile
	}
	if text, err := shippedFS.ReadFile("shipped/" + p); err == nil {
		return found{p, text, built(), true}, nil
	}
	root, err := os.OpenRoot(r.Dir)
	if err != nil {
		return found{}, errors.Join(ErrNoFile, err)
	}
	defer root.Close()
	return readOwn(root, p)
}

// readOwn reads a file of the house's own folder.
func readOwn(root *os.Root, p string) (found, error) {
	info, err := root.Stat(p)
	if err != nil {
		return found{}, errors.Join(ErrNoFile, err)
	}
	if !info.Mode().IsRegular() {
		return found{}, ErrNoFile // a pipe would never end
	}
	if info.Size() > maxFile {
		return found{}, errors.Join(ErrNoFile, fault.Newf(fault.Invalid, "%s is too large: %d MiB at most.", p, maxFile>>20))
	}
	f, err := root.Open(p)
	if err != nil {
		return found{}, errors.Join(ErrNoFile, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return found{}, errors.Join(ErrNoFile, err)
	}
	return found{p, text, info.ModTime().UTC().Truncate(time.Microsecond), false}, nil
}

// mostFiles is how many files of a folder are looked at.
const mostFiles = 2_000

// own gives the paths of the house's own folder, sorted; those that a shipped file has are left out and told.
func (r *Room) own() (paths, shadowed []string, err error) {
	root, err := os.OpenRoot(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // a folder that can't be read holds back no other
		case p != "." && strings.HasPrefix(path.Base(p), ".") && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || !fits(p):
			return nil
		case len(paths) >= mostFiles:
			return fs.SkipAll
		}
		if _, err := fs.Stat(shippedFS, "shipped/"+p); err == nil {
			shadowed = append(shadowed, p)
		} else {
			paths = append(paths, p)
		}
		return nil
	})
	return paths, shadowed, err
}

// shipped gives the paths of the files that come with Gatehouse, sorted.
func shipped() []string {
	var out []string
	_ = fs.WalkDir(shippedFS, "shipped", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(p, "shipped/"))
		}
		return nil // what is embedded can be read
	})
	slices.Sort(out)
	return out
}

// available gives every blueprint that can be chosen by its path. One that can't be read has no metadata.
func (r *Room) available() ([]BlueprintFile, error) {
	own, _, err := r.own()
	if err != nil {
		return nil, err
	}
	out := []BlueprintFile{}
	paths := append(shipped(), own...)
	slices.Sort(paths)
	for _, p := range paths {
		f, err := r.file(p)
		if err != nil {
			continue
		}
		one := BlueprintFile{Path: p, LastM: f.modified, Hash: hash(f.text)}
		if b, bad := Parse(f.text, r.Allowed); len(bad) == 0 {
			one.Meta = b.Meta
		}
		if one.Meta == nil {
			one.Meta = &Metadata{Name: p, Labels: map[string]any{}}
		}
		out = append(out, one)
	}
	return out, nil
}

// content gives the text of a blueprint; file says that it is a file and nobody's content.
func (r *Room) content(b *Instance) (text []byte, file bool, err error) {
	switch {
	case strings.HasPrefix(b.Path, "oci://"):
		return nil, false, errFetch
	case b.Path != "":
		text, _, err = r.read(b.Path)
		return text, true, err
	}
	return []byte(b.Content), false, nil
}
