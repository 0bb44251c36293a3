package blueprint

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"gatehouse/backend/expr/py"
)

// percent is Python's own formatting, in its interpreter.
var percent = func() *py.Program {
	p, err := py.Compile("import json\nreturn fmt % tuple(json.loads(args))")
	if err != nil {
		panic(err)
	}
	return p
}()

func (e *eval) format(n *node, depth int) (any, *wrong) {
	if n.form != list || len(n.items) == 0 {
		return nil, wrongf(n, "!Format takes a list of a format and its arguments.")
	}
	all := make([]any, 0, len(n.items))
	for _, c := range n.items {
		v, err := e.value(c, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	text, ok := all[0].(string)
	if !ok {
		return nil, wrongf(n, "The format of !Format has to be a text.")
	}
	// The arguments are read from JSON: what is inside them is Python's then, too.
	b, jerr := json.Marshal(all[1:])
	if jerr != nil {
		return nil, wrongf(n, "%s", jerr)
	}
	if e.budget -= costFormat + (len(text)+len(b))/16; e.budget < 0 {
		return nil, wrongf(n, "The blueprint makes too much of its values: %d at most.", maxValues)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	limits := py.Limits{Steps: 1_000_000, Memory: 8 << 20, Depth: 100}
	v, perr := percent.Run(ctx, py.Options{Env: py.Vars{"fmt": text, "args": string(b)}, Limits: limits})
	if perr != nil {
		first, _, _ := strings.Cut(perr.Error(), "\n")
		return nil, wrongf(n, "!Format: %s", first)
	}
	out, ok := v.(string)
	if !ok {
		return nil, wrongf(n, "!Format gives no text.")
	}
	e.budget -= len(out) / 16
	return out, nil
}
