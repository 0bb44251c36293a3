package kind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/backend/fault"
	"gatehouse/backend/span"
)

// Decode puts a body onto a struct as Django REST framework would: absent fields stay as they are, and in a whole body (create, PUT) the
// required ones must be there. All faults are told at once. It gives the names that are no fields.
func Decode(fields []Field, body map[string]json.RawMessage, onto reflect.Value, whole bool) (unknown []string, err error) {
	var bad fault.Fields
	known := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		known[f.Name] = true
		raw, there := body[f.Name]
		if f.Ignored && there && f.Format == "date-time" { // not taken, yet no nonsense is let pass
			if msg := set(reflect.New(onto.FieldByIndex(f.Index).Type()).Elem(), f, raw); msg != "" {
				bad.Add(f.Name, msg)
			}
		}
		if !f.InBody() || f.Ignored {
			continue
		}
		if !there {
			if whole && f.Required && !f.HasDef {
				bad.Add(f.Name, "This field is required.")
			}
			continue
		}
		if msg := set(onto.FieldByIndex(f.Index), f, raw); msg != "" {
			bad.Add(f.Name, msg)
		}
	}
	for name := range body {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown, bad.Err()
}

// set writes one value; the answer is what is wrong with it, "" when nothing is.
func set(v reflect.Value, f *Field, raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		if f.Type == "any" && !f.Required {
			v.SetZero()
			return ""
		}
		if !f.Nullable {
			return "This field may not be null."
		}
		v.SetZero()
		return ""
	}
	if v.Kind() == reflect.Pointer {
		n := reflect.New(v.Type().Elem())
		if msg := set(n.Elem(), f, raw); msg != "" {
			return msg
		}
		v.Set(n)
		return ""
	}
	if v.Type() == timeType {
		return setTime(v, raw)
	}
	switch v.Kind() {
	case reflect.String:
		return setText(v, f, raw)
	case reflect.Bool:
		return setBool(v, raw)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return setInt(v, f, raw)
	case reflect.Float64:
		return setFloat(v, f, raw)
	case reflect.Slice:
		if v.Type() == rawType {
			v.SetBytes(bytes.Clone(raw))
			return ""
		}
		return setList(v, f, raw)
	case reflect.Map:
		m := reflect.New(v.Type())
		if json.Unmarshal(raw, m.Interface()) != nil {
			return fmt.Sprintf("Expected a dictionary of items but got type \"%s\".", jsonType(raw))
		}
		v.Set(m.Elem())
		return ""
	case reflect.Interface:
		var x any
		if json.Unmarshal(raw, &x) != nil {
			return "Value must be valid JSON."
		}
		v.Set(reflect.ValueOf(x))
		return ""
	case reflect.Struct:
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil {
			return fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", jsonType(raw))
		}
		_, err := Decode(fieldsOf(v.Type()), m, v, true)
		return flatten(err)
	}
	return "This value can't be set."
}

// flatten makes one message of the faults of a nested object.
func flatten(err error) string {
	if err == nil {
		return ""
	}
	var parts []string
	for name, ms := range fault.As(err).Fields {
		for _, m := range ms {
			parts = append(parts, name+": "+m)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// unquote takes the quotes off a number in a text: DRF reads both.
func unquote(raw json.RawMessage) json.RawMessage {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return json.RawMessage(strings.TrimSpace(s))
	}
	return raw
}

// TypeName names the type of a JSON text in Python's words, as the published messages do.
func TypeName(text []byte) string { return jsonType(bytes.TrimSpace(text)) }

// jsonType names the type of a value in Python's words, as DRF's messages do.
func jsonType(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "NoneType"
	}
	switch raw[0] {
	case '"':
		return "str"
	case '{':
		return "dict"
	case '[':
		return "list"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "float"
	}
	return "int"
}

// UUIDText matches a UUID in text form, with or without dashes.
var UUIDText = regexp.MustCompile(`^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$`)

// webSchemes are what Django's URL fields take; a link in javascript: must not come in with them.
var webSchemes = []string{"http", "https", "ftp", "ftps"}

var slugText = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)

func setText(v reflect.Value, f *Field, raw json.RawMessage) string {
	var s string
	switch typ := jsonType(raw); {
	case typ == "str":
		if json.Unmarshal(raw, &s) != nil {
			return "Not a valid string."
		}
	case f.Ref == nil && (typ == "int" || typ == "float"):
		s = string(raw)
	case len(f.Enum) > 0 && typ == "bool":
		return notAChoice(map[string]string{"true": "True", "false": "False"}[string(raw)])
	case len(f.Enum) > 0:
		return notAChoice(string(raw))
	default:
		return "Not a valid string."
	}
	if strings.ContainsRune(s, 0) {
		return "Null characters are not allowed."
	}
	if !f.Raw {
		s = strings.TrimSpace(s)
	}
	msg, s := checkText(f, s)
	if msg == "" {
		v.SetString(s)
	}
	return msg
}

