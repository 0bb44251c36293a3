package py

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	deltaType    = objType("timedelta", objectType)
	dateType     = objType("date", objectType)
	timeType     = objType("time", objectType)
	datetimeType = objType("datetime", dateType)
	timezoneType = objType("timezone", objectType)
)

const day = 24 * 3600 * 1_000_000 // in microseconds

// delta is a timedelta: microseconds, which hold 292,000 years.
type delta struct{ us int64 }

func (d *delta) Type() *Type                 { return deltaType }
func (d *delta) Truth(*Thread) (bool, error) { return d.us != 0, nil }
func (d *delta) Hash(*Thread) (any, error)   { return *d, nil }
func (d *delta) parts() (days, secs, us int64) {
	days = floorDiv64(d.us, day)
	rest := d.us - days*day
	return days, rest / 1_000_000, rest % 1_000_000
}

func floorDiv64(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
func (d *delta) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*delta)
	return ok && o.us == d.us, true, nil
}
func (d *delta) Order(t *Thread, v Value) (int, bool, error) {
	o, ok := v.(*delta)
	if !ok {
		return 0, false, nil
	}
	return cmp64(d.us, o.us), true, nil
}
func cmp64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
func (d *delta) Str(*Thread) (string, error) {
	days, s, us := d.parts()
	out := ""
	if days != 0 {
		p := "s"
		if days == 1 || days == -1 {
			p = ""
		}
		out = fmt.Sprintf("%d day%s, ", days, p)
	}
	out += fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	if us != 0 {
		out += fmt.Sprintf(".%06d", us)
	}
	return out, nil
}
func (d *delta) Repr(*Thread) (string, error) {
	days, s, us := d.parts()
	var p []string
	if days != 0 {
		p = append(p, fmt.Sprintf("days=%d", days))
	}
	if s != 0 {
		p = append(p, fmt.Sprintf("seconds=%d", s))
	}
	if us != 0 {
		p = append(p, fmt.Sprintf("microseconds=%d", us))
	}
	if len(p) == 0 {
		p = []string{"0"}
	}
	return "datetime.timedelta(" + strings.Join(p, ", ") + ")", nil
}
func (d *delta) Attr(t *Thread, name string) (Value, bool, error) {
	days, s, us := d.parts()
	switch name {
	case "days":
		return int(days), true, nil
	case "seconds":
		return int(s), true, nil
	case "microseconds":
		return int(us), true, nil
	}
	return nil, false, nil
}

// newDelta makes a timedelta of a number of microseconds, within Python's range.
func newDelta(us float64) (Value, error) {
	if math.Abs(us) > 9e18 {
		return nil, raise(OverflowError, "date value out of range")
	}
	return &delta{int64(math.RoundToEven(us))}, nil
}

func (d *delta) Op(t *Thread, op string, v Value, right bool) (Value, bool, error) {
	if o, ok := v.(*delta); ok {
		a, b := d.us, o.us
		if right {
			a, b = b, a
		}
		switch op {
		case "+":
			return &delta{a + b}, true, nil
		case "-":
			return &delta{a - b}, true, nil
		}
		if b == 0 && (op == "/" || op == "//" || op == "%") {
			return nil, true, raise(ZeroDivisionError, "integer division or modulo by zero")
		}
		switch op {
		case "/":
			return float64(a) / float64(b), true, nil
		case "//":
			return int(floorDiv64(a, b)), true, nil
		case "%":
			return &delta{a - floorDiv64(a, b)*b}, true, nil
		}
		return nil, false, nil
	}
	switch op {
	case "unary-":
		return &delta{-d.us}, true, nil
	case "unary+":
		return d, true, nil
	case "abs":
		if d.us < 0 {
			return &delta{-d.us}, true, nil
		}
		return d, true, nil
	}
	f, ok := toFloat(v)
	if !ok || !isNumber(v) {
		return nil, false, nil
	}
	switch {
	case op == "*":
		r, err := newDelta(float64(d.us) * f)
		if i, isI := asInt(v); isI && err == nil {
			r = &delta{d.us * int64(i)}
		}
		return r, true, err
	case op == "/" && !right:
		if f == 0 {
			return nil, true, raise(ZeroDivisionError, "integer division or modulo by zero")
		}
		r, err := newDelta(float64(d.us) / f)
		return r, true, err
	case op == "//" && !right && isInt(v):
		if f == 0 {
			return nil, true, raise(ZeroDivisionError, "integer division or modulo by zero")
		}
		return &delta{floorDiv64(d.us, int64(f))}, true, nil
	}
	return nil, false, nil
}

