package py

import (
	"strings"
	"sync"
)

var (
	moduleOnce  sync.Once
	moduleTable map[string]*Module
	moduleInit  = map[string]func() map[string]Value{} // filled by the init functions of the modules
)

// stdModule finds a module of the allow-list. They are made at the first import of a process.
func stdModule(name string) (*Module, bool) {
	moduleOnce.Do(func() {
		moduleTable = map[string]*Module{}
		for n, f := range moduleInit {
			moduleTable[n] = &Module{Name: n, M: f()}
		}
		for n, m := range moduleTable { // parents: urllib, and urllib.parse in it
			if i := strings.LastIndexByte(n, '.'); i > 0 {
				p, ok := moduleTable[n[:i]]
				if !ok {
					p = &Module{Name: n[:i], M: map[string]Value{}}
					moduleTable[n[:i]] = p
				}
				p.M[n[i+1:]] = m
			}
		}
	})
	m, ok := moduleTable[name]
	return m, ok
}

func (t *Thread) module(name string) (*Module, error) {
	if t.modules != nil {
		if m, ok := t.modules(name); ok {
			return m, nil
		}
	}
	if m, ok := stdModule(name); ok {
		return m, nil
	}
	e := raise(ModuleNotFoundError, "No module named '%s'", name).(*Exc)
	e.attrs = map[string]Value{"name": name}
	return nil, e
}

// importName is import a.b (the value is a) or, with leaf, import a.b as c.
func (t *Thread) importName(name string, leaf bool) (Value, error) {
	m, err := t.module(name)
	if err != nil || leaf {
		return m, err
	}
	if i := strings.IndexByte(name, '.'); i > 0 {
		top, err := t.module(name[:i])
		if err != nil {
			return nil, err
		}
		return top, nil
	}
	return m, nil
}

func (t *Thread) importFrom(module, name string) (Value, error) {
	m, err := t.module(module)
	if err != nil {
		return nil, err
	}
	if v, ok := m.M[name]; ok {
		return v, nil
	}
	if sub, err := t.module(module + "." + name); err == nil {
		return sub, nil
	}
	return nil, raise(ImportError, "cannot import name '%s' from '%s'", name, module)
}

func fn(name string, f goFunc) *Builtin { return &Builtin{Name: name, Fn: f} }

// table makes the functions of a module.
func table(m map[string]goFunc) map[string]Value {
	out := map[string]Value{}
	for name, f := range m {
		out[name] = fn(name, f)
	}
	return out
}
