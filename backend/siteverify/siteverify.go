// Package siteverify asks a captcha service whether an answer of its widget is good: reCAPTCHA, hCaptcha and Turnstile take the same
// request and give the same answer.
package siteverify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/outbound"
)

// Verdict is what a service says of an answer.
type Verdict struct {
	Good  bool
	Codes []string // why not, in the service's words: "timeout-or-duplicate"
}

// Refused is an answer with a status that is none of success.
type Refused struct{ Status int }

// Error gives the status.
func (r *Refused) Error() string {
	return fmt.Sprintf("the captcha service answered with status %d", r.Status)
}

// Ask sends secret, response and remoteip as a form to address. The error is *Refused for a status of 400 and more, else an Unavailable
// fault whose sentence names the reason.
func Ask(ctx context.Context, c *http.Client, address, secret, response, ip string) (Verdict, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return Verdict{}, fault.New(fault.Unavailable, "The address at which the captcha's answer is checked is none on the web.")
	}
	form := url.Values{"secret": {secret}, "response": {response}, "remoteip": {ip}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return Verdict{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return Verdict{}, outbound.Say("The captcha service", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return Verdict{}, &Refused{resp.StatusCode}
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return Verdict{}, outbound.Say("The captcha service", err)
	}
	var out struct {
		Success bool     `json:"success"`
		Codes   []string `json:"error-codes"`
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return Verdict{}, fault.Wrap(fault.Unavailable, "What answers at the captcha's address is no captcha service.", err)
	}
	return Verdict{out.Success, out.Codes}, nil
}