// zone is a timezone.
type zone struct {
	off  int64 // microseconds
	name string
}

var utcZone = &zone{}

func (z *zone) Type() *Type { return timezoneType }
func (z *zone) Hash(*Thread) (any, error) {
	return z.off, nil
}
func (z *zone) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*zone)
	return ok && o.off == z.off, true, nil
}
func (z *zone) Str(*Thread) (string, error) {
	if z.name != "" {
		return z.name, nil
	}
	if z.off == 0 {
		return "UTC", nil
	}
	return "UTC" + offsetText(z.off, ":"), nil
}
func (z *zone) Repr(t *Thread) (string, error) {
	if z == utcZone || z.off == 0 && z.name == "" {
		return "datetime.timezone.utc", nil
	}
	s, err := (&delta{z.off}).Repr(t)
	if z.name != "" {
		s += ", " + reprStr(z.name)
	}
	return "datetime.timezone(" + s + ")", err
}

func offsetText(off int64, sep string) string {
	sign := "+"
	if off < 0 {
		sign, off = "-", -off
	}
	s := off / 1_000_000
	out := fmt.Sprintf("%s%02d%s%02d", sign, s/3600, sep, s/60%60)
	if s%60 != 0 {
		out += fmt.Sprintf("%s%02d", sep, s%60)
	}
	return out
}

// moment is a datetime, date or time: the wall clock in UTC, and the zone of an aware one.
type moment struct {
	kind byte // d date, t time, x datetime
	at   time.Time
	z    *zone
}

func (m *moment) Type() *Type {
	switch m.kind {
	case 'd':
		return dateType
	case 't':
		return timeType
	}
	return datetimeType
}
func (m *moment) Hash(*Thread) (any, error) {
	if m.z != nil {
		return m.instant().UnixMicro(), nil
	}
	return [2]any{m.kind, m.at.UnixMicro()}, nil
}

// instant is the moment of an aware datetime.
func (m *moment) instant() time.Time {
	return m.at.Add(-time.Duration(m.z.off) * time.Microsecond)
}
func (m *moment) Equal(t *Thread, v Value) (bool, bool, error) {
	o, ok := v.(*moment)
	if !ok || o.kind != m.kind || (o.z == nil) != (m.z == nil) {
		return false, true, nil
	}
	if m.z != nil {
		return m.instant().Equal(o.instant()), true, nil
	}
	return m.at.Equal(o.at), true, nil
}
func (m *moment) Order(t *Thread, v Value) (int, bool, error) {
	o, ok := v.(*moment)
	if !ok || o.kind != m.kind {
		if ok && (m.kind == 'd' || o.kind == 'd') && m.kind != 't' && o.kind != 't' {
			return 0, false, raise(TypeError, "can't compare %s.%s to %s.%s", "datetime", m.Type().Name, "datetime", o.Type().Name)
		}
		return 0, false, nil
	}
	if (o.z == nil) != (m.z == nil) {
		return 0, false, raise(TypeError, "can't compare offset-naive and offset-aware %ss", m.Type().Name)
	}
	a, b := m.at, o.at
	if m.z != nil {
		a, b = m.instant(), o.instant()
	}
	return a.Compare(b), true, nil
}