// checkText holds a text against the tags of its field; it gives the text to store.
func checkText(f *Field, s string) (msg, clean string) {
	if s == "" {
		if f.Blank {
			return "", s
		}
		if f.Ref != nil || f.Format == "uuid" {
			return "Must be a valid UUID.", s
		}
		if len(f.Enum) > 0 && !slices.Contains(f.Enum, "") {
			return notAChoice(s), s
		}
		return "This field may not be blank.", s
	}
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, s) {
		return notAChoice(s), s
	}
	n := float64(utf8.RuneCountInString(s))
	if f.Max != nil && n > *f.Max {
		return fmt.Sprintf("Ensure this field has no more than %g characters.", *f.Max), s
	}
	if f.Min != nil && n < *f.Min {
		return fmt.Sprintf("Ensure this field has at least %g characters.", *f.Min), s
	}
	switch f.Format {
	case "email":
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s || !strings.Contains(s[strings.LastIndexByte(s, '@'):], ".") && !strings.HasSuffix(s, "@localhost") {
			return "Enter a valid email address.", s
		}
	case "uri":
		if u, err := url.Parse(s); err != nil || !slices.Contains(webSchemes, u.Scheme) || u.Host == "" {
			return "Enter a valid URL.", s
		}
	case "slug":
		if !slugText.MatchString(s) {
			return "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.", s
		}
	case "duration":
		if _, err := span.Parse(s); err != nil {
			return fault.As(err).Say, s
		}
	case "uuid":
		if !UUIDText.MatchString(s) {
			return "Must be a valid UUID.", s
		}
		s = Dashed(s)
	}
	return "", s
}

// notAChoice is what is said of a value that an enum does not have; a long one is cut.
func notAChoice(s string) string {
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return "\"" + s + "\" is not a valid choice."
}

// Dashed gives a UUID in lower case with dashes.
func Dashed(s string) string {
	s = strings.ToLower(strings.ReplaceAll(s, "-", ""))
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func setBool(v reflect.Value, raw json.RawMessage) string {
	switch strings.ToLower(string(unquote(raw))) {
	case "true", "t", "y", "yes", "on", "1":
		v.SetBool(true)
	case "false", "f", "n", "no", "off", "0":
		v.SetBool(false)
	default:
		return "Must be a valid boolean."
	}
	return ""
}

// wholeText is a whole number as a text may write it; DRF drops zeros after the point.
var wholeText = regexp.MustCompile(`^[-+]?[0-9]{1,20}(\.0*)?$`)

// numberText is a number as JSON writes it.
var numberText = regexp.MustCompile(`^[-+]?[0-9]`)

func setFloat(v reflect.Value, f *Field, raw json.RawMessage) string {
	text := string(unquote(raw))
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !numberText.MatchString(text) || strings.ContainsAny(text, "xX_") {
		return "A valid number is required."
	}
	if f.Min != nil && n < *f.Min {
		return fmt.Sprintf("Ensure this value is greater than or equal to %g.", *f.Min)
	}
	if f.Max != nil && n > *f.Max {
		return fmt.Sprintf("Ensure this value is less than or equal to %g.", *f.Max)
	}
	v.SetFloat(n)
	return ""
}

func setInt(v reflect.Value, f *Field, raw json.RawMessage) string {
	if f.Ref != nil && jsonType(raw) != "int" {
		return fmt.Sprintf("Incorrect type. Expected pk value, received %s.", jsonType(raw))
	}
	text := string(unquote(raw))
	if jsonType(raw) == "bool" {
		return "A valid integer is required."
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		if jsonType(raw) == "str" && !wholeText.MatchString(text) {
			return "A valid integer is required."
		}
		x, ferr := strconv.ParseFloat(text, 64)
		if ferr != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return "A valid integer is required."
		}
		n = int64(x)
	}
	if f.Min != nil && float64(n) < *f.Min {
		return fmt.Sprintf("Ensure this value is greater than or equal to %.0f.", *f.Min)
	}
	if f.Max != nil && float64(n) > *f.Max {
		return fmt.Sprintf("Ensure this value is less than or equal to %.0f.", *f.Max)
	}
	v.SetInt(n)
	return ""
}

func setTime(v reflect.Value, raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05.999999Z07:00", "2006-01-02"} {
			if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil && t.Year() > 0 {
				v.Set(reflect.ValueOf(t.UTC().Truncate(time.Microsecond)))
				return ""
			}
		}
	}
	return "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
}

func setList(v reflect.Value, f *Field, raw json.RawMessage) string {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || items == nil {
		return fmt.Sprintf("Expected a list of items but got type \"%s\".", jsonType(raw))
	}
	one := *f
	one.Nullable = false
	list := reflect.MakeSlice(v.Type(), 0, len(items))
	for _, it := range items {
		e := reflect.New(v.Type().Elem()).Elem()
		if msg := set(e, &one, it); msg != "" {
			return msg
		}
		list = reflect.Append(list, e)
	}
	v.Set(list)
	return ""
}
