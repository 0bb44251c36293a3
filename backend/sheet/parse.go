package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/backend/config"
	"gatehouse/backend/fault"
)

// most is how many rows a file may have below its header.
const most = 10_000

// table is a file that was read: its header in the names of the columns, and its rows.
type table struct {
	delimiter rune
	columns   []string
	rows      []row
}

// row is one line with what its cells say by column. bad is what is wrong with the line as a whole.
type row struct {
	line  int
	cells map[string]string
	bad   string
}

// risky are the characters by which a spreadsheet takes a cell for a formula.
const risky = "=+-@\t\r"

// defuse makes a cell that no spreadsheet calculates; plain takes that off again.
func defuse(s string) string {
	if rest := strings.TrimLeft(s, "'"); rest != "" && strings.ContainsRune(risky, rune(rest[0])) {
		return "'" + s
	}
	return s
}

// plain gives what a cell says.
func plain(s string) string {
	if rest := strings.TrimLeft(s, "'"); rest != s && rest != "" && strings.ContainsRune(risky, rune(rest[0])) {
		return s[1:]
	}
	return s
}

// parse reads a file: UTF-8 with or without a mark, cells apart by comma, semicolon or tab, names of columns in the first line.
func parse(b []byte, known []string) (*table, error) {
	bad := func(format string, a ...any) error { return fault.Field("file", fmt.Sprintf(format, a...)) }
	if bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return nil, bad("The file is UTF-16. Save it as CSV in UTF-8.")
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if !utf8.Valid(b) {
		line := 1
		for len(b) > 0 {
			r, n := utf8.DecodeRune(b)
			if r == utf8.RuneError && n == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			b = b[n:]
		}
		return nil, bad("Line %d is not UTF-8. Save the file as CSV in UTF-8.", line)
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return nil, bad("Line %d holds a null character. Is this a CSV file?", 1+bytes.Count(b[:i], []byte("\n")))
	}
	t := &table{}
	skipped := 0
	if first, rest, _ := bytes.Cut(b, []byte("\n")); len(first) > 4 && strings.EqualFold(string(first[:4]), "sep=") {
		if d := first[4]; d == ',' || d == ';' || d == '\t' {
			t.delimiter, b, skipped = rune(d), rest, 1
		}
	}
	if t.delimiter == 0 {
		t.delimiter = delimiter(b, known)
	}
	r := reader(b, t.delimiter)
	header, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, bad("The file is empty.")
	case err != nil:
		return nil, bad("%s", wrong(err, skipped))
	}
	if t.columns, err = names(header, known); err != nil {
		return nil, err
	}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, bad("%s", wrong(err, skipped))
		}
		if !slices.ContainsFunc(rec, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			continue // spreadsheets leave lines of empty cells
		}
		if len(t.rows) == most {
			return nil, bad("The file has more than 10,000 rows. Split it into parts.")
		}
		line, _ := r.FieldPos(0)
		next := row{line: line + skipped, cells: map[string]string{}}
		if len(rec) != len(t.columns) {
			next.bad = fmt.Sprintf("The line has %d cells, the header %d.", len(rec), len(t.columns))
		}
		for i, c := range t.columns {
			if i < len(rec) {
				next.cells[c] = plain(rec[i])
			}
		}
		t.rows = append(t.rows, next)
	}
	if len(t.rows) == 0 {
		return nil, bad("The file has a header and no rows.")
	}
	return t, nil
}

func reader(b []byte, d rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord = d, -1
	return r
}

// wrong says what is wrong with a line, in plain words.
func wrong(err error, skipped int) string {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return "The file can't be read as CSV."
	}
	what := "a quotation mark stands inside a cell that does not begin with one"
	if errors.Is(err, csv.ErrQuote) {
		what = "a quotation mark is not closed, or something follows it"
	}
	return fmt.Sprintf("Line %d can't be read as CSV: %s.", p.Line+skipped, what)
}

// delimiter is the one by which the first line has the most names that are known, else the most cells.
func delimiter(b []byte, known []string) rune {
	best, at := ',', -1
	for _, d := range ",;\t" {
		rec, err := reader(b, d).Read()
		if err != nil {
			continue
		}
		n := len(rec)
		for _, c := range rec {
			if slices.Contains(known, fold(c)) {
				n += 1000
			}
		}
		if n > at {
			best, at = d, n
		}
	}
	return best
}

// fold gives the name of a column as it is known: "Is active" is is_active.
func fold(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// names finds the columns of a header, or tells all that is wrong with it.
func names(header, known []string) ([]string, error) {
	var bad fault.Fields
	out := make([]string, len(header))
	for i, h := range header {
		name := fold(plain(h))
		near := config.Nearest(name, known)
		switch {
		case slices.Contains(out[:i], name) && name != "":
			bad.Add("file", fmt.Sprintf("The column %q is there twice.", name))
		case slices.Contains(known, name):
		case name == "":
			bad.Add("file", fmt.Sprintf("Column %d has no name in the first line.", i+1))
		case strings.Contains(name, "password"):
			bad.Add("file", "Passwords are neither exported nor imported. Take the column out; invite people, or send them a recovery link.")
		case near != "":
			bad.Add("file", fmt.Sprintf("There is no column %.60q. Did you mean %q?", strings.TrimSpace(h), near))
		default:
			bad.Add("file", fmt.Sprintf("There is no column %.60q. The columns are: %s.", strings.TrimSpace(h), strings.Join(known, ", ")))
		}
		out[i] = name
		if len(bad["file"]) == 10 {
			break
		}
	}
	return out, bad.Err()
}