func (m *moment) iso(sep string) string {
	var s string
	if m.kind != 't' {
		s = fmt.Sprintf("%04d-%02d-%02d", m.at.Year(), m.at.Month(), m.at.Day())
	}
	if m.kind == 'd' {
		return s
	}
	if m.kind == 'x' {
		s += sep
	}
	s += fmt.Sprintf("%02d:%02d:%02d", m.at.Hour(), m.at.Minute(), m.at.Second())
	if us := m.at.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if m.z != nil {
		s += offsetText(m.z.off, ":")
	}
	return s
}
func (m *moment) Str(*Thread) (string, error) { return m.iso(" "), nil }
func (m *moment) Repr(t *Thread) (string, error) {
	var p []string
	add := func(n int) { p = append(p, strconv.Itoa(n)) }
	if m.kind != 't' {
		add(m.at.Year())
		add(int(m.at.Month()))
		add(m.at.Day())
	}
	if m.kind != 'd' {
		add(m.at.Hour())
		add(m.at.Minute())
		us := m.at.Nanosecond() / 1000
		if m.at.Second() != 0 || us != 0 {
			add(m.at.Second())
		}
		if us != 0 {
			add(us)
		}
	}
	if m.z != nil {
		s, err := m.z.Repr(t)
		if err != nil {
			return "", err
		}
		p = append(p, "tzinfo="+s)
	}
	return "datetime." + m.Type().Name + "(" + strings.Join(p, ", ") + ")", nil
}
func (m *moment) Format(t *Thread, spec string) (string, error) {
	if spec == "" {
		return m.Str(t)
	}
	return m.strftime(spec)
}
func (m *moment) Op(t *Thread, op string, v Value, right bool) (Value, bool, error) {
	switch o := v.(type) {
	case *delta:
		if m.kind == 't' || op != "+" && (op != "-" || right) {
			return nil, false, nil
		}
		us := o.us
		if op == "-" {
			us = -us
		}
		if m.kind == 'd' {
			us = floorDiv64(us, day) * day
		}
		at := m.at.AddDate(0, 0, int(us/day)).Add(time.Duration(us%day) * time.Microsecond)
		if at.Year() < 1 || at.Year() > 9999 {
			return nil, true, raise(OverflowError, "date value out of range")
		}
		return &moment{m.kind, at, m.z}, true, nil
	case *moment:
		if op != "-" || m.kind == 't' || o.kind != m.kind || right {
			return nil, false, nil
		}
		if (m.z == nil) != (o.z == nil) {
			return nil, true, raise(TypeError, "can't subtract offset-naive and offset-aware datetimes")
		}
		a, b := m.at, o.at
		if m.z != nil {
			a, b = m.instant(), o.instant()
		}
		return &delta{a.UnixMicro() - b.UnixMicro()}, true, nil
	}
	return nil, false, nil
}
func (m *moment) Attr(t *Thread, name string) (Value, bool, error) {
	if m.kind != 't' {
		switch name {
		case "year":
			return m.at.Year(), true, nil
		case "month":
			return int(m.at.Month()), true, nil
		case "day":
			return m.at.Day(), true, nil
		}
	}
	if m.kind != 'd' {
		switch name {
		case "hour":
			return m.at.Hour(), true, nil
		case "minute":
			return m.at.Minute(), true, nil
		case "second":
			return m.at.Second(), true, nil
		case "microsecond":
			return m.at.Nanosecond() / 1000, true, nil
		case "tzinfo":
			if m.z == nil {
				return nil, true, nil
			}
			return m.z, true, nil
		case "fold":
			return 0, true, nil
		}
	}
	return nil, false, nil
}

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func (m *moment) weekday() int { return (int(m.at.Weekday()) + 6) % 7 }

func (m *moment) strftime(f string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(f); i++ {
		if f[i] != '%' || i+1 == len(f) {
			b.WriteByte(f[i])
			continue
		}
		i++
		a := m.at
		switch c := f[i]; c {
		case 'Y':
			fmt.Fprintf(&b, "%04d", a.Year())
		case 'y':
			fmt.Fprintf(&b, "%02d", a.Year()%100)
		case 'm':
			fmt.Fprintf(&b, "%02d", int(a.Month()))
		case 'd':
			fmt.Fprintf(&b, "%02d", a.Day())
		case 'e':
			fmt.Fprintf(&b, "%2d", a.Day())
		case 'H':
			fmt.Fprintf(&b, "%02d", a.Hour())
		case 'I':
			fmt.Fprintf(&b, "%02d", (a.Hour()+11)%12+1)
		case 'M':
			fmt.Fprintf(&b, "%02d", a.Minute())
		case 'S':
			fmt.Fprintf(&b, "%02d", a.Second())
		case 'f':
			fmt.Fprintf(&b, "%06d", a.Nanosecond()/1000)
		case 'j':
			fmt.Fprintf(&b, "%03d", a.YearDay())
		case 'p':
			b.WriteString(a.Format("PM"))
		case 'A':
			b.WriteString(weekdays[m.weekday()])
		case 'a':
			b.WriteString(weekdays[m.weekday()][:3])
		case 'B':
			b.WriteString(a.Month().String())
		case 'b', 'h':
			b.WriteString(a.Month().String()[:3])
		case 'w':
			b.WriteString(strconv.Itoa(int(a.Weekday())))
		case 'u':
			b.WriteString(strconv.Itoa(m.weekday() + 1))
		case 'V', 'G':
			y, w := a.ISOWeek()
			if c == 'V' {
				fmt.Fprintf(&b, "%02d", w)
			} else {
				fmt.Fprintf(&b, "%04d", y)
			}
		case 'U':
			fmt.Fprintf(&b, "%02d", (a.YearDay()+6-int(a.Weekday()))/7)
		case 'W':
			fmt.Fprintf(&b, "%02d", (a.YearDay()+6-m.weekday())/7)
		case 'z':
			if m.z != nil {
				b.WriteString(offsetText(m.z.off, ""))
			}
		case 'Z':
			if m.z != nil {
				s, _ := m.z.Str(nil)
				b.WriteString(s)
			}
		case 'F':
			b.WriteString(a.Format("2006-01-02"))
		case 'T', 'X':
			b.WriteString(a.Format("15:04:05"))
		case 'D', 'x':
			b.WriteString(a.Format("01/02/06"))
		case 'R':
			b.WriteString(a.Format("15:04"))
		case 'c':
			b.WriteString(a.Format("Mon Jan _2 15:04:05 2006"))
		case 's':
			b.WriteString(strconv.FormatInt(a.Unix(), 10))
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '%':
			b.WriteByte('%')
		default:
			b.WriteByte('%')
			b.WriteByte(c)
		}
		if b.Len() > maxText {
			return "", raise(MemoryError, "")
		}
	}
	return b.String(), nil
}

