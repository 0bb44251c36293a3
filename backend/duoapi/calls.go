package duoapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/fault"
)

// Enrollment is a person that Duo begins to know.
type Enrollment struct {
	Barcode string // address of a picture of the code, at Duo
	Code    string // "duo://…", what the picture holds
	User    string // Duo's key
	Expires time.Time
}

// Enroll begins to set somebody up (POST /auth/v2/enroll). It returns a *Failure when Duo knows the name already.
func (c *Client) Enroll(ctx context.Context, username string) (Enrollment, error) {
	var out struct {
		Barcode string `json:"activation_barcode"`
		Code    string `json:"activation_code"`
		User    string `json:"user_id"`
		Expires int64  `json:"expiration"`
	}
	_, err := c.call(ctx, short, http.MethodPost, "/auth/v2/enroll", url.Values{"username": {username}}, &out)
	return Enrollment{out.Barcode, out.Code, out.User, time.Unix(out.Expires, 0).UTC()}, err
}

// The states of an enrolment.
const (
	Success = "success"
	Waiting = "waiting"
	Invalid = "invalid"
)

// EnrollStatus says how far an enrolment is (POST /auth/v2/enroll_status): success, waiting or invalid.
func (c *Client) EnrollStatus(ctx context.Context, user, code string) (status string, err error) {
	if _, err = c.call(ctx, short, http.MethodPost, "/auth/v2/enroll_status", url.Values{"user_id": {user}, "activation_code": {code}}, &status); err != nil {
		return "", err
	}
	switch status {
	case Success, Waiting, Invalid:
		return status, nil
	}
	return Invalid, nil
}

// Question is what a person is asked on their phone.
type Question struct {
	User    string     // Duo's key
	Address string     // where the person is, "" when unknown
	Type    string     // what it is for
	Display string     // the name that the phone shows
	Info    url.Values // what else it shows
}

// Answer is what came of it.
type Answer struct {
	Allowed bool
	Status  string // Duo's word for why: "allow", "deny", "fraud", "timeout", "bypass", …
	Message string // Duo's sentence
}

// Ask asks whether the person may be asked (POST /auth/v2/preauth), then asks them (POST /auth/v2/auth with the factor that Duo thinks
// best), and waits for the answer, a minute at most. Whom Duo lets in or refuses without asking is answered so.
func (c *Client) Ask(ctx context.Context, q Question) (Answer, error) {
	params := url.Values{"user_id": {q.User}}
	if q.Address != "" {
		params.Set("ipaddr", q.Address)
	}
	var out struct {
		Result  string `json:"result"`
		Status  string `json:"status"`
		Message string `json:"status_msg"`
	}
	if _, err := c.call(ctx, short, http.MethodPost, "/auth/v2/preauth", params, &out); err != nil {
		return Answer{}, err
	}
	switch out.Result {
	case "auth":
	case "allow":
		return Answer{true, "bypass", out.Message}, nil
	default: // deny, enroll
		return Answer{false, out.Result, out.Message}, nil
	}
	params.Set("factor", "auto")
	params.Set("device", "auto")
	params.Set("type", q.Type)
	params.Set("display_username", q.Display)
	if len(q.Info) > 0 {
		params.Set("pushinfo", q.Info.Encode())
	}
	out.Result, out.Status, out.Message = "", "", ""
	if _, err := c.call(ctx, long, http.MethodPost, "/auth/v2/auth", params, &out); err != nil {
		return Answer{}, err
	}
	return Answer{out.Result == "allow", out.Status, out.Message}, nil
}

// User is somebody whom Duo knows.
type User struct {
	ID       string `json:"user_id"`
	Username string `json:"username"`
}

const (
	perPage  = 300
	maxPages = 1000
)

// Users gives everybody to each, page after page (GET /admin/v1/users). It ends with each's error.
func (c *Client) Users(ctx context.Context, each func(User) error) error {
	offset := "0"
	for range maxPages {
		var page []User
		r, err := c.call(ctx, short, http.MethodGet, "/admin/v1/users", url.Values{"limit": {strconv.Itoa(perPage)}, "offset": {offset}}, &page)
		if err != nil {
			return err
		}
		for _, u := range page {
			if err := each(u); err != nil {
				return err
			}
		}
		if r.Metadata.Next == nil {
			return nil
		}
		next := r.Metadata.Next.String()
		if next == offset {
			break
		}
		offset = next
	}
	return fault.New(fault.Unavailable, "Duo's list of people has no end.")
}
