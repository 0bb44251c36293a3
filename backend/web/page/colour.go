package page

import (
	"html/template"
	"math"
	"strconv"
)

// accent gives the style of a brand's colour: main buttons in it, with white or black on them, whichever can be read better. "" for what is
// no colour of the form #rrggbb.
func accent(colour string) template.CSS {
	if len(colour) != 7 || colour[0] != '#' {
		return ""
	}
	n, err := strconv.ParseUint(colour[1:], 16, 24)
	if err != nil {
		return ""
	}
	on := "#fff"
	if l := luminance(n); (l+0.05)/0.05 > 1.05/(l+0.05) {
		on = "#000"
	}
	return template.CSS(":root{--button:" + colour + ";--on:" + on + "}") // checked to be a colour
}

// luminance is the relative luminance of a colour (WCAG 2.2).
func luminance(rgb uint64) float64 {
	part := func(shift uint) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