// strptime reads a text by a format.
func strptime(s, f string) (*moment, error) {
	bad := raise(ValueError, "time data %s does not match format %s", reprStr(s), reprStr(f))
	y, mo, d, h, mi, sec, us := 1900, 1, 1, 0, 0, 0, 0
	yday, pm := 0, -1
	var z *zone
	i := 0
	num := func(max int) (int, bool) {
		j := i
		for j < len(s) && j-i < max && isDigit(s[j]) {
			j++
		}
		if j == i {
			return 0, false
		}
		v, err := strconv.Atoi(s[i:j])
		i = j
		return v, err == nil
	}
	word := func(list []string, short bool) int {
		for k, w := range list {
			if short {
				w = w[:3]
			}
			if len(s)-i >= len(w) && strings.EqualFold(s[i:i+len(w)], w) {
				i += len(w)
				return k
			}
		}
		return -1
	}
	months := make([]string, 12)
	for k := range months {
		months[k] = time.Month(k + 1).String()
	}
	f = strings.NewReplacer("%F", "%Y-%m-%d", "%T", "%H:%M:%S", "%R", "%H:%M", "%D", "%m/%d/%y").Replace(f)
	for k := 0; k < len(f); k++ {
		c := f[k]
		if asciiSpace(rune(c)) {
			if i >= len(s) || !asciiSpace(rune(s[i])) {
				return nil, bad
			}
			for i < len(s) && asciiSpace(rune(s[i])) {
				i++
			}
			continue
		}
		if c != '%' {
			if i >= len(s) || s[i] != c {
				return nil, bad
			}
			i++
			continue
		}
		k++
		if k >= len(f) {
			return nil, raise(ValueError, "stray %% in format '%s'", f)
		}
		ok := true
		switch f[k] {
		case 'Y':
			if ok = i+4 <= len(s); ok {
				y, ok = num(4)
			}
		case 'y':
			y, ok = num(2)
			if y < 69 {
				y += 2000
			} else {
				y += 1900
			}
		case 'm':
			mo, ok = num(2)
		case 'd':
			d, ok = num(2)
		case 'H':
			h, ok = num(2)
		case 'I':
			h, ok = num(2)
			ok = ok && h >= 1 && h <= 12
		case 'M':
			mi, ok = num(2)
		case 'S':
			sec, ok = num(2)
		case 'j':
			yday, ok = num(3)
		case 'f':
			from := i
			us, ok = num(6)
			for n := i - from; n < 6; n++ {
				us *= 10
			}
		case 'p':
			pm = word([]string{"AM ", "PM "}, false)
			if pm < 0 && i+2 <= len(s) {
				switch strings.ToUpper(s[i : i+2]) {
				case "AM":
					pm = 0
				case "PM":
					pm = 1
				}
				i += 2
			} else if pm >= 0 {
				i--
			}
			ok = pm >= 0
		case 'A':
			ok = word(weekdays, false) >= 0
		case 'a':
			ok = word(weekdays, true) >= 0
		case 'B':
			mo = word(months, false) + 1
			ok = mo > 0
		case 'b':
			mo = word(months, true) + 1
			ok = mo > 0
		case 'z':
			off, n, okz := parseOffset(s[i:])
			ok = okz
			i += n
			z = &zone{off: off}
			if off == 0 {
				z = utcZone
			}
		case 'Z':
			j := i
			for j < len(s) && s[j] >= 'A' && s[j] <= 'Z' {
				j++
			}
			ok = s[i:j] == "UTC" || s[i:j] == "GMT" || j == i
			i = j
		case '%':
			ok = i < len(s) && s[i] == '%'
			i++
		default:
			return nil, raise(ValueError, "'%c' is a bad directive in format '%s'", f[k], f)
		}
		if !ok {
			return nil, bad
		}
	}
	if i < len(s) {
		return nil, raise(ValueError, "unconverted data remains: %s", s[i:])
	}
	if pm >= 0 {
		h = h%12 + 12*pm
	}
	if mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 61 {
		return nil, bad
	}
	if yday > 0 {
		at := time.Date(y, 1, yday, 0, 0, 0, 0, time.UTC)
		mo, d = int(at.Month()), at.Day()
	}
	return newMoment('x', y, mo, d, h, mi, sec, us, z)
}

