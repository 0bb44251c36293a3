package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"gatehouse/backend/control"
)

// native is what pages may ask of the desktop.
type native interface {
	SavePath(name string) (path string, err error) // "" when the person gave up
	Browse(url string)
	Show()
	Tell(title, text string)
	Quit(keep bool)
	Autostart(on *bool) bool // nil only asks; gives how it is then
}

// follow does what pages ask for until the stream ends. reply answers questions.
func follow(ctx context.Context, events <-chan control.DesktopEvent, n native, reply func(control.DesktopReply)) {
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			handle(e, n, reply)
		}
	}
}

func handle(e control.DesktopEvent, n native, reply func(control.DesktopReply)) {
	switch e.Kind {
	case "save":
		path, err := n.SavePath(fileName(e.Name))
		if err != nil || path == "" {
			if err != nil {
				n.Tell("The file was not saved", sentence(err))
			}
			return
		}
		if err := writeFile(path, e.Data); err != nil {
			n.Tell("The file was not saved", fmt.Sprintf("%s can't be written: %v. Choose another folder.", filepath.Base(path), err))
		}
	case "open":
		if strings.HasPrefix(e.URL, "https://") || strings.HasPrefix(e.URL, "http://") {
			n.Browse(e.URL)
		}
	case "show":
		n.Show()
	case "quit":
		n.Quit(e.Keep)
	case "autostart":
		reply(control.DesktopReply{ID: e.ID, On: n.Autostart(e.On)})
	}
}

// fileName makes a proposed name harmless: no folder, no hidden file, no control characters.
func fileName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`:*?"<>|`, r) {
			return -1
		}
		return r
	}, name)
	if name = strings.TrimLeft(strings.TrimSpace(name), "."); name == "" {
		return "gatehouse-file"
	}
	return name
}

// writeFile writes a whole file or none, readable for its owner only: a backup or a key may be in it.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".gatehouse-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
