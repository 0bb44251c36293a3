package event

import "gatehouse/backend/db"

// dialect gives the expressions of the events table to filters outside of a list.
type dialect struct{}

// Column implements kind.Dialect.
func (dialect) Column(field string) string { return `o."` + field + `"` }

// JSON implements kind.Dialect.
func (dialect) JSON(field, path string) string { return db.JSONText(`o."`+field+`"`, path) }

// Contains implements kind.Dialect.
func (dialect) Contains(expr string) string { return db.Contains(expr) }

// Pattern implements kind.Dialect.
func (dialect) Pattern(s string) string { return db.LikePattern(s) }
