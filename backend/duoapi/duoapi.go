// Package duoapi speaks to Duo, a service that asks people on their phones: its Auth API for enrolling and asking (duo.com/docs/authapi)
// and its Admin API for who is there (duo.com/docs/adminapi).
//
//	Client{Host, Key, Secret} ─▶ date, method, host, path, parameters ──HMAC-SHA512──▶ request ─▶ {stat, response}
package duoapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

// How long Duo may take: for what it knows, and for what a person has to answer on their phone (Duo gives them 60 s).
const (
	short = 15 * time.Second
	long  = 75 * time.Second
)

// Longest is the timeout that the HTTP client needs at least.
const Longest = long

// Client is one application at Duo.
type Client struct {
	Host, Key, Secret string // API hostname, integration key (client ID), secret key
	HTTP              *http.Client
	Now               func() time.Time
}

// Failure is what Duo itself refused.
type Failure struct {
	Code    int64
	Message string
	Detail  string
}

// Error gives Duo's words.
func (f *Failure) Error() string {
	s := f.Message
	if f.Detail != "" {
		s += " (" + f.Detail + ")"
	}
	return fmt.Sprintf("Duo: %s [%d]", s, f.Code)
}

// escape writes parameters as they are signed: sorted, blanks as %20.
func escape(params url.Values) string { return strings.ReplaceAll(params.Encode(), "+", "%20") }

// sign gives the Authorization header of a request ("Authentication" in both documents).
func (c *Client) sign(date, method, path string, params url.Values) string {
	m := hmac.New(sha512.New, []byte(c.Secret))
	io.WriteString(m, strings.Join([]string{date, strings.ToUpper(method), strings.ToLower(c.Host), path, escape(params)}, "\n"))
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Key+":"+hex.EncodeToString(m.Sum(nil))))
}

// reply is what every answer looks like.
type reply struct {
	Stat     string          `json:"stat"`
	Code     any             `json:"code"` // a number, of some refusals a text
	Message  string          `json:"message"`
	Detail   string          `json:"message_detail"`
	Response json.RawMessage `json:"response"`
	Metadata struct {
		Next *json.Number `json:"next_offset"`
	} `json:"metadata"`
}

// call makes one signed request. The error is a *Failure when Duo refused, an Unavailable fault when it can't be reached or understood.
func (c *Client) call(ctx context.Context, timeout time.Duration, method, path string, params url.Values, into any) (*reply, error) {
	if u, err := url.Parse("https://" + c.Host); err != nil || u.Host != c.Host || c.Host == "" {
		return nil, fault.New(fault.Unavailable, "The API hostname of the Duo stage is no host name. Copy it from Duo's admin panel.")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	u := url.URL{Scheme: "https", Host: c.Host, Path: path}
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(params.Encode())
	} else {
		u.RawQuery = params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	date := c.Now().UTC().Format(time.RFC1123Z)
	req.Header.Set("Date", date)
	req.Header.Set("Authorization", c.sign(date, method, path, params))
	req.Header.Set("User-Agent", "gatehouse")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, outbound.Say("Duo", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, outbound.Say("Duo", err)
	}
	r := &reply{}
	if err := json.Unmarshal(b, r); err != nil || r.Stat != "OK" && r.Stat != "FAIL" {
		return nil, fault.Wrap(fault.Unavailable, "What answers under the API hostname isn't Duo. Check the stage.", fmt.Errorf("status %d, no answer of Duo: %w", resp.StatusCode, err))
	}
	if r.Stat == "FAIL" {
		code, _ := r.Code.(float64)
		return nil, &Failure{Code: int64(code), Message: r.Message, Detail: r.Detail}
	}
	if into == nil {
		return r, nil
	}
	if err := json.Unmarshal(r.Response, into); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "Duo answered in a way that Gatehouse doesn't understand.", err)
	}
	return r, nil
}
