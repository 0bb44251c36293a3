package prompt

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

// The shapes that values are decoded into: the rules of the published API for each type.
type (
	plainText struct {
		V string `json:"v" is:"raw,blank"`
	}
	nameText struct {
		V string `json:"v" is:"blank" max:"150"`
	}
	emailText struct {
		V string `json:"v" is:"blank" format:"email" max:"254"`
	}
	wholeNumber struct {
		V int64 `json:"v"`
	}
	tick struct {
		V bool `json:"v"`
	}
	pointInTime struct {
		V time.Time `json:"v" format:"date-time"`
	}
)

// maxFile is the largest file that a prompt takes, in bytes.
const maxFile = 768 << 10

// newPassword is the key under which the stage that writes users looks for a password.
const newPassword = "password"

// value gives what an answer says for a prompt; has is false when it says nothing and nothing has to be said. Faults are about the
// prompt's key.
func (s *Stage) value(t *stage.Turn, p *Prompt, f Field, raw json.RawMessage) (v any, has bool, err error) {
	switch p.Type {
	case Separator:
		return nil, false, nil
	case Hidden, Static:
		if f.InitialValue != "" {
			return f.InitialValue, true, nil
		}
		return f.Placeholder, true, nil
	case TextReadOnly, TextAreaReadOnly:
		return f.InitialValue, true, nil
	}
	raw = last(raw)
	if raw == nil || empty(p, raw) {
		return s.absent(p, f)
	}
	bad := func(text string) (any, bool, error) { return nil, false, fault.Field(p.FieldKey, text) }
	switch p.Type {
	case Number:
		in := wholeNumber{}
		err = decode(p, raw, &in, func() { v = in.V })
		return v, err == nil, err
	case Checkbox:
		in := tick{}
		err = decode(p, raw, &in, func() { v = in.V })
		return v, err == nil, err
	case DateTime:
		in := pointInTime{}
		err = decode(p, raw, &in, func() { v = in.V.UTC().Format(time.RFC3339Nano) })
		return v, err == nil, err
	}
	var word string
	switch p.Type {
	case Username, Locale:
		in := nameText{}
		err = decode(p, raw, &in, func() { word = in.V })
	case Email:
		in := emailText{}
		err = decode(p, raw, &in, func() { word = in.V })
	default:
		in := plainText{}
		err = decode(p, raw, &in, func() { word = in.V })
	}
	if err != nil {
		return nil, false, err
	}
	if word == "" && p.Required && p.Type != Locale {
		return bad("This field may not be blank.")
	}
	switch p.Type {
	case Password:
		// What the key password holds becomes somebody's password. Said here it can be typed again, later it would end the flow.
		if p.FieldKey == newPassword && word != "" {
			if cerr := user.CheckNew(word); cerr != nil {
				return bad(strings.Join(fault.As(cerr).Fields["password"], " "))
			}
		}
	case Username:
		err = s.free(t, p, word)
	case Date:
		if _, perr := time.Parse(time.DateOnly, word); perr != nil {
			return bad("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.")
		}
	case File:
		err = file(p, word)
	case Radio, Dropdown:
		if word != "" && !slices.Contains(f.Choices, word) {
			return bad(fmt.Sprintf("\"%s\" is not a valid choice.", word))
		}
	}
	return word, err == nil, err
}

// decode reads one value into a shape; then takes it over when it is right.
func decode(p *Prompt, raw json.RawMessage, shape any, then func()) error {
	v := reflect.ValueOf(shape).Elem()
	if _, err := kind.Decode(kind.FieldsOf(v.Type()), map[string]json.RawMessage{"v": raw}, v, true); err != nil {
		var texts []string
		for _, m := range fault.As(err).Fields {
			texts = append(texts, m...)
		}
		return fault.Field(p.FieldKey, strings.Join(texts, " "))
	}
	then()
	return nil
}

// last gives the last of several values: the form of a page sends what an unchecked box means before the box itself.
func last(raw json.RawMessage) json.RawMessage {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return raw
	}
	for _, one := range many {
		if len(one) == 0 || one[0] != '"' {
			return raw
		}
	}
	return many[len(many)-1]
}

// empty says whether a form's field of this type was left empty: an empty text is no number, date or file.
func empty(p *Prompt, raw json.RawMessage) bool {
	switch p.Type {
	case Number, Date, DateTime, File, Checkbox:
		return string(raw) == `""`
	}
	return false
}

// absent is what a value is that the answer lacks: what the field held at first, nothing when it is not required.
func (s *Stage) absent(p *Prompt, f Field) (any, bool, error) {
	switch {
	case p.Type == Checkbox:
		return f.InitialValue != "", true, nil
	case f.InitialValue != "" && p.Type == Number:
		var v int64
		in := wholeNumber{}
		err := decode(p, json.RawMessage(quoted(f.InitialValue)), &in, func() { v = in.V })
		return v, err == nil, err
	case f.InitialValue != "":
		return f.InitialValue, true, nil
	case p.Required && p.Type != Locale:
		return nil, false, fault.Field(p.FieldKey, "This field is required.")
	}
	return nil, false, nil
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// free says whether nobody has a username but the person themselves.
func (s *Stage) free(t *stage.Turn, p *Prompt, name string) error {
	if name == "" || t.User != nil && t.User.PK != 0 && t.User.Username == name {
		return nil
	}
	_, err := s.d.Users.ByUsername(t.Ctx, name)
	switch {
	case err == nil:
		return fault.Field(p.FieldKey, "Username is already taken.")
	case fault.Is(err, fault.NotFound):
		return nil
	}
	return err
}

// file checks a file as browsers send it in a text: data:<type>;base64,<bytes> (RFC 2397).
func file(p *Prompt, word string) error {
	rest, ok := strings.CutPrefix(word, "data:")
	if !ok {
		return fault.Field(p.FieldKey, "Invalid scheme")
	}
	kind, data, ok := strings.Cut(rest, ",")
	if !ok || !strings.HasSuffix(kind, ";base64") {
		return fault.Field(p.FieldKey, "Invalid encoding")
	}
	if len(kind) > 255 {
		return fault.Field(p.FieldKey, "Invalid encoding")
	}
	if base64.StdEncoding.DecodedLen(len(data)) > maxFile+3 {
		return fault.Field(p.FieldKey, "This file is too large.")
	}
	b, err := base64.StdEncoding.DecodeString(data)
	switch {
	case err != nil:
		return fault.Field(p.FieldKey, "Invalid encoding")
	case len(b) > maxFile:
		return fault.Field(p.FieldKey, "This file is too large.")
	}
	return nil
}
