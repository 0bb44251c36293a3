package sheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/fault"
)

var columns = []string{"username", "name", "email", "is_active"}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "username,name\nada,Ada\n", "',' 2[username=ada name=Ada]"},
		{"mark of UTF-8", "\ufeffusername,name\nada,Ada\n", "',' 2[username=ada name=Ada]"},
		{"semicolon", "username;name\r\nada;Lovelace, Ada\r\n", "';' 2[username=ada name=Lovelace, Ada]"},
		{"tab", "username\tname\nada\tAda; L, x\n", "'\\t' 2[username=ada name=Ada; L, x]"},
		{"sep line", "sep=;\nusername;name\nada;Ada\n", "';' 3[username=ada name=Ada]"},
		{"names in another case", "UserName,Is Active\nada,true\n", "',' 2[username=ada is_active=true]"},
		{"a comma in the header's quotes", "\"username\";\"name\"\nada;\"a;b\"\n", "';' 2[username=ada name=a;b]"},
		{"line breaks in cells count", "username,name\n\"a\nb\",x\nbob,y\n", "',' 2[username=a\nb name=x] 4[username=bob name=y]"},
		{"empty lines", "username,name\n\n,\nada,Ada\n", "',' 4[username=ada name=Ada]"},
		{"formulas", "username,name\nada,'=1+1\nbob,''=x\neve,'quoted\n", "',' 2[username=ada name==1+1] 3[username=bob name='=x] 4[username=eve name='quoted]"},
		{"one column", "username\nada\n", "',' 2[username=ada]"},
		{"too few and too many", "username,name\nada\nbob,Bob,x\n", "',' 2[username=ada !The line has 1 cells, the header 2.] 3[username=bob name=Bob !The line has 3 cells, the header 2.]"},
		{"empty", "", "The file is empty."}, {"only a mark", "\ufeff", "The file is empty."}, {"header only", "username\n", "The file has a header and no rows."},
		{"UTF-16", "\xff\xfeu\x00", "The file is UTF-16. Save it as CSV in UTF-8."},
		{"Latin-1", "username,name\nzoe,Zo\xeb\n", "Line 2 is not UTF-8. Save the file as CSV in UTF-8."},
		{"binary", "username\nPK\x00\x03", "Line 2 holds a null character. Is this a CSV file?"},
		{"near", "usrname,emial\nx,y\n", `There is no column "usrname". Did you mean "username"?|There is no column "emial". Did you mean "email"?`},
		{"far", "username,telephone\nx,y\n", `There is no column "telephone". The columns are: username, name, email, is_active.`},
		{"twice", "username,Username\nx,y\n", `The column "username" is there twice.`},
		{"no name", "username,\nx,y\n", "Column 2 has no name in the first line."},
		{"password", "username,password\nx,y\n", "Passwords are neither exported nor imported. Take the column out; invite people, or send them a recovery link."},
		{"open quote", "username,name\nada,\"x\n", "Line 2 can't be read as CSV: a quotation mark is not closed, or something follows it."},
		{"bare quote", "username,name\nada,x\"y\n", "Line 2 can't be read as CSV: a quotation mark stands inside a cell that does not begin with one."},
	} {
		got := ""
		tab, err := parse([]byte(tt.in), columns)
		if err != nil {
			got = strings.Join(fault.As(err).Fields["file"], "|")
		} else {
			got = fmt.Sprintf("%q", tab.delimiter)
			for _, r := range tab.rows {
				var cells []string
				for _, c := range tab.columns {
					if v, ok := r.cells[c]; ok {
						cells = append(cells, c+"="+v)
					}
				}
				if r.bad != "" {
					cells = append(cells, "!"+r.bad)
				}
				got += fmt.Sprintf(" %d[%s]", r.line, strings.Join(cells, " "))
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q\nwant %q", tt.name, got, tt.want)
		}
	}
	many := []byte("username\n" + strings.Repeat("a\n", most+1))
	if _, err := parse(many, columns); err == nil || fault.As(err).Fields["file"][0] != "The file has more than 10,000 rows. Split it into parts." {
		t.Errorf("%v", err)
	}
	if tab, err := parse(many[:len(many)-2], columns); err != nil || len(tab.rows) != most {
		t.Errorf("10,000 rows: %v", err)
	}
}

func TestDefuse(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Ada": "Ada", "=1+1": "'=1+1", "+49 30": "'+49 30", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx", "'=x": "''=x", "'x": "'x", "a=b": "a=b", "''": "''",
	} {
		if got := defuse(in); got != want || plain(got) != in {
			t.Errorf("%q becomes %q and back %q, want %q", in, got, plain(got), want)
		}
	}
}

func TestLists(t *testing.T) {
	for _, names := range [][]string{{}, {"Staff"}, {"Staff", "Guests"}, {"a|b", "c"}, {"[x]"}, {" lead"}} {
		if got, err := unlist(list(names)); err != nil || !slices.Equal(got, names) {
			t.Errorf("%q: %q %v", names, got, err)
		}
	}
	if got, err := unlist(" a | b |a| "); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q %v", got, err)
	}
	if _, err := unlist(`[1]`); err == nil {
		t.Error("a list of numbers")
	}
}

// FuzzParse holds that no file makes trouble, and that what was read comes back the same when it is written again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"username,name\nada,Ada\n", "\ufeffusername;name\nada;'=1\n", "sep=\t\nusername\tname\n\"a\tb\"\t\n", "username\n\"a\"\"b\"\n", "username,name\na,b,c\nd\n", "\"username\",\n", "\xff\xfe", "usrname\nx"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		one, err := parse(in, columns)
		if err != nil {
			if ms := fault.As(err).Fields["file"]; len(ms) == 0 || ms[0] == "" {
				t.Fatalf("a refusal without a sentence: %v", err)
			}
			return
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = one.delimiter
		_ = w.Write(one.columns) // a buffer never fails
		for _, r := range one.rows {
			if r.bad != "" {
				return
			}
			rec := make([]string, len(one.columns))
			for i, c := range one.columns {
				rec[i] = defuse(r.cells[c])
			}
			_ = w.Write(rec)
		}
		w.Flush()
		two, err := parse(b.Bytes(), columns)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", in, b.Bytes(), err)
		}
		if len(one.rows) != len(two.rows) || !slices.Equal(one.columns, two.columns) {
			t.Fatalf("%q: %d rows, then %d", in, len(one.rows), len(two.rows))
		}
		for i := range one.rows {
			for _, c := range one.columns {
				if a, b := strings.ReplaceAll(one.rows[i].cells[c], "\r\n", "\n"), strings.ReplaceAll(two.rows[i].cells[c], "\r\n", "\n"); a != b {
					t.Fatalf("%q: cell %q, then %q", in, a, b)
				}
			}
		}
	})
}