func parseOffset(s string) (int64, int, bool) {
	if strings.HasPrefix(s, "Z") {
		return 0, 1, true
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, 0, false
	}
	i, v := 1, [3]int{}
	for k := range v {
		if k > 0 && i < len(s) && s[i] == ':' {
			i++
		}
		if i+2 > len(s) || !isDigit(s[i]) || !isDigit(s[i+1]) {
			if k < 2 {
				return 0, 0, false
			}
			break
		}
		v[k] = int(s[i]-'0')*10 + int(s[i+1]-'0')
		i += 2
	}
	off := int64(v[0]*3600+v[1]*60+v[2]) * 1_000_000
	if s[0] == '-' {
		off = -off
	}
	return off, i, v[0] < 24 && v[1] < 60
}

func newMoment(kind byte, y, mo, d, h, mi, s, us int, z *zone) (*moment, error) {
	switch {
	case y < 1 || y > 9999:
		return nil, raise(ValueError, "year %d is out of range", y)
	case mo < 1 || mo > 12:
		return nil, raise(ValueError, "month must be in 1..12")
	case d < 1 || d > time.Date(y, time.Month(mo)+1, 0, 0, 0, 0, 0, time.UTC).Day():
		return nil, raise(ValueError, "day is out of range for month")
	case h < 0 || h > 23:
		return nil, raise(ValueError, "hour must be in 0..23")
	case mi < 0 || mi > 59:
		return nil, raise(ValueError, "minute must be in 0..59")
	case s < 0 || s > 59:
		return nil, raise(ValueError, "second must be in 0..59")
	case us < 0 || us > 999999:
		return nil, raise(ValueError, "microsecond must be in 0..999999")
	}
	return &moment{kind, time.Date(y, time.Month(mo), d, h, mi, s, us*1000, time.UTC), z}, nil
}

// fromISO reads date, time or datetime.
func fromISO(kind byte, s string) (*moment, error) {
	what := map[byte]string{'d': "isoformat", 't': "isoformat", 'x': "isoformat"}[kind]
	bad := raise(ValueError, "Invalid %s string: %s", what, reprStr(s))
	y, mo, d := 1900, 1, 1
	rest := s
	digits := func(n int) (int, bool) {
		if len(rest) < n {
			return 0, false
		}
		for i := range n {
			if !isDigit(rest[i]) {
				return 0, false
			}
		}
		v, _ := strconv.Atoi(rest[:n])
		rest = rest[n:]
		return v, true
	}
	if kind != 't' {
		var ok bool
		if y, ok = digits(4); !ok {
			return nil, bad
		}
		sep := strings.HasPrefix(rest, "-")
		if sep {
			rest = rest[1:]
		}
		if mo, ok = digits(2); !ok {
			return nil, bad
		}
		if sep {
			if !strings.HasPrefix(rest, "-") {
				return nil, bad
			}
			rest = rest[1:]
		}
		if d, ok = digits(2); !ok {
			return nil, bad
		}
		if kind == 'd' || rest == "" {
			if rest != "" {
				return nil, bad
			}
			return newMoment(kind, y, mo, d, 0, 0, 0, 0, nil)
		}
		rest = rest[1:]
	}
	v := [3]int{}
	us := 0
	for k := range v {
		if k > 0 {
			if rest == "" || strings.IndexByte("+-Z", rest[0]) >= 0 {
				break
			}
			rest = strings.TrimPrefix(rest, ":")
		}
		n, ok := digits(2)
		if !ok {
			return nil, bad
		}
		v[k] = n
	}
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		j := 1
		for j < len(rest) && isDigit(rest[j]) {
			j++
		}
		if j == 1 {
			return nil, bad
		}
		us, _ = strconv.Atoi((rest[1:j] + "000000")[:6])
		rest = rest[j:]
	}
	var z *zone
	if rest != "" {
		off, n, ok := parseOffset(rest)
		if !ok || n != len(rest) {
			return nil, bad
		}
		z = &zone{off: off}
		if off == 0 {
			z = utcZone
		}
	}
	return newMoment(kind, y, mo, d, v[0], v[1], v[2], us, z)
}

