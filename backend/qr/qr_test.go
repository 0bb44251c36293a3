package qr

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

var rectangle = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// modules reads the drawing back into dark and light modules, without the border.
func modules(t *testing.T, svg string) [][]bool {
	t.Helper()
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
		Label   string `xml:"aria-label,attr"`
		Paths   []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &doc); err != nil || len(doc.Paths) != 2 {
		t.Fatalf("%v %s", err, svg)
	}
	var all int
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %d", &all); err != nil {
		t.Fatal(err)
	}
	n := all - 2*quiet
	out := make([][]bool, n)
	for y := range out {
		out[y] = make([]bool, n)
	}
	if left := rectangle.ReplaceAllString(doc.Paths[1].D, ""); left != "" {
		t.Fatalf("not only rectangles: %q", left)
	}
	for _, m := range rectangle.FindAllStringSubmatch(doc.Paths[1].D, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		w, _ := strconv.Atoi(m[3])
		if m[3] != m[4] {
			t.Fatalf("open rectangle %s", m[0])
		}
		for i := range w {
			out[y-quiet][x-quiet+i] = true // outside of the code it panics
		}
	}
	return out
}

// The drawing has what every code has (ISO/IEC 18004, 6.3): finder patterns with their separators in three corners, timing patterns, the
// dark module, and a size that a version has.
func TestPatterns(t *testing.T) {
	for _, text := range []string{"x", "otpauth://totp/Gatehouse%3Aada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30&issuer=Gatehouse", strings.Repeat("ü", 300)} {
		svg, err := SVG(text, "a code")
		if err != nil {
			t.Fatal(err)
		}
		m := modules(t, string(svg))
		n := len(m)
		if n < 21 || (n-17)%4 != 0 {
			t.Fatalf("%d modules", n)
		}
		finder := []string{"#######.", "#.....#.", "#.###.#.", "#.###.#.", "#.###.#.", "#.....#.", "#######.", "........"}
		for y, row := range finder {
			for x := range row {
				want := row[x] == '#'
				if m[y][x] != want || m[y][n-1-x] != want || m[n-1-y][x] != want {
					t.Fatalf("no finder pattern at %d %d", x, y)
				}
			}
		}
		for i := 8; i < n-8; i++ {
			if m[6][i] != (i%2 == 0) || m[i][6] != (i%2 == 0) {
				t.Fatalf("no timing pattern at %d", i)
			}
		}
		if !m[n-8][8] {
			t.Error("no dark module")
		}
	}
}

func TestLabel(t *testing.T) {
	svg, err := SVG("x", `<b> "quoted"`)
	if err != nil || !strings.Contains(string(svg), `aria-label="&lt;b&gt; &#34;quoted&#34;"`) {
		t.Errorf("%s %v", svg, err)
	}
}

func TestTooLong(t *testing.T) {
	if _, err := SVG(strings.Repeat("ä", 3000), ""); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
