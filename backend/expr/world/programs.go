package world

import (
	"container/list"
	"sync"

	"gatehouse/backend/expr/py"
)

// mostPrograms and mostSource bound what is kept compiled: programs, and bytes of their texts.
const (
	mostPrograms = 512
	mostSource   = 512 << 10
)

// programs keeps compiled texts, those used last.
type programs struct {
	mu    sync.Mutex
	m     map[string]*list.Element
	order list.List
	bytes int
}

type program struct {
	text string
	prog *py.Program
}

// get gives the program of a text; *py.SyntaxError when it is none.
func (p *programs) get(text string) (*py.Program, error) {
	p.mu.Lock()
	if e := p.m[text]; e != nil {
		p.order.MoveToFront(e)
		p.mu.Unlock()
		return e.Value.(*program).prog, nil
	}
	p.mu.Unlock()
	prog, err := py.Compile(text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = map[string]*list.Element{}
	}
	if p.m[text] != nil {
		return prog, nil
	}
	p.m[text] = p.order.PushFront(&program{text, prog})
	p.bytes += len(text)
	for p.order.Len() > mostPrograms || p.bytes > mostSource && p.order.Len() > 1 {
		last := p.order.Remove(p.order.Back()).(*program)
		delete(p.m, last.text)
		p.bytes -= len(last.text)
	}
	return prog, nil
}