func zoneArg(v Value) (*zone, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case *zone:
		return x, nil
	}
	if v == missing {
		return nil, nil
	}
	return nil, raise(TypeError, "tzinfo argument must be None or of a tzinfo subclass, not type '%s'", typeName(v))
}

func ints(a []Value, def []int) ([]int, error) {
	out := append([]int(nil), def...)
	for i, v := range a {
		if v == missing {
			continue
		}
		n, err := needInt(v)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func fromTime(now time.Time, z *zone) *moment {
	if z != nil {
		now = now.UTC().Add(time.Duration(z.off) * time.Microsecond)
	}
	return &moment{'x', time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), now.Nanosecond()/1000*1000, time.UTC), z}
}

func init() {
	for _, ty := range []*Type{deltaType, dateType, timeType, datetimeType, timezoneType} {
		ty.module = "datetime"
	}
	deltaType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("timedelta", args, kw, "days?", "seconds?", "microseconds?", "milliseconds?", "minutes?", "hours?", "weeks?")
		if err != nil {
			return nil, err
		}
		units := []int64{day, 1_000_000, 1, 1000, 60_000_000, 3_600_000_000, 7 * day}
		var whole int64
		frac := 0.0
		for i, v := range a {
			if v == missing {
				continue
			}
			if n, ok := asInt(v); ok {
				if n != 0 && abs(n) > uint(9e18/float64(units[i])) {
					return nil, raise(OverflowError, "days=%d; must have magnitude <= 999999999", n)
				}
				whole += int64(n) * units[i]
				continue
			}
			f, ok := toFloat(v)
			if !ok {
				return nil, raise(TypeError, "unsupported type for timedelta %s component: %s", []string{"days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"}[i], typeName(v))
			}
			frac += f * float64(units[i])
		}
		if math.Abs(frac) > 9e18 || math.IsNaN(frac) {
			return nil, raise(OverflowError, "Python int too large to convert to C int")
		}
		return &delta{whole + int64(math.RoundToEven(frac))}, nil
	}
	methods(deltaType, map[string]goFunc{"total_seconds": func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return float64(args[0].(*delta).us) / 1e6, nil
	}})
	timezoneType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("timezone", args, kw, "offset", "name?")
		if err != nil {
			return nil, err
		}
		d, ok := a[0].(*delta)
		if !ok {
			return nil, raise(TypeError, "timezone() argument 1 must be datetime.timedelta, not %s", typeName(a[0]))
		}
		if d.us <= -day || d.us >= day {
			return nil, raise(ValueError, "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24).")
		}
		z := &zone{off: d.us}
		if a[1] != missing {
			if z.name, err = strArg("timezone", a[1]); err != nil {
				return nil, err
			}
		}
		if z.off == 0 && z.name == "" {
			return utcZone, nil
		}
		return z, nil
	}
	timezoneType.methods["utc"] = utcZone
	dateType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("date", args, kw, "year", "month", "day")
		if err != nil {
			return nil, err
		}
		n, err := ints(a, make([]int, 3))
		if err != nil {
			return nil, err
		}
		return orNil(newMoment('d', n[0], n[1], n[2], 0, 0, 0, 0, nil))
	}
	timeType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("time", args, kw, "hour?", "minute?", "second?", "microsecond?", "tzinfo?", "*", "fold?")
		if err != nil {
			return nil, err
		}
		n, err := ints(a[:4], make([]int, 4))
		if err != nil {
			return nil, err
		}
		z, err := zoneArg(a[4])
		if err != nil {
			return nil, err
		}
		return orNil(newMoment('t', 1900, 1, 1, n[0], n[1], n[2], n[3], z))
	}
	datetimeType.make = func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("datetime", args, kw, "year", "month", "day", "hour?", "minute?", "second?", "microsecond?", "tzinfo?", "*", "fold?")
		if err != nil {
			return nil, err
		}
		n, err := ints(a[:7], make([]int, 7))
		if err != nil {
			return nil, err
		}
		z, err := zoneArg(a[7])
		if err != nil {
			return nil, err
		}
		return orNil(newMoment('x', n[0], n[1], n[2], n[3], n[4], n[5], n[6], z))
	}
	for kind, ty := range map[byte]*Type{'d': dateType, 't': timeType, 'x': datetimeType} {
		static(ty, "fromisoformat", func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("fromisoformat", args, kw, "date_string", "/")
			if err != nil {
				return nil, err
			}
			s, ok := a[0].(string)
			if !ok {
				return nil, raise(TypeError, "fromisoformat: argument must be str")
			}
			return orNil(fromISO(kind, s))
		})
		methods(ty, map[string]goFunc{
			"isoformat": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("isoformat", args[1:], kw, "sep?", "timespec?")
				if err != nil {
					return nil, err
				}
				sep := "T"
				if s, ok := a[0].(string); ok {
					sep = s
				}
				m := *args[0].(*moment)
				switch spec, _ := a[1].(string); spec {
				case "seconds":
					m.at = m.at.Truncate(time.Second)
				case "minutes":
					m.at = m.at.Truncate(time.Minute)
					s := m.iso(sep)
					return s[:strings.LastIndex(s, ":00")] + s[strings.LastIndex(s, ":00")+3:], nil
				case "milliseconds":
					ms := m.at.Nanosecond() / 1e6
					m.at = m.at.Truncate(time.Second)
					z := m.z
					m.z = nil
					s := m.iso(sep) + fmt.Sprintf(".%03d", ms)
					if z != nil {
						s += offsetText(z.off, ":")
					}
					return s, nil
				}
				return m.iso(sep), nil
			},
			"strftime": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				a, err := readArgs("strftime", args[1:], kw, "format")
				if err != nil {
					return nil, err
				}
				f, err := strArg("strftime", a[0])
				if err != nil {
					return nil, err
				}
				return one(args[0].(*moment).strftime(f))
			},
			"replace": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				m := args[0].(*moment)
				names := map[byte][]string{'d': {"year?", "month?", "day?"}, 't': {"hour?", "minute?", "second?", "microsecond?", "tzinfo?"}, 'x': {"year?", "month?", "day?", "hour?", "minute?", "second?", "microsecond?", "tzinfo?"}}[m.kind]
				a, err := readArgs("replace", args[1:], kw, names...)
				if err != nil {
					return nil, err
				}
				now := map[string]int{"year?": m.at.Year(), "month?": int(m.at.Month()), "day?": m.at.Day(), "hour?": m.at.Hour(), "minute?": m.at.Minute(), "second?": m.at.Second(), "microsecond?": m.at.Nanosecond() / 1000}
				z := m.z
				for i, n := range names {
					if a[i] == missing {
						continue
					}
					if n == "tzinfo?" {
						if z, err = zoneArg(a[i]); err != nil {
							return nil, err
						}
						continue
					}
					if now[n], err = needInt(a[i]); err != nil {
						return nil, err
					}
				}
				return orNil(newMoment(m.kind, now["year?"], now["month?"], now["day?"], now["hour?"], now["minute?"], now["second?"], now["microsecond?"], z))
			},
			"utcoffset": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				if z := args[0].(*moment).z; z != nil {
					return &delta{z.off}, nil
				}
				return nil, nil
			},
			"tzname": func(t *Thread, args []Value, kw []Kw) (Value, error) {
				if z := args[0].(*moment).z; z != nil {
					return one(z.Str(t))
				}
				return nil, nil
			},
		})
	}
	get := func(f func(m *moment) Value) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) { return f(args[0].(*moment)), nil }
	}
	methods(dateType, map[string]goFunc{
		"weekday":    get(func(m *moment) Value { return m.weekday() }),
		"isoweekday": get(func(m *moment) Value { return m.weekday() + 1 }),
		"toordinal":  get(func(m *moment) Value { return int(m.at.Unix()/86400) + 719163 }),
		"isocalendar": get(func(m *moment) Value {
			y, w := m.at.ISOWeek()
			ty := objType("datetime.IsoCalendarDate", tupleType)
			return &namedTuple{ty, []string{"year", "week", "weekday"}, []Value{y, w, m.weekday() + 1}}
		}),
	})
	methods(datetimeType, map[string]goFunc{
		"date":   get(func(m *moment) Value { return &moment{'d', m.at.Truncate(24 * time.Hour), nil} }),
		"time":   get(func(m *moment) Value { return clock(m, nil) }),
		"timetz": get(func(m *moment) Value { return clock(m, m.z) }),
		"timestamp": get(func(m *moment) Value {
			if m.z != nil {
				return float64(m.instant().UnixMicro()) / 1e6
			}
			return float64(m.at.UnixMicro()) / 1e6
		}),
		"astimezone": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("astimezone", args[1:], kw, "tz?")
			if err != nil {
				return nil, err
			}
			z, err := zoneArg(a[0])
			if err != nil {
				return nil, err
			}
			if z == nil {
				z = utcZone
			}
			m := *args[0].(*moment)
			if m.z == nil {
				m.z = utcZone
			}
			return fromTime(m.instant(), z), nil
		},
	})
	// The local zone of an expression is UTC, so that a result does not depend on the machine.
	static(datetimeType, "now", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("now", args, kw, "tz?")
		if err != nil {
			return nil, err
		}
		z, err := zoneArg(a[0])
		return fromTime(time.Now().UTC(), z), err
	})
	for _, n := range []string{"utcnow", "today"} {
		static(datetimeType, n, func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return fromTime(time.Now().UTC(), nil), nil
		})
	}
	static(dateType, "today", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		return &moment{'d', time.Now().UTC().Truncate(24 * time.Hour), nil}, nil
	})
	datetimeType.methods["today"] = datetimeType.methods["utcnow"]
	stamp := func(fixed *zone) goFunc {
		return func(t *Thread, args []Value, kw []Kw) (Value, error) {
			a, err := readArgs("fromtimestamp", args, kw, "timestamp", "tz?")
			if err != nil {
				return nil, err
			}
			f, ok := toFloat(a[0])
			if !ok || !isNumber(a[0]) {
				return nil, raise(TypeError, "'%s' object cannot be interpreted as an integer", typeName(a[0]))
			}
			z, err := zoneArg(a[1])
			if err != nil {
				return nil, err
			}
			if math.IsNaN(f) || f < -62135596800 || f > 253402300799 {
				return nil, raise(ValueError, "year is out of range")
			}
			return fromTime(time.UnixMicro(int64(math.RoundToEven(f*1e6))).UTC(), z), nil
		}
	}
	static(datetimeType, "fromtimestamp", stamp(nil))
	static(datetimeType, "utcfromtimestamp", stamp(nil))
	static(dateType, "fromordinal", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("fromordinal", args, kw, "ordinal", "/")
		if err != nil {
			return nil, err
		}
		n, err := needInt(a[0])
		if err != nil {
			return nil, err
		}
		if n < 1 || n > 3652059 {
			return nil, raise(ValueError, "ordinal must be >= 1")
		}
		return &moment{'d', time.Unix(int64(n-719163)*86400, 0).UTC(), nil}, nil
	})
	static(datetimeType, "strptime", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("strptime", args, kw, "date_string", "format", "/")
		if err != nil {
			return nil, err
		}
		s, err := strArg("strptime", a[0])
		if err != nil {
			return nil, err
		}
		f, err := strArg("strptime", a[1])
		if err != nil {
			return nil, err
		}
		return orNil(strptime(s, f))
	})
	static(datetimeType, "combine", func(t *Thread, args []Value, kw []Kw) (Value, error) {
		a, err := readArgs("combine", args, kw, "date", "time", "tzinfo?")
		if err != nil {
			return nil, err
		}
		d, ok1 := a[0].(*moment)
		c, ok2 := a[1].(*moment)
		if !ok1 || !ok2 || d.kind == 't' || c.kind != 't' {
			return nil, raise(TypeError, "combine() argument 1 must be datetime.date, not %s", typeName(a[0]))
		}
		z := c.z
		if a[2] != missing {
			if z, err = zoneArg(a[2]); err != nil {
				return nil, err
			}
		}
		return orNil(newMoment('x', d.at.Year(), int(d.at.Month()), d.at.Day(), c.at.Hour(), c.at.Minute(), c.at.Second(), c.at.Nanosecond()/1000, z))
	})
	first := func(kind byte) *moment { return &moment{kind, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), nil} }
	last := func(kind byte) *moment {
		m := &moment{kind, time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), nil}
		if kind == 'd' {
			m.at = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		}
		return m
	}
	dateType.methods["min"], dateType.methods["max"] = first('d'), last('d')
	datetimeType.methods["min"], datetimeType.methods["max"] = first('x'), last('x')
	moduleInit["datetime"] = func() map[string]Value {
		return map[string]Value{"timedelta": deltaType, "date": dateType, "time": timeType, "datetime": datetimeType, "timezone": timezoneType, "UTC": utcZone, "MINYEAR": 1, "MAXYEAR": 9999}
	}
	moduleInit["time"] = func() map[string]Value {
		now := func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return float64(time.Now().UnixMicro()) / 1e6, nil
		}
		return table(map[string]goFunc{"time": now, "monotonic": now, "perf_counter": now, "time_ns": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return int(time.Now().UnixNano()), nil
		}, "sleep": func(t *Thread, args []Value, kw []Kw) (Value, error) {
			return nil, raise(RuntimeError, "sleep() is not available in expressions")
		}})
	}
}

func clock(m *moment, z *zone) *moment {
	return &moment{'t', time.Date(1900, 1, 1, m.at.Hour(), m.at.Minute(), m.at.Second(), m.at.Nanosecond(), time.UTC), z}
}

// orNil keeps a nil pointer from becoming a value.
func orNil(m *moment, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
