package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/db"
)

// sheetAnswer is what an import answers.
type sheetAnswer struct {
	status                            int
	body                              string
	Done                              bool
	Delimiter                         string
	Create, Update, Unchanged, Failed int
	File                              []string
	Lines                             []struct {
		Line         int
		Action, Name string
		Changes      []struct{ Column, Was, Now string }
		Errors       map[string][]string
	}
}

// takeIn sends a CSV file.
func (h *house) takeIn(token, what, file string) sheetAnswer {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "people.csv")
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := part.Write([]byte(file)); err != nil {
		h.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	header := []string{}
	if token != "" {
		header = []string{"Authorization", "Bearer " + token}
	}
	patient := h.browser()
	patient.c.Timeout = 5 * time.Minute // a thousand lines under the race detector on a busy machine
	a := patient.do("POST", "/api/v3/gatehouse/csv/"+what+"/", w.FormDataContentType(), b.String(), header...)
	out := sheetAnswer{status: a.status, body: strings.TrimSpace(a.body)}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		h.t.Fatalf("%d %s", a.status, a.body)
	}
	return out
}

// said gives each line as "2 create ada: what is wrong".
func (s sheetAnswer) said() string {
	var out []string
	for _, l := range s.Lines {
		text := fmt.Sprintf("%d %s %s", l.Line, l.Action, l.Name)
		var bad []string
		for c, ms := range l.Errors {
			bad = append(bad, c+": "+strings.Join(ms, " "))
		}
		slices.Sort(bad)
		if len(bad) > 0 {
			text += ": " + strings.Join(bad, "; ")
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func TestCSVOfUsers(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	staff := h.api("POST", "core/groups/", map[string]any{"name": "Staff"}, 201)["pk"].(string)
	h.api("POST", "core/groups/", map[string]any{"name": "Board | Advisors"}, 201)
	ada := h.addUser("ada", "lovelace-1815")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), map[string]any{"name": "=HYPERLINK(\"x\")", "groups": []string{staff}, "attributes": map[string]any{"n": 1.5, "a": "ü;\"'"}}, 200)
	user := func(name string) map[string]any {
		t.Helper()
		all := h.api("GET", "core/users/?username="+name, nil, 200)["results"].([]any)
		if len(all) != 1 {
			t.Fatalf("%d users called %s", len(all), name)
		}
		return all[0].(map[string]any)
	}
	export := func() string {
		t.Helper()
		a := h.as(bootToken, "GET", "gatehouse/csv/users/", "")
		if a.status != 200 || a.header.Get("Content-Type") != "text/csv; charset=utf-8" || a.header.Get("Content-Disposition") != `attachment; filename="users.csv"` {
			t.Fatalf("%d %v %s", a.status, a.header, a.body)
		}
		return a.body
	}
	t.Run("export", func(t *testing.T) {
		out := export()
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || !slices.Equal(rows[0], []string{"username", "name", "email", "is_active", "type", "path", "groups", "attributes"}) {
			t.Fatalf("%v %v", err, rows)
		}
		i := slices.IndexFunc(rows, func(r []string) bool { return r[0] == "ada" })
		if want := []string{"ada", "'=HYPERLINK(\"x\")", "ada@office.lan", "true", "internal", "users", "Staff", `{"a":"ü;\"'","n":1.5}`}; i < 0 || !slices.Equal(rows[i], want) {
			t.Errorf("%q", rows)
		}
		if strings.Contains(out, "argon2") || strings.Contains(out, "pbkdf2") || strings.Contains(out, "AnonymousUser") {
			t.Error(out)
		}
		// What was taken out goes in again and changes nothing.
		if back := h.takeIn(bootToken, "users/preview", out); back.status != 200 || back.Failed+back.Create+back.Update != 0 || back.Unchanged != len(rows)-1 {
			t.Errorf("%s", back.body)
		}
	})
	file := "\ufeffUsername;Name;E-Mail;Groups;is active\r\n" +
		"ada;Ada Lovelace;ada@office.lan;Staff;\r\n" +
		"bob;Bob;bob@office.lan;\"Staff|[x\";WAHR\r\n"
	t.Run("names of columns", func(t *testing.T) {
		if got := h.takeIn(bootToken, "users/preview", file); got.status != 400 || !slices.Equal(got.File, []string{`There is no column "E-Mail". Did you mean "email"?`}) {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := h.takeIn(bootToken, "users/preview", "name\nBob\n"); got.status != 400 || got.File[0] != `The column "username" is missing: it says which one is meant.` {
			t.Errorf("%s", got.body)
		}
	})
	file = strings.Replace(file, "E-Mail", "Email", 1)
	t.Run("refused lines", func(t *testing.T) {
		bad := file + "bob;again;x@office.lan;;\r\n;nobody;;;\r\neve;Eve;no address;Stafff;perhaps\r\nzoe;Zoe;\r\n"
		want := "2 update ada\n3 error bob: groups: There is no \"[x\".\n4 error bob: non_field_errors: bob is on line 3 already.\n5 error : username: This field may not be blank.\n" +
			"6 error eve: groups: There is no \"Stafff\"; did you mean \"Staff\"?; is_active: Write true or false.\n7 error zoe: non_field_errors: The line has 3 cells, the header 5."
		got := h.takeIn(bootToken, "users/preview", bad)
		if got.status != 200 || got.said() != want || got.Done || got.Failed != 5 || got.Delimiter != ";" {
			t.Errorf("%d %s", got.status, got.said())
		}
		events := h.events("model_updated") + h.events("model_created")
		got = h.takeIn(bootToken, "users", bad)
		if got.status != 400 || got.File[0] != "Nothing was imported: 5 of 6 lines are refused." || !slices.Contains(got.File, `Line 3: groups: There is no "[x".`) {
			t.Errorf("%d %s", got.status, got.body)
		}
		if user("ada")["name"] != `=HYPERLINK("x")` || h.events("model_updated")+h.events("model_created") != events {
			t.Error("a refused file changed something")
		}
	})
	file = strings.Replace(file, `"Staff|[x"`, `Staff`, 1) + "carl;Carl;carl@office.lan;\"[\"\"Staff\"\",\"\"Board | Advisors\"\"]\";nein\r\n"
	t.Run("import", func(t *testing.T) {
		before := h.events("model_created")
		dry := h.takeIn(bootToken, "users/preview", file)
		if dry.said() != "2 update ada\n3 create bob\n4 create carl" || h.events("model_created") != before {
			t.Errorf("%s", dry.said())
		}
		if c := dry.Lines[0].Changes; len(c) != 1 || c[0].Column != "name" || c[0].Was != `=HYPERLINK("x")` || c[0].Now != "Ada Lovelace" {
			t.Errorf("%+v", c)
		}
		got := h.takeIn(bootToken, "users", file)
		if got.status != 200 || !got.Done || got.Create != 2 || got.Update != 1 || h.events("model_created") != before+2 {
			t.Errorf("%d %s", got.status, got.body)
		}
		a, b, c := user("ada"), user("bob"), user("carl")
		if a["name"] != "Ada Lovelace" || a["attributes"].(map[string]any)["n"] != 1.5 || fmt.Sprint(a["groups"]) != fmt.Sprint([]string{staff}) || a["is_active"] != true || a["pk"] != float64(ada) {
			t.Errorf("%v", a)
		}
		if b["is_active"] != true || b["path"] != "users" || c["is_active"] != false || len(c["groups"].([]any)) != 2 {
			t.Errorf("%v\n%v", b, c)
		}
		if again := h.takeIn(bootToken, "users", file); again.status != 200 || again.Unchanged != 3 || again.Done {
			t.Errorf("%s", again.said())
		}
		// What a change of one refuses, a file refuses too.
		for file, want := range map[string]string{
			"username,is_active\nakadmin,no\n":                    "is_active: This is your own account. You can't switch it off by a file.",
			"username,groups\nakadmin,\n":                         "This would leave nobody who can administer Gatehouse.",
			"username,email\nbob,x\n":                             "email: Enter a valid email address.",
			"username,type\nbob,robot\n":                          `type: "robot" is not a valid choice.`,
			"username,attributes\nbob,{\n":                        `attributes: Write it as JSON: {"department": "sales"}.`,
			"username,attributes\nbob,[1]\n":                      "attributes: Expected a dictionary",
			"username,path\nbob,/x\n":                             "path: No leading or trailing slashes allowed.",
			"username\n" + strings.Repeat("x", 200) + "\n":        "username: Ensure this field has no more than 150 characters.",
			"username,is_active\nada,no\nbob,no\nakadmin,false\n": "Line 4: is_active",
		} {
			if got := h.takeIn(bootToken, "users", file); got.status != 400 || !strings.Contains(strings.Join(got.File, " "), want) {
				t.Errorf("%q: %d %s, want %s", file, got.status, got.body, want)
			}
		}
		if user("ada")["is_active"] != true {
			t.Error("a refused file switched somebody off")
		}
	})
	t.Run("permissions", func(t *testing.T) {
		eve := h.addUser("eve", "eavesdrop-77")
		token := h.tokenOf(eve, "of-eve", "api")
		if a := h.as(token, "GET", "gatehouse/csv/users/", ""); a.status != 403 {
			t.Errorf("an ordinary user takes out: %d", a.status)
		}
		if a := h.as("", "GET", "gatehouse/csv/users/", ""); a.status != 403 {
			t.Errorf("nobody: %d", a.status)
		}
		const denied = "You do not have permission to perform this action."
		both := "username,name,groups\nada,A,\nnew,N,\n"
		if got := h.takeIn(token, "users/preview", both); got.said() != "2 error ada: non_field_errors: "+denied+"\n3 error new: non_field_errors: "+denied {
			t.Errorf("%s", got.said())
		}
		if got := h.takeIn("", "users/preview", both); got.status != 403 {
			t.Errorf("nobody: %d", got.status)
		}
		h.grant(t, eve, "authentik_core.view_user", fmt.Sprint(ada))
		if a := h.as(token, "GET", "gatehouse/csv/users/", ""); a.status != 200 || strings.Count(a.body, "\n") != 2 || !strings.Contains(a.body, "ada,") {
			t.Errorf("who may look at one: %d %s", a.status, a.body)
		}
		if got := h.takeIn(token, "users", both); got.status != 400 {
			t.Errorf("who may look at one: %s", got.said())
		}
		h.grant(t, eve, "authentik_core.add_user", "")
		h.grant(t, eve, "authentik_core.change_user", fmt.Sprint(ada))
		if got := h.takeIn(token, "users", "username,name,groups\nada,A,Staff\n"); got.status != 400 || !strings.Contains(got.body, `There is no \"Staff\"`) {
			t.Errorf("a group that one may not look at: %s", got.body)
		}
		if got := h.takeIn(token, "users", strings.ReplaceAll(both, ",groups", "")); got.status != 400 || !strings.Contains(got.body, "The line has 3 cells") {
			t.Errorf("%s", got.body)
		}
		if got := h.takeIn(token, "users", "username,name\nada,A\nnew,N\n"); got.status != 200 || got.Create != 1 || got.Update != 1 {
			t.Errorf("with the permissions: %s", got.body)
		}
		h.grant(t, eve, "authentik_core.view_group", "")
		if got := h.takeIn(token, "users", "username,name,groups\nnewer,N,authentik Admins\n"); got.status != 400 || !strings.Contains(got.body, "Only a superuser can add somebody to a group of superusers.") {
			t.Errorf("escalation: %s", got.body)
		}
	})
	if a := h.as(bootToken, "POST", "gatehouse/csv/users/", `{}`); a.status != 400 {
		t.Errorf("JSON: %d %s", a.status, a.body)
	}
}

func TestCSVOfGroups(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	file := "name,parent,is_superuser,attributes\nSales EU,Sales,no,\nSales,Company,no,\"{\"\"floor\"\":2}\"\nCompany,,no,\n"
	if got := h.takeIn(bootToken, "groups/preview", file); got.status != 200 || got.said() != "2 create Sales EU\n3 create Sales\n4 create Company" {
		t.Fatalf("%s", got.said())
	}
	if got := h.takeIn(bootToken, "groups", file); got.status != 200 || got.Create != 3 {
		t.Fatalf("%s", got.body)
	}
	one := h.api("GET", "core/groups/?name=Sales%20EU", nil, 200)["results"].([]any)[0].(map[string]any)
	if one["parent_name"] != "Sales" {
		t.Errorf("%v", one)
	}
	if got := h.takeIn(bootToken, "groups", file); got.status != 200 || got.Unchanged != 3 {
		t.Errorf("%s", got.body)
	}
	out := h.as(bootToken, "GET", "gatehouse/csv/groups/", "").body
	if back := h.takeIn(bootToken, "groups/preview", out); back.Unchanged != 4 || back.Failed+back.Create+back.Update != 0 {
		t.Errorf("%s\n%s", out, back.said())
	}
	for file, want := range map[string]string{
		"name,parent\nA,B\nB,A\n":                  `There is no \"`,
		"name,parent\nCompany,Sales EU\n":          "Cannot set group as parent of itself.",
		"name,parent\nX,Nowhere\n":                 `There is no \"Nowhere\"`,
		"name,is_superuser\nauthentik Admins,no\n": "This would leave nobody who can administer Gatehouse.",
	} {
		if got := h.takeIn(bootToken, "groups", file); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%q: %d %s", file, got.status, got.body)
		}
	}
	// Two of one name: the parent says which.
	company := h.api("GET", "core/groups/?name=Company", nil, 200)["results"].([]any)[0].(map[string]any)["pk"]
	h.api("POST", "core/groups/", map[string]any{"name": "Team", "parent": company}, 201)
	h.api("POST", "core/groups/", map[string]any{"name": "Team"}, 201)
	if got := h.takeIn(bootToken, "groups", "name,attributes\nTeam,\"{\"\"a\"\":1}\"\n"); got.status != 400 || !strings.Contains(got.body, "There are several of this name.") {
		t.Errorf("%s", got.body)
	}
	if got := h.takeIn(bootToken, "groups", "name,parent,attributes\nTeam,Company,\"{\"\"a\"\":1}\"\nTeam,,{}\n"); got.status != 200 || got.Update != 1 || got.Unchanged != 1 {
		t.Errorf("%s", got.body)
	}
}

// TestCSVOfThousands holds that an export streams everybody and an import takes its most.
func TestCSVOfThousands(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
			INSERT INTO users (username, name, is_active, email, attributes, path, type, uuid, password, date_joined)
			SELECT 'p' || i, 'Person ' || i, 1, '', '{}', 'users', 'internal', 'u' || i, '!', 0 FROM n`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	out := h.as(bootToken, "GET", "gatehouse/csv/users/", "").body
	t.Logf("export: %v", time.Since(began))
	if n := strings.Count(out, "\r\n"); n < 1202 {
		t.Errorf("%d lines", n)
	}
	began = time.Now()
	got := h.takeIn(bootToken, "users", strings.ReplaceAll(out, "Person 1", "Human 1"))
	t.Logf("import: %v", time.Since(began))
	if got.status != 200 || got.Update != 312 || got.Failed != 0 {
		t.Errorf("%.300s", got.body)
	}
	if got := h.takeIn(bootToken, "users", "username\n"+strings.Repeat("x\n", 10_001)); got.status != 400 || got.File[0] != "The file has more than 10,000 rows. Split it into parts." {
		t.Errorf("%.300s", got.body)
	}
}
