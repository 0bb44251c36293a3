package sms

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

const (
	validFor = 5 * time.Minute // of a code, as published
	tries    = 5               // of one code
)

// pending is a phone that is being set up.
type pending struct {
	Phone string    `json:"phone"`
	Code  string    `json:"code"` // "": none is good, another has to be sent
	Until time.Time `json:"until"`
	Tries int       `json:"tries"`
}

// ofFlow gives the number that the flow asked for already, "" when it did not. It counts and no other one: what checked it must not be
// passed by in the request (GHSA-qgqp-xh8r-v73r).
func ofFlow(t *stage.Turn) string {
	m, _ := t.Plan.Context[stage.PromptData].(map[string]any)
	s, _ := m["phone"].(string)
	return strings.TrimSpace(s)
}

var (
	marks  = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "", "\u00a0", "")
	number = regexp.MustCompile(`^\+?[0-9]{5,20}$`)
)

// clean gives a number without what people write into it to read it better; ok is false for what is no number.
func clean(phone string) (string, bool) {
	phone = marks.Replace(phone)
	return phone, number.MatchString(phone)
}

// hashed is what is kept of a number that is proved once (the published form).
func hashed(phone string) string {
	sum := sha256.Sum256([]byte(phone))
	return "hash:" + hex.EncodeToString(sum[:])
}

// Show asks for the number, sends the code to the one of the flow, or asks for the code. A flow about nobody goes on.
func (s *Stage) Show(t *stage.Turn) stage.Result {
	if !t.Real() {
		return stage.Done()
	}
	var p pending
	if t.Kept(s.d.Store.Key(), s.PK, &p) && (ofFlow(t) == "" || same(ofFlow(t), p.Phone)) {
		return stage.Ask(&Challenge{Number: p.Phone})
	}
	if phone := ofFlow(t); phone != "" {
		say, err := s.begin(t, phone)
		switch {
		case err != nil:
			return stage.Fail(err)
		case say.String != "":
			return stage.Deny(say.String)
		}
		return s.Show(t)
	}
	return stage.Ask(&Challenge{NumberRequired: true})
}

func same(typed, phone string) bool {
	c, _ := clean(typed)
	return c == phone
}

// Take sends a code to a number, or takes the code that was sent.
func (s *Stage) Take(t *stage.Turn, in *Answer) stage.Result {
	switch {
	case !t.Real():
		return stage.Done()
	case in.bad != nil:
		return stage.Retry(stage.Faults(in.bad))
	case in.Code != nil:
		return s.confirm(t, *in.Code)
	}
	phone := ofFlow(t)
	if phone == "" && in.Phone != nil {
		phone = *in.Phone
	}
	if phone == "" {
		return stage.WrongAll("phone_number required")
	}
	say, err := s.begin(t, phone)
	switch {
	case err != nil:
		return stage.Fail(err)
	case say.String != "":
		return stage.Retry(stage.Errors{"non_field_errors": {say}})
	}
	return s.Show(t) // as published: the challenge again, and nothing wrong
}

// begin sends a fresh code to a number; say is what is wrong, "" when nothing is.
func (s *Stage) begin(t *stage.Turn, typed string) (say stage.Error, err error) {
	phone, ok := clean(typed)
	if !ok {
		return stage.Error{String: s.d.say(t, "flow.sms.number"), Code: "invalid"}, nil
	}
	taken, err := s.taken(t, phone)
	if err != nil || taken {
		return stage.Error{String: "Invalid phone number", Code: "invalid"}, err
	}
	p := pending{Phone: phone, Code: fresh(), Until: t.Now.Add(validFor)}
	v := &Device{Name: "SMS Device", Phone: phone, Stage: s.PK}
	v.User = t.User.PK
	if say, err = s.send(t, v, p.Code); err != nil || say.String != "" {
		return say, err
	}
	return say, t.Keep(s.d.Store.Key(), s.PK, p)
}

// fresh gives a code of six digits.
func fresh() string { return crypt.UserCode()[:6] }

// taken says whether somebody has the number at this stage already.
func (s *Stage) taken(t *stage.Turn, phone string) (bool, error) {
	var n int
	err := s.d.Store.DB().QueryRow(t.Ctx, `SELECT count(*) FROM sms_devices WHERE stage = ? AND phone_number IN (?, ?)`, s.PK, phone, hashed(phone)).Scan(&n)
	return n > 0, err
}

// confirm stores the phone when the code is the one that was sent to it.
func (s *Stage) confirm(t *stage.Turn, typed int64) stage.Result {
	var p pending
	if !t.Kept(s.d.Store.Key(), s.PK, &p) {
		return stage.WrongAll("phone_number required")
	}
	keep := func(say string) stage.Result {
		if err := t.Keep(s.d.Store.Key(), s.PK, p); err != nil {
			return stage.Fail(err)
		}
		return stage.WrongAll(say)
	}
	want, err := strconv.ParseInt(p.Code, 10, 64)
	if err != nil || !t.Now.Before(p.Until) {
		p.Code = ""
		return keep(s.d.say(t, "flow.sms.late"))
	}
	if want != typed {
		if p.Tries++; p.Tries >= tries {
			p.Code = ""
			return keep(s.d.say(t, "flow.sms.tries"))
		}
		return keep("Code does not match")
	}
	t.Drop(s.PK)
	who, phone := t.User.PK, p.Phone
	return stage.Done().Writing(func(tx *store.Tx) error {
		v := store.KindOf[Device](tx.Store()).New().(*Device)
		v.Name, v.User, v.Confirmed, v.Stage, v.Phone = "SMS Device", who, true, s.PK, phone
		if s.VerifyOnly {
			v.Phone = hashed(phone)
		}
		return tx.Create(v)
	}).Else(func(error) stage.Result { return stage.WrongAll("Invalid phone number") }) // somebody else took it meanwhile
}
