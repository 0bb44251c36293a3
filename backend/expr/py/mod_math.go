package py

import (
	"math"
	"math/big"
	"math/rand/v2"
)

func numArg(v Value) (float64, error) {
	f, ok := toFloat(v)
	if !ok {
		return 0, raise(TypeError, "must be real number, not %s", typeName(v))
	}
	return f, nil
}

func randomChoice(t *Thread, args []Value, kw []Kw) (Value, error) {
	a, err := readArgs("choice", args, kw, "seq")
	if err != nil {
		return nil, err
	}
	n, err := t.Len(a[0])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, raise(IndexError, "Cannot choose from an empty sequence")
	}
	return t.Index(a[0], rand.IntN(n))
}

func sampleOf(t *Thread, v Value, k int, repeat bool) (Value, error) {
	l, err := t.List(v)
	if err != nil {
		return nil, err
	}
	if k < 0 || !repeat && k > len(l.V) {
		return nil, raise(ValueError, "Sample larger than population or is negative")
	}
	if repeat {
		if len(l.V) == 0 {
			return nil, raise(IndexError, "Cannot choose from an empty population")
		}
		if err := t.alloc(16 * k); err != nil {
			return nil, err
		}
		out := make([]Value, k)
		for i := range out {
			out[i] = l.V[rand.IntN(len(l.V))]
		}
		return &List{out}, nil
	}
	rand.Shuffle(len(l.V), func(i, j int) { l.V[i], l.V[j] = l.V[j], l.V[i] })
	return &List{l.V[:k]}, nil
}

