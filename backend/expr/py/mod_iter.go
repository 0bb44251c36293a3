package py

// value makes an iterator a value of the program.
func value(next iterFunc) (Value, error) { return &Iter{next, otherIterType}, nil }

// choose walks the tuples of k indices below n that next gives.
func choose(t *Thread, pool []Value, idx []int, next func(idx []int) bool) (Value, error) {
	first, done := true, idx == nil
	return value(func(t *Thread) (Value, bool, error) {
		if done {
			return nil, false, nil
		}
		if !first && !next(idx) {
			done = true
			return nil, false, nil
		}
		first = false
		out := make([]Value, len(idx))
		for i, j := range idx {
			out[i] = pool[j]
		}
		return &Tuple{out}, true, t.alloc(40 + 16*len(out))
	})
}

func init() {
	moduleInit["itertools"] = func() map[string]Value {
		chainOf := func(t *Thread, outer Iterator) (Value, error) {
			var cur Iterator
			return value(func(t *Thread) (Value, bool, error) {
				for {
					if cur == nil {
						v, ok, err := t.next(outer)
						if !ok || err != nil {
							return nil, false, err
						}
						if cur, err = t.Iter(v); err != nil {
							return nil, false, err
						}
					}
					v, ok, err := cur.Next(t)
					if ok || err != nil {
						return v, ok, err
					}
					cur = nil
				}
			})
		}
		chain := objType("chain", objectType)
		chain.module = "itertools"
		chain.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return chainOf(t, &sliceIter{v: append([]Value(nil), args...)})
		}
		static(chain, "from_iterable", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("from_iterable", args, kw, "iterable", "/")
			if err != nil {
				return nil, err
			}
			it, err := t.Iter(a[0])
			if err != nil {
				return nil, err
			}
			return chainOf(t, it)
		})
		while := func(name string, drop bool) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "predicate", "iterable", "/")
				if err != nil {
					return nil, err
				}
				it, err := t.Iter(a[1])
				if err != nil {
					return nil, err
				}
				over := false
				return value(func(t *Thread) (Value, bool, error) {
					for {
						if over && !drop {
							return nil, false, nil
						}
						v, ok, err := t.next(it)
						if !ok || err != nil || over {
							return v, ok, err
						}
						r, err := t.Call(a[0], []Value{v}, nil)
						if err != nil {
							return nil, false, err
						}
						b, err := t.Truth(r)
						if err != nil {
							return nil, false, err
						}
						if b && drop {
							continue
						}
						over = !b
						return v, b || drop, nil
					}
				})
			}
		}
		poolOf := func(name string, f func(t *Thread, pool []Value, k int) (Value, error)) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "iterable", "r?")
				if err != nil {
					return nil, err
				}
				l, err := t.List(a[0])
				if err != nil {
					return nil, err
				}
				k := len(l.V)
				if a[1] != missing && a[1] != nil {
					if k, err = needInt(a[1]); err != nil {
						return nil, err
					}
				} else if name != "permutations" {
					return nil, raise(TypeError, "%s() missing required argument 'r' (pos 2)", name)
				}
				if k < 0 {
					return nil, raise(ValueError, "r must be non-negative")
				}
				if err := t.alloc(8 * min(k, len(l.V)+1)); err != nil {
					return nil, err
				}
				return f(t, l.V, k)
			}
		}
		upTo := func(k int) []int {
			idx := make([]int, k)
			for i := range idx {
				idx[i] = i
			}
			return idx
		}
		out := table(map[string]goFunc{
			"takewhile": while("takewhile", false),
			"dropwhile": while("dropwhile", true),
			"count": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("count", args, kw, "start?", "step?")
				if err != nil {
					return nil, err
				}
				cur, step := Value(0), Value(1)
				if a[0] != missing {
					cur = a[0]
				}
				if a[1] != missing {
					step = a[1]
				}
				return value(func(t *Thread) (Value, bool, error) {
					v := cur
					cur, err = t.Binary(0, cur, step)
					return v, err == nil, err
				})
			},
			"cycle": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("cycle", args, kw, "iterable", "/")
				if err != nil {
					return nil, err
				}
				l, err := t.List(a[0])
				if err != nil {
					return nil, err
				}
				i := 0
				return value(func(t *Thread) (Value, bool, error) {
					if len(l.V) == 0 {
						return nil, false, nil
					}
					i++
					return l.V[(i-1)%len(l.V)], true, nil
				})
			},
			"repeat": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("repeat", args, kw, "object", "times?")
				if err != nil {
					return nil, err
				}
				left := -1
				if a[1] != missing {
					if left, err = needInt(a[1]); err != nil {
						return nil, err
					}
					left = max(left, 0)
				}
				return value(func(t *Thread) (Value, bool, error) {
					if left == 0 {
						return nil, false, nil
					}
					if left > 0 {
						left--
					}
					return a[0], true, nil
				})
			},
			"islice": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				if len(args) < 2 || len(args) > 4 {
					return nil, raise(TypeError, "islice expected at least 2 arguments, got %d", len(args))
				}
				it, err := t.Iter(args[0])
				if err != nil {
					return nil, err
				}
				b := [3]int{0, -1, 1}
				rest := args[1:]
				if len(rest) == 1 {
					rest = []Value{nil, rest[0]}
				}
				for i, v := range rest {
					if v == nil {
						continue
					}
					n, ok := asInt(v)
					if !ok || n < 0 || i == 2 && n == 0 {
						if i == 2 {
							return nil, raise(ValueError, "Step for islice() must be a positive integer or None.")
						}
						return nil, raise(ValueError, "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
					}
					b[i] = n
				}
				at, want := 0, b[0]
				return value(func(t *Thread) (Value, bool, error) {
					for b[1] < 0 || want < b[1] {
						v, ok, err := t.next(it)
						if !ok || err != nil {
							return nil, false, err
						}
						at++
						if at-1 == want {
							want += b[2]
							return v, true, nil
						}
					}
					return nil, false, nil
				})
			},
			"zip_longest": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				its, err := t.iters("zip_longest", args)
				if err != nil {
					return nil, err
				}
				var fill Value
				for _, k := range kw {
					fill = k.V
				}
				return value(func(t *Thread) (Value, bool, error) {
					vs := make([]Value, len(its))
					live := false
					for i, it := range its {
						vs[i] = fill
						if it == nil {
							continue
						}
						v, ok, err := it.Next(t)
						if err != nil {
							return nil, false, err
						}
						if !ok {
							its[i] = nil
							continue
						}
						vs[i], live = v, true
					}
					return &Tuple{vs}, live, t.alloc(40 + 16*len(vs))
				})
			},
			"accumulate": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("accumulate", args, kw, "iterable", "func?", "*", "initial?")
				if err != nil {
					return nil, err
				}
				it, err := t.Iter(a[0])
				if err != nil {
					return nil, err
				}
				acc, started := a[2], false
				return value(func(t *Thread) (Value, bool, error) {
					if !started && acc != missing && acc != nil {
						started = true
						return acc, true, nil
					}
					v, ok, err := it.Next(t)
					if !ok || err != nil {
						return nil, false, err
					}
					switch {
					case !started:
						acc, started = v, true
					case a[1] == missing || a[1] == nil:
						acc, err = t.Binary(0, acc, v)
					default:
						acc, err = t.Call(a[1], []Value{acc, v}, nil)
					}
					return acc, err == nil, err
				})
			},
			"starmap": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("starmap", args, kw, "function", "iterable", "/")
				if err != nil {
					return nil, err
				}
				it, err := t.Iter(a[1])
				if err != nil {
					return nil, err
				}
				return value(func(t *Thread) (Value, bool, error) {
					v, ok, err := it.Next(t)
					if !ok || err != nil {
						return nil, false, err
					}
					l, err := t.List(v)
					if err != nil {
						return nil, false, err
					}
					r, err := t.Call(a[0], l.V, nil)
					return r, err == nil, err
				})
			},
			"filterfalse": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("filterfalse", args, kw, "function", "iterable", "/")
				if err != nil {
					return nil, err
				}
				it, err := t.Iter(a[1])
				if err != nil {
					return nil, err
				}
				return value(func(t *Thread) (Value, bool, error) {
					for {
						v, ok, err := t.next(it)
						if !ok || err != nil {
							return nil, false, err
						}
						r := v
						if a[0] != nil {
							if r, err = t.Call(a[0], []Value{v}, nil); err != nil {
								return nil, false, err
							}
						}
						if b, err := t.Truth(r); err != nil || !b {
							return v, err == nil, err
						}
					}
				})
			},
			"pairwise": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("pairwise", args, kw, "iterable", "/")
				if err != nil {
					return nil, err
				}
				it, err := t.Iter(a[0])
				if err != nil {
					return nil, err
				}
				prev := Value(missing)
				return value(func(t *Thread) (Value, bool, error) {
					for {
						v, ok, err := it.Next(t)
						if !ok || err != nil {
							return nil, false, err
						}
						was := prev
						prev = v
						if was != missing {
							return &Tuple{[]Value{was, v}}, true, t.alloc(72)
						}
					}
				})
			},
			"tee": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("tee", args, kw, "iterable", "n?", "/")
				if err != nil {
					return nil, err
				}
				l, err := t.List(a[0])
				if err != nil {
					return nil, err
				}
				n := 2
				if a[1] != missing {
					if n, err = needInt(a[1]); err != nil {
						return nil, err
					}
				}
				out := &Tuple{}
				for range max(n, 0) {
					if err := t.alloc(64); err != nil {
						return nil, err
					}
					it, err := t.iterValue(l)
					if err != nil {
						return nil, err
					}
					out.V = append(out.V, it)
				}
				return out, nil
			},
			"groupby": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("groupby", args, kw, "iterable", "key?")
				if err != nil {
					return nil, err
				}
				out, group := &List{}, &List{}
				last := Value(missing)
				err = t.Each(a[0], func(v Value) error {
					k := v
					if a[1] != missing && a[1] != nil {
						if k, err = t.Call(a[1], []Value{v}, nil); err != nil {
							return err
						}
					}
					same := false
					if last != missing {
						if same, err = t.Equal(last, k); err != nil {
							return err
						}
					}
					if !same {
						group = &List{}
						it, err := t.iterValue(group)
						if err != nil {
							return err
						}
						out.V = append(out.V, &Tuple{[]Value{k, it}})
						last = k
					}
					group.V = append(group.V, v)
					return t.alloc(64)
				})
				if err != nil {
					return nil, err
				}
				return t.iterValue(out)
			},
			"product": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				n := 1
				for _, k := range kw {
					if k.Name == "repeat" {
						var err error
						if n, err = needInt(k.V); err != nil {
							return nil, err
						}
					}
				}
				var pools [][]Value
				for _, v := range args {
					l, err := t.List(v)
					if err != nil {
						return nil, err
					}
					pools = append(pools, l.V)
				}
				one := pools
				if n < 0 || n*len(one) > 10000 {
					return nil, raise(MemoryError, "")
				}
				pools = nil
				for range n {
					pools = append(pools, one...)
				}
				idx, done, first := make([]int, len(pools)), false, true
				for _, p := range pools {
					done = done || len(p) == 0
				}
				return value(func(t *Thread) (Value, bool, error) {
					if done {
						return nil, false, nil
					}
					if !first {
						i := len(idx) - 1
						for ; i >= 0; i-- {
							idx[i]++
							if idx[i] < len(pools[i]) {
								break
							}
							idx[i] = 0
						}
						if i < 0 {
							done = true
							return nil, false, nil
						}
					}
					first = false
					vs := make([]Value, len(idx))
					for i, j := range idx {
						vs[i] = pools[i][j]
					}
					return &Tuple{vs}, true, t.alloc(40 + 16*len(vs))
				})
			},
			"combinations": poolOf("combinations", func(t *Thread, pool []Value, k int) (Value, error) {
				n := len(pool)
				if k > n {
					return choose(t, pool, nil, nil)
				}
				return choose(t, pool, upTo(k), func(idx []int) bool {
					i := k - 1
					for i >= 0 && idx[i] == i+n-k {
						i--
					}
					if i < 0 {
						return false
					}
					idx[i]++
					for j := i + 1; j < k; j++ {
						idx[j] = idx[j-1] + 1
					}
					return true
				})
			}),
			"combinations_with_replacement": poolOf("combinations_with_replacement", func(t *Thread, pool []Value, k int) (Value, error) {
				n := len(pool)
				if n == 0 && k > 0 {
					return choose(t, pool, nil, nil)
				}
				if err := t.alloc(8 * k); err != nil {
					return nil, err
				}
				return choose(t, pool, make([]int, k), func(idx []int) bool {
					i := k - 1
					for i >= 0 && idx[i] == n-1 {
						i--
					}
					if i < 0 {
						return false
					}
					v := idx[i] + 1
					for j := i; j < k; j++ {
						idx[j] = v
					}
					return true
				})
			}),
			"permutations": poolOf("permutations", func(t *Thread, pool []Value, k int) (Value, error) {
				n := len(pool)
				if k > n {
					return choose(t, pool, nil, nil)
				}
				all, cycles := upTo(n), make([]int, k)
				for i := range cycles {
					cycles[i] = n - i
				}
				return choose(t, pool, upTo(k), func(idx []int) bool {
					for i := k - 1; i >= 0; i-- {
						cycles[i]--
						if cycles[i] == 0 {
							v := all[i]
							copy(all[i:], all[i+1:])
							all[n-1] = v
							cycles[i] = n - i
							continue
						}
						j := n - cycles[i]
						all[i], all[j] = all[j], all[i]
						copy(idx, all)
						return true
					}
					return false
				})
			}),
		})
		out["chain"] = chain
		return out
	}
	moduleInit["functools"] = func() map[string]Value {
		same := func(t *Thread, args []Value, kw []Kw) (Value, error) {
			if len(args) == 0 || len(args) == 1 && typeOf(args[0]) == intType || len(args) == 1 && args[0] == nil {
				return fn("decorator", func(t *Thread, args []Value, kw []Kw) (Value, error) { return memo(args[0]), nil }), nil
			}
			return memo(args[0]), nil
		}
		return table(map[string]goFunc{
			"lru_cache": same,
			"cache":     same,
			"wraps": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				return fn("wraps", func(t *Thread, args []Value, kw []Kw) (Value, error) { return args[0], nil }), nil
			},
			"reduce": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("reduce", args, kw, "function", "iterable", "initial?", "/")
				if err != nil {
					return nil, err
				}
				acc := a[2]
				err = t.Each(a[1], func(v Value) error {
					if acc == missing {
						acc = v
						return nil
					}
					acc, err = t.Call(a[0], []Value{acc, v}, nil)
					return err
				})
				if err == nil && acc == missing {
					err = raise(TypeError, "reduce() of empty iterable with no initial value")
				}
				return acc, err
			},
			"partial": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				if len(args) == 0 {
					return nil, raise(TypeError, "type 'partial' takes at least one argument")
				}
				bound, named := append([]Value(nil), args...), append([]Kw(nil), kw...)
				return fn("partial", func(t *Thread, args []Value, kw []Kw) (Value, error) {
					all := append(append([]Value(nil), bound[1:]...), args...)
					var kws []Kw
				next:
					for _, k := range named {
						for _, o := range kw {
							if o.Name == k.Name {
								continue next
							}
						}
						kws = append(kws, k)
					}
					return t.Call(bound[0], all, append(kws, kw...))
				}), nil
			},
			"cmp_to_key": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("cmp_to_key", args, kw, "mycmp")
				if err != nil {
					return nil, err
				}
				return fn("K", func(t *Thread, args []Value, kw []Kw) (Value, error) {
					return &cmpKey{a[0], args[0]}, t.alloc(32)
				}), nil
			},
		})
	}
}

var cmpKeyType = objType("K", objectType)

// cmpKey orders by a function.
type cmpKey struct{ cmp, v Value }

func (k *cmpKey) Type() *Type { return cmpKeyType }
func (k *cmpKey) Order(t *Thread, v Value) (int, bool, error) {
	o, ok := v.(*cmpKey)
	if !ok {
		return 0, false, nil
	}
	r, err := t.Call(k.cmp, []Value{k.v, o.v}, nil)
	if err != nil {
		return 0, false, err
	}
	n, ok, err := t.less(r, 0)
	return n, ok, err
}

// memo keeps the results of a function within the run.
func memo(f Value) Value {
	seen := &Dict{}
	return fn(calleeName(f), func(t *Thread, args []Value, kw []Kw) (Value, error) {
		k := &Tuple{append([]Value(nil), args...)}
		for _, w := range kw {
			k.V = append(k.V, w.Name, w.V)
		}
		v, ok, err := seen.Get(t, k)
		if ok || err != nil {
			return v, err
		}
		if err := t.enter(); err != nil {
			return nil, err
		}
		v, err = t.Call(f, args, kw)
		t.leave()
		if err != nil {
			return nil, err
		}
		return v, seen.Set(t, k, v)
	})
}
