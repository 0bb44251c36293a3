package kind

import (
	"strconv"
	"strings"

	"gatehouse/backend/fault"
)

// IExact is a list filter "<field>__iexact": the field is that text in any case, or that number or boolean.
func IExact(field, typ string) Filter {
	return Filter{Name: field + "__iexact", Type: typ, Where: func(v string, d Dialect) (string, []any, error) {
		switch typ {
		case "integer":
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return "", nil, fault.Field(field+"__iexact", "Enter a number.")
			}
			return d.Column(field) + " = ?", []any{n}, nil
		case "boolean":
			b, err := Bool(field+"__iexact", v)
			if err != nil {
				return "", nil, err
			}
			n := 0
			if b {
				n = 1
			}
			return "coalesce(" + d.Column(field) + ", 0) = ?", []any{n}, nil
		}
		return Same(d.Column(field)), []any{v}, nil
	}}
}

// IContains is a list filter "<field>__icontains": the field contains that text in any case.
func IContains(field string) Filter {
	return Filter{Name: field + "__icontains", Type: "string", Where: func(v string, d Dialect) (string, []any, error) {
		return d.Contains(d.Column(field)), []any{d.Pattern(v)}, nil
	}}
}

// Same is the condition that an expression is one bound text in any case.
func Same(expr string) string { return "lower(" + expr + ") = lower(?)" }

// At is a list filter on something of an object that a field points at: the field is the key of a row of table on which cond holds for the
// one bound value. A value of format uuid has to be one.
func At(name, format, field, table, cond string) Filter {
	return Filter{Name: name, Type: "string", Format: format, Where: func(v string, d Dialect) (string, []any, error) {
		if format == "uuid" {
			if !UUIDText.MatchString(v) {
				return "", nil, fault.Field(name, "Enter a valid UUID.")
			}
			v = Dashed(v)
		}
		return d.Column(field) + " IN (SELECT x.pk FROM " + table + " x WHERE " + cond + ")", []any{v}, nil
	}}
}

// AnyOf is a list filter that takes several values: the field is one of them.
func AnyOf(field string) Filter {
	return Filter{Name: field, Type: "array", Where: func(v string, d Dialect) (string, []any, error) {
		var args []any
		for one := range strings.SplitSeq(v, ",") {
			args = append(args, one)
		}
		return d.Column(field) + " IN (?" + strings.Repeat(", ?", len(args)-1) + ")", args, nil
	}}
}

// Bool reads the value of a boolean filter of that name.
func Bool(name, v string) (bool, error) {
	b, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return false, fault.Field(name, "Must be a valid boolean.")
	}
	return b, nil
}

// UUIDIs is a list filter under another name of a field that holds a UUID.
func UUIDIs(name, field string) Filter {
	return Filter{Name: name, Type: "string", Format: "uuid", Where: func(v string, d Dialect) (string, []any, error) {
		if !UUIDText.MatchString(v) {
			return "", nil, fault.Field(name, "Enter a valid UUID.")
		}
		return d.Column(field) + " = ?", []any{Dashed(v)}, nil
	}}
}

// ListIs is a list filter under another name of a field that points at several objects: it points at one of those.
func ListIs(name, field, items string) Filter {
	return Filter{Name: name, Type: "array", Items: items, Format: map[string]string{"string": "uuid"}[items], Where: func(v string, _ Dialect) (string, []any, error) {
		args := []any{field}
		for one := range strings.SplitSeq(v, ",") {
			args = append(args, one)
		}
		return "EXISTS (SELECT 1 FROM ref x WHERE x.src = o.pk AND x.field = ? AND x.dst IN (?" + strings.Repeat(", ?", len(args)-2) + "))", args, nil
	}}
}

// Is is a plain list filter on a text field, whatever values that may have.
func Is(field string) Filter {
	return Filter{Name: field, Type: "string", Where: func(v string, d Dialect) (string, []any, error) {
		return d.Column(field) + " = ?", []any{v}, nil
	}}
}

// Number is a list filter on a column that holds a number; column is an expression on alias o.
func Number(name, column string) Filter {
	return Filter{Name: name, Type: "integer", Where: func(v string, _ Dialect) (string, []any, error) {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return "", nil, fault.Field(name, "Enter a number.")
		}
		return column + " = ?", []any{n}, nil
	}}
}
