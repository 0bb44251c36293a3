package page

import (
	"crypto/rand"
	"html/template"
	"io"
	"strconv"
	"strings"
	"sync"
)

// frame is what stands around the main part of a flow's page. It is the same on page after page, so it is drawn once.
type frame struct {
	top  [2]string // around the nonce; one part when the page has none
	foot string
}

// mostFrames bounds what is remembered: an office has a brand or two, a few flows and a page for each of their stages.
const mostFrames = 256

// frames remembers frames by everything that they show. It may be used from any goroutine.
type frames struct {
	mu    sync.Mutex
	known map[shown]*frame
	nonce string // stands where each page has its own
}

// shown is what a frame shows.
type shown struct {
	component, tag, title, layout, picture, links string
	brand                                         Brand
	keys                                          bool
}

func newFrames() *frames {
	return &frames{known: map[shown]*frame{}, nonce: rand.Text()}
}

// of gives the frame of a page.
func (fs *frames) of(t *template.Template, f *form) (*frame, error) {
	key := shown{component: f.Component(), tag: f.Lang.Tag, title: f.Title(), layout: f.Layout(), picture: f.Picture(), brand: f.Brand, keys: f.keys}
	for _, l := range f.Links {
		key.links += strconv.Quote(l.Name) + strconv.Quote(l.Href)
	}
	// The links to other languages and a redirect hold the page's own address.
	once := len(f.Languages) > 1 || f.Onward() != ""
	if !once {
		fs.mu.Lock()
		known := fs.known[key]
		fs.mu.Unlock()
		if known != nil {
			return known, nil
		}
	}
	blank := *f
	blank.Nonce = fs.nonce
	var top, foot strings.Builder
	if err := t.ExecuteTemplate(&top, "top", &blank); err != nil {
		return nil, err
	}
	if err := t.ExecuteTemplate(&foot, "foot", &blank); err != nil {
		return nil, err
	}
	made := &frame{foot: foot.String()}
	made.top[0], made.top[1], _ = strings.Cut(top.String(), fs.nonce)
	if !once {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if len(fs.known) >= mostFrames {
			clear(fs.known)
		}
		fs.known[key] = made
	}
	return made, nil
}

// draw writes a page: its frame, and between its parts what main writes.
func (fs *frames) draw(w io.Writer, t *template.Template, f *form, main func() error) error {
	around, err := fs.of(t, f)
	if err != nil {
		return err
	}
	top := around.top[0]
	if around.top[1] != "" {
		top += f.Nonce + around.top[1]
	}
	if _, err := io.WriteString(w, top); err != nil {
		return err
	}
	if err := main(); err != nil {
		return err
	}
	_, err = io.WriteString(w, around.foot)
	return err
}
