// Package qr draws QR codes (ISO/IEC 18004) into pages, so that nobody outside of the house has to be asked for a picture of a secret.
package qr

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/boombuler/barcode/qr"

	"gatehouse/backend/fault"
)

// quiet is the empty border that scanners need, in modules (section 6.3.8).
const quiet = 4

// SVG draws text as an SVG element at error correction level M (15 %); label is what people hear who can't see it. It stays dark on white
// in every theme, since scanners want that. It returns an Invalid fault for a text that is too long for a code, about 2,300 bytes.
func SVG(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "That is too long for a QR code.", err)
	}
	n := code.Bounds().Dx()
	dark := func(x, y int) bool {
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}
	var path strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			if !dark(x, y) {
				continue
			}
			run := 1
			for x+run < n && dark(x+run, y) {
				run++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
			x += run
		}
	}
	all := n + 2*quiet
	return template.HTML(fmt.Sprintf( // numbers, and a label that is escaped
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="200" height="200" shape-rendering="crispEdges" role="img" aria-label="%s"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		all, all, template.HTMLEscapeString(label), all, all, path.String())), nil
}
