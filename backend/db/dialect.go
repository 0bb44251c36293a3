package db

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSONText is the SQL expression for a member of the JSON in col: text as text, numbers as numbers, true and false as 1 and 0,
// NULL when it is missing or null. path is dotted ("user.pk"); a part may hold any character but a dot.
func JSONText(col, path string) string {
	return "json_extract(" + col + ", " + Literal(jsonPath(path)) + ")"
}

// JSONTrue is the SQL condition that the member is true. It holds neither for other values nor for a missing member.
func JSONTrue(col, path string) string {
	return "json_type(" + col + ", " + Literal(jsonPath(path)) + ") = 'true'"
}

func jsonPath(path string) string {
	var b strings.Builder
	b.WriteByte('$')
	for part := range strings.SplitSeq(path, ".") {
		b.WriteString(`."`)
		for _, r := range part {
			if r == '"' || r == '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		b.WriteByte('"')
	}
	return b.String()
}

// Literal is s as an SQL text.
func Literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Contains is the SQL condition that expr holds a text, without regard to the case of A to Z. Bind one LikePattern to its "?".
func Contains(expr string) string { return expr + ` LIKE ? ESCAPE '\'` }

// indexed is the shortest text that a search table finds, in characters: it knows every three that stand together.
const indexed = 3

// Match is the SQL condition that a row of table has a text somewhere in what its search table holds, without regard to case, on alias o
// and its key column; arg is to be bound to its "?". ok is false when the text is too short for the search table.
func Match(table, key, text string) (cond string, arg any, ok bool) {
	if utf8.RuneCountInString(text) < indexed || strings.ContainsRune(text, 0) {
		return "", nil, false
	}
	return key + " IN (SELECT rowid FROM " + table + "_search WHERE " + table + "_search MATCH ?)", `"` + strings.ReplaceAll(text, `"`, `""`) + `"`, true
}

// MatchAll is what to search a search table for, to find rows that have every one of the texts somewhere. ok is false when one is too short.
func MatchAll(texts []string) (arg string, ok bool) {
	var parts []string
	for _, text := range texts {
		if utf8.RuneCountInString(text) < indexed || strings.ContainsRune(text, 0) {
			return "", false
		}
		parts = append(parts, `"`+strings.ReplaceAll(text, `"`, `""`)+`"`)
	}
	return strings.Join(parts, " AND "), len(parts) > 0
}

// MatchSome is Match for at most n rows, whichever come first; all lifts that bound, for a caller that leaves out some of them.
func MatchSome(table, key, text string, n int, all bool) (cond string, arg any, ok bool) {
	cond, arg, ok = Match(table, key, text)
	if ok && !all {
		cond = strings.TrimSuffix(cond, ")") + " LIMIT " + strconv.Itoa(n) + ")"
	}
	return cond, arg, ok
}

// LikePattern is the pattern for Contains that finds s as it is written, "%" and "_" included.
func LikePattern(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s) + "%"
}

// Upsert is the statement that inserts a row of cols into table, or, when one with the same key is there, sets its other columns.
// Bind the values of cols in their order.
func Upsert(table string, key []string, cols []string) string {
	isKey := map[string]bool{}
	for _, k := range key {
		isKey[k] = true
	}
	var sets []string
	for _, c := range cols {
		if !isKey[c] {
			sets = append(sets, c+" = excluded."+c)
		}
	}
	then := "NOTHING"
	if len(sets) > 0 {
		then = "UPDATE SET " + strings.Join(sets, ", ")
	}
	return "INSERT INTO " + table + " (" + strings.Join(cols, ", ") + ") VALUES (" +
		Marks(len(cols)) + ") ON CONFLICT (" + strings.Join(key, ", ") + ") DO " + then
}

// Marks is n bind marks for an IN list: "?, ?, ?".
func Marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// In is the condition that expr is one of the values, with its one argument; however many there are.
func In(expr string, values []string) (cond string, arg any) {
	b, _ := json.Marshal(values) // texts never fail
	if values == nil {
		b = []byte("[]")
	}
	return expr + " IN (SELECT value FROM json_each(?))", string(b)
}
