package prompt_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/backend/stage/prompt"
	"gatehouse/backend/stage/stagetest"
)

// none stands for a value that is not there.
type none struct{}

func TestValues(t *testing.T) {
	const (
		blank    = "This field may not be blank. (blank)"
		required = "This field is required. (required)"
		null     = "This field may not be null. (null)"
		text     = "Not a valid string. (invalid)"
		number   = "A valid integer is required. (invalid)"
		boolean  = "Must be a valid boolean. (invalid)"
		day      = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD. (invalid)"
		moment   = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]. (invalid)"
		email    = "Enter a valid email address. (invalid)"
	)
	choose := func(p *prompt.Prompt) { p.Placeholder = "large" }
	house, a := open(t).House, &asked{}
	for i, tt := range []struct {
		name  string
		p     change
		give  any
		want  any // kept in the plan
		wrong string
	}{
		{"text", field("x", prompt.Text), " a b ", " a b ", ""},
		{"text blank", field("x", prompt.Text), "", nil, blank},
		{"text blank, optional", field("x", prompt.Text, optional), "", "", ""},
		{"text missing", field("x", prompt.Text), none{}, nil, required},
		{"text missing, optional", field("x", prompt.Text, optional), none{}, nil, ""},
		{"text missing, with an initial value", field("x", prompt.Text, initial("first")), none{}, "first", ""},
		{"text null", field("x", prompt.Text), nil, nil, null},
		{"text number", field("x", prompt.Text), 7, "7", ""},
		{"text list", field("x", prompt.Text), []any{1}, nil, text},
		{"text object", field("x", prompt.Text), map[string]any{}, nil, text},
		{"text true", field("x", prompt.Text), true, nil, text},
		{"text NUL", field("x", prompt.Text), "a\x00b", nil, "Null characters are not allowed. (invalid)"},
		{"several texts", field("x", prompt.Text), []any{"a", "b"}, "b", ""},
		{"area", field("x", prompt.TextArea), "a\nb", "a\nb", ""},
		{"read only", field("x", prompt.TextReadOnly, initial("stays")), "changed", "stays", ""},
		{"read-only area", field("x", prompt.TextAreaReadOnly, initial("stays")), none{}, "stays", ""},
		{"hidden", field("x", prompt.Hidden, initial("stays")), "changed", "stays", ""},
		{"hidden with a placeholder", field("x", prompt.Hidden, hint("held")), "changed", "held", ""},
		{"static", field("x", prompt.Static, initial("stays")), "changed", "stays", ""},
		{"separator", field("x", prompt.Separator), "anything", nil, ""},
		{"username", field("x", prompt.Username), " ada ", "ada", ""},
		{"username blank", field("x", prompt.Username), "  ", nil, blank},
		{"username long", field("x", prompt.Username), strings.Repeat("a", 151), nil, "Ensure this field has no more than 150 characters. (invalid)"},
		{"email", field("x", prompt.Email), "ada@office.example", "ada@office.example", ""},
		{"email wrong", field("x", prompt.Email), "ada", nil, email},
		{"email blank", field("x", prompt.Email), "", nil, blank},
		{"email blank, optional", field("x", prompt.Email, optional), "", "", ""},
		{"password", field("x", prompt.Password), " word ", " word ", ""},
		{"password blank", field("x", prompt.Password), "", nil, blank},
		{"number", field("x", prompt.Number), 7, 7.0, ""},
		{"number as text", field("x", prompt.Number), "-7", -7.0, ""},
		{"number wrong", field("x", prompt.Number), "seven", nil, number},
		{"number fraction", field("x", prompt.Number), 1.5, nil, number},
		{"number empty", field("x", prompt.Number), "", nil, required},
		{"number empty, optional", field("x", prompt.Number, optional), "", nil, ""},
		{"number missing, with an initial value", field("x", prompt.Number, initial("4")), none{}, 4.0, ""},
		{"box", field("x", prompt.Checkbox), true, true, ""},
		{"box on", field("x", prompt.Checkbox), "on", true, ""},
		{"box false", field("x", prompt.Checkbox, initial("yes")), false, false, ""},
		{"box missing", field("x", prompt.Checkbox), none{}, false, ""},
		{"box missing, ticked at first", field("x", prompt.Checkbox, initial("yes")), none{}, true, ""},
		{"box of a page, unticked", field("x", prompt.Checkbox, initial("yes")), "false", false, ""},
		{"box of a page, ticked", field("x", prompt.Checkbox), []any{"false", "true"}, true, ""},
		{"box wrong", field("x", prompt.Checkbox), "perhaps", nil, boolean},
		{"date", field("x", prompt.Date), "2026-11-24", "2026-11-24", ""},
		{"date wrong", field("x", prompt.Date), "24.11.2026", nil, day},
		{"date empty", field("x", prompt.Date), "", nil, required},
		{"date empty, optional", field("x", prompt.Date, optional), "", nil, ""},
		{"moment", field("x", prompt.DateTime), "2026-11-24T10:30:00+01:00", "2026-11-24T09:30:00Z", ""},
		{"moment of a page", field("x", prompt.DateTime), "2026-11-24T10:30", "2026-11-24T10:30:00Z", ""},
		{"moment wrong", field("x", prompt.DateTime), "tomorrow", nil, moment},
		{"choice", field("x", prompt.Dropdown, choose), "large", "large", ""},
		{"choice wrong", field("x", prompt.Dropdown, choose), "huge", nil, `"huge" is not a valid choice. (invalid_choice)`},
		{"radio wrong", field("x", prompt.Radio, choose), "huge", nil, `"huge" is not a valid choice. (invalid_choice)`},
		{"choice missing takes the first", field("x", prompt.Radio, choose), none{}, "large", ""},
		{"locale", field("x", prompt.Locale), "de", "de", ""},
		{"locale blank", field("x", prompt.Locale), "", "", ""},
		{"locale missing", field("x", prompt.Locale), none{}, nil, ""},
		{"file", field("x", prompt.File), "data:mine/type;base64,Zm9v", "data:mine/type;base64,Zm9v", ""},
		{"file without data", field("x", prompt.File), "https://x.test/a", nil, "Invalid scheme (invalid)"},
		{"file of text", field("x", prompt.File), "data:text/plain,foo", nil, "Invalid encoding (invalid)"},
		{"file of rubbish", field("x", prompt.File), "data:text/plain;base64,!!", nil, "Invalid encoding (invalid)"},
		{"file huge", field("x", prompt.File), "data:a/b;base64," + strings.Repeat("AAAA", 300_000), nil, "This file is too large. (invalid)"},
		{"file missing", field("x", prompt.File), none{}, nil, required},
		{"file empty, optional", field("x", prompt.File, optional), "", nil, ""},
		{"nested key", field("attributes.settings.locale", prompt.Text), "de", "de", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := more(house, a, fmt.Sprint("v", i), tt.p)
			key := "x"
			if tt.name == "nested key" {
				key = "attributes.settings.locale"
			}
			answer := map[string]any{}
			if _, missing := tt.give.(none); !missing {
				answer[key] = tt.give
			}
			out := s.b.Step(s.flow.Slug, "", answer)
			if got := stagetest.Problem(out, key); got != tt.wrong {
				t.Fatalf("%q, want %q", got, tt.wrong)
			}
			if tt.wrong != "" {
				return
			}
			if !out.Advance {
				t.Fatalf("%s %v", stagetest.Component(out), out.Challenge.Errors)
			}
			if got := s.data()[key]; got != tt.want {
				t.Errorf("kept %v (%T), want %v", got, got, tt.want)
			}
		})
	}
}