func init() {
	moduleInit["math"] = func() map[string]Value {
		m := map[string]goFunc{}
		for name, f := range map[string]func(float64) float64{"sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "asin": math.Asin, "acos": math.Acos, "atan": math.Atan, "sinh": math.Sinh, "cosh": math.Cosh, "tanh": math.Tanh, "exp": math.Exp, "expm1": math.Expm1, "fabs": math.Abs, "sqrt": math.Sqrt, "cbrt": math.Cbrt, "log10": math.Log10, "log2": math.Log2, "log1p": math.Log1p,
			"degrees": func(x float64) float64 { return x * (180 / math.Pi) }, "radians": func(x float64) float64 { return x * (math.Pi / 180) }} {
			m[name] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "x", "/")
				if err != nil {
					return nil, err
				}
				x, err := numArg(a[0])
				if err != nil {
					return nil, err
				}
				r := f(x)
				if math.IsNaN(r) && !math.IsNaN(x) || math.IsInf(r, -1) && x == 0 {
					return nil, raise(ValueError, "math domain error")
				}
				if math.IsInf(r, 0) && !math.IsInf(x, 0) {
					return nil, raise(OverflowError, "math range error")
				}
				return r, nil
			}
		}
		for name, f := range map[string]func(float64) float64{"floor": math.Floor, "ceil": math.Ceil, "trunc": math.Trunc} {
			m[name] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "x", "/")
				if err != nil {
					return nil, err
				}
				if isInt(a[0]) {
					return normBig(toBig(a[0])), nil
				}
				x, err := numArg(a[0])
				if err != nil {
					return nil, err
				}
				return floatToInt(f(x))
			}
		}
		for name, f := range map[string]func(float64) bool{"isnan": math.IsNaN, "isinf": func(x float64) bool { return math.IsInf(x, 0) }, "isfinite": func(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }} {
			m[name] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "x", "/")
				if err != nil {
					return nil, err
				}
				x, err := numArg(a[0])
				return f(x), err
			}
		}
		for name, f := range map[string]func(x, y float64) float64{"pow": math.Pow, "atan2": math.Atan2, "copysign": math.Copysign, "fmod": math.Mod} {
			m[name] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "x", "y", "/")
				if err != nil {
					return nil, err
				}
				x, err := numArg(a[0])
				if err != nil {
					return nil, err
				}
				y, err := numArg(a[1])
				if err != nil {
					return nil, err
				}
				r := f(x, y)
				if math.IsNaN(r) && !math.IsNaN(x) && !math.IsNaN(y) {
					return nil, raise(ValueError, "math domain error")
				}
				if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
					if x == 0 {
						return nil, raise(ValueError, "math domain error")
					}
					return nil, raise(OverflowError, "math range error")
				}
				return r, nil
			}
		}
		m["log"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("log", args, kw, "x", "base?", "/")
			if err != nil {
				return nil, err
			}
			x, err := numArg(a[0])
			if err != nil {
				return nil, err
			}
			if x <= 0 {
				return nil, raise(ValueError, "math domain error")
			}
			if a[1] == missing {
				return math.Log(x), nil
			}
			b, err := numArg(a[1])
			if err != nil {
				return nil, err
			}
			if b <= 0 {
				return nil, raise(ValueError, "math domain error")
			}
			return floatOp(3, math.Log(x), math.Log(b))
		}
		fold := func(name string, f func(a, b *big.Int) *big.Int, start int64) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				acc := big.NewInt(start)
				for _, v := range args {
					if !isInt(v) {
						return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(v))
					}
					b := new(big.Int).Abs(toBig(v))
					w := acc.BitLen() + b.BitLen()
					if w > maxIntBits {
						return nil, raise(MemoryError, "")
					}
					if err := t.charge(w * w / 16384); err != nil {
						return nil, err
					}
					acc = f(acc, b)
				}
				return normBig(acc), nil
			}
		}
		gcd := func(a, b *big.Int) *big.Int { return new(big.Int).GCD(nil, nil, a, b) }
		m["gcd"] = fold("gcd", gcd, 0)
		m["lcm"] = fold("lcm", func(a, b *big.Int) *big.Int {
			if a.Sign() == 0 || b.Sign() == 0 {
				return new(big.Int)
			}
			return new(big.Int).Mul(new(big.Int).Quo(a, gcd(a, b)), b)
		}, 1)
		m["factorial"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("factorial", args, kw, "x", "/")
			if err != nil {
				return nil, err
			}
			n, err := needInt(a[0])
			if err != nil {
				return nil, err
			}
			if n < 0 {
				return nil, raise(ValueError, "factorial() not defined for negative values")
			}
			if n > 10000 {
				return nil, raise(MemoryError, "")
			}
			return normBig(new(big.Int).MulRange(1, int64(n))), t.charge(n)
		}
		m["comb"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("comb", args, kw, "n", "k", "/")
			if err != nil {
				return nil, err
			}
			n, err := needInt(a[0])
			if err != nil {
				return nil, err
			}
			k, err := needInt(a[1])
			if err != nil {
				return nil, err
			}
			if n < 0 || k < 0 {
				return nil, raise(ValueError, "n must be a non-negative integer")
			}
			if n > 10000 {
				return nil, raise(MemoryError, "")
			}
			return normBig(new(big.Int).Binomial(int64(n), int64(k))), t.charge(n)
		}
		m["isqrt"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("isqrt", args, kw, "n", "/")
			if err != nil {
				return nil, err
			}
			if !isInt(a[0]) {
				return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
			}
			b := toBig(a[0])
			if b.Sign() < 0 {
				return nil, raise(ValueError, "isqrt() argument must be nonnegative")
			}
			return normBig(new(big.Int).Sqrt(b)), t.charge(b.BitLen())
		}
		m["hypot"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			sum := 0.0
			for _, v := range args {
				x, err := numArg(v)
				if err != nil {
					return nil, err
				}
				sum = math.Hypot(sum, x)
			}
			return sum, nil
		}
		m["prod"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("prod", args, kw, "iterable", "*", "start?")
			if err != nil {
				return nil, err
			}
			acc := Value(1)
			if a[1] != missing {
				acc = a[1]
			}
			err = t.Each(a[0], func(v Value) error {
				acc, err = t.Binary(2, acc, v)
				return err
			})
			return acc, err
		}
		m["fsum"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("fsum", args, kw, "seq", "/")
			if err != nil {
				return nil, err
			}
			acc := new(big.Float).SetPrec(2200)
			err = t.Each(a[0], func(v Value) error {
				x, err := numArg(v)
				if err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
					acc.Add(acc, big.NewFloat(x))
				}
				return err
			})
			f, _ := acc.Float64()
			return f, err
		}
		m["isclose"] = func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("isclose", args, kw, "a", "b", "*", "rel_tol?", "abs_tol?")
			if err != nil {
				return nil, err
			}
			n := [4]float64{0, 0, 1e-9, 0}
			for i, v := range a {
				if v != missing {
					if n[i], err = numArg(v); err != nil {
						return nil, err
					}
				}
			}
			d := math.Abs(n[0] - n[1])
			return n[0] == n[1] || d <= n[2]*math.Max(math.Abs(n[0]), math.Abs(n[1])) || d <= n[3], nil
		}
		out := table(m)
		out["pi"], out["e"], out["tau"], out["inf"], out["nan"] = math.Pi, math.E, 2*math.Pi, math.Inf(1), math.NaN()
		return out
	}
	moduleInit["random"] = func() map[string]Value {
		between := func(name string, last int) goFunc {
			return func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs(name, args, kw, "start", "stop?", "step?")
				if err != nil {
					return nil, err
				}
				n, err := ints(a, []int{0, 0, 1})
				if err != nil {
					return nil, err
				}
				if a[1] == missing {
					n[0], n[1] = 0, n[0]
				}
				if n[2] == 0 {
					return nil, raise(ValueError, "zero step for randrange()")
				}
				r, err := rangeOf(n[0], n[1]+last, n[2])
				if err != nil {
					return nil, err
				}
				if r.n <= 0 {
					return nil, raise(ValueError, "empty range for %s", name)
				}
				return r.start + rand.IntN(r.n)*r.step, nil
			}
		}
		return table(map[string]goFunc{
			"random":    func(t *Thread, args []Value, kw []Kw) (Value, error) { return rand.Float64(), nil },
			"randint":   between("randint", 1),
			"randrange": between("randrange", 0),
			"choice":    randomChoice,
			"seed":      func(t *Thread, args []Value, kw []Kw) (Value, error) { return nil, nil },
			"uniform": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("uniform", args, kw, "a", "b")
				if err != nil {
					return nil, err
				}
				x, err := numArg(a[0])
				if err != nil {
					return nil, err
				}
				y, err := numArg(a[1])
				return x + (y-x)*rand.Float64(), err
			},
			"shuffle": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("shuffle", args, kw, "x")
				if err != nil {
					return nil, err
				}
				l, ok := a[0].(*List)
				if !ok {
					return nil, raise(TypeError, "'%s' object does not support item assignment", typeName(a[0]))
				}
				rand.Shuffle(len(l.V), func(i, j int) { l.V[i], l.V[j] = l.V[j], l.V[i] })
				return nil, t.charge(len(l.V))
			},
			"sample": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("sample", args, kw, "population", "k")
				if err != nil {
					return nil, err
				}
				k, err := needInt(a[1])
				if err != nil {
					return nil, err
				}
				return sampleOf(t, a[0], k, false)
			},
			"choices": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("choices", args, kw, "population", "*", "k?")
				if err != nil {
					return nil, err
				}
				k := 1
				if a[1] != missing {
					if k, err = needInt(a[1]); err != nil {
						return nil, err
					}
				}
				return sampleOf(t, a[0], k, true)
			},
		})
	}
}
