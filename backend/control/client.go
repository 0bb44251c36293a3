package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"gatehouse/backend/fault"
)

// Client speaks to the server of a data folder. It implements Backend.
type Client struct {
	data string
	http *http.Client
}

var _ Backend = (*Client)(nil)

// Dial finds the server of a data folder and proves that it answers. The error is a *Nobody when none does.
func Dial(dataDir string) (*Client, error) {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, err
	}
	c := &Client{data: dataDir}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			d := net.Dialer{Timeout: dialTimeout}
			return d.DialContext(ctx, "unix", path(controlSocket, dataDir))
		},
		IdleConnTimeout: 30 * time.Second,
	}}
	ctx, stop := context.WithTimeout(context.Background(), dialTimeout)
	defer stop()
	if _, err := c.Status(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status implements Backend.
func (c *Client) Status(ctx context.Context) (out Status, err error) {
	return out, c.call(ctx, http.MethodGet, "/status", nil, &out)
}

// Ticket implements Backend.
func (c *Client) Ticket(ctx context.Context) (out Ticket, err error) {
	return out, c.call(ctx, http.MethodPost, "/ticket", none{}, &out)
}

// CreateAdmin implements Backend.
func (c *Client) CreateAdmin(ctx context.Context, r AdminRequest) (out AdminResult, err error) {
	return out, c.call(ctx, http.MethodPost, "/admin/create", r, &out)
}

// ResetPassword implements Backend.
func (c *Client) ResetPassword(ctx context.Context, username, password string) (out AdminResult, err error) {
	return out, c.call(ctx, http.MethodPost, "/admin/reset-password", passwordRequest{username, password}, &out)
}

// RecoveryLink implements Backend.
func (c *Client) RecoveryLink(ctx context.Context, username string, valid time.Duration) (out AdminResult, err error) {
	return out, c.call(ctx, http.MethodPost, "/admin/recovery-link", linkRequest{username, valid}, &out)
}

// Backup implements Backend.
func (c *Client) Backup(ctx context.Context, path, passphrase string) error {
	return c.call(ctx, http.MethodPost, "/backup", backupRequest{path, passphrase}, nil)
}

// Blueprint implements Backend.
func (c *Client) Blueprint(ctx context.Context, r BlueprintRequest) (out BlueprintResult, err error) {
	return out, c.call(ctx, http.MethodPost, "/blueprint", r, &out)
}

// Export implements Backend.
func (c *Client) Export(ctx context.Context) (out Exported, err error) {
	return out, c.call(ctx, http.MethodPost, "/export", none{}, &out)
}

// Stop implements Backend.
func (c *Client) Stop(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/stop", none{}, nil)
}

// Desktop implements Backend. The channel is closed when ctx or the server ends.
func (c *Client) Desktop(ctx context.Context) (<-chan DesktopEvent, error) {
	body, err := c.do(ctx, http.MethodGet, "/desktop", nil)
	if err != nil {
		return nil, err
	}
	events := make(chan DesktopEvent)
	go func() {
		defer close(events)
		defer body.Close()
		for in := json.NewDecoder(body); ; {
			var e DesktopEvent
			if in.Decode(&e) != nil {
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

// Reply implements Backend.
func (c *Client) Reply(ctx context.Context, r DesktopReply) error {
	return c.call(ctx, http.MethodPost, "/desktop/reply", r, nil)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	body, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, body)
		return err
	}
	if err := json.NewDecoder(body).Decode(out); err != nil {
		return c.broken(ctx, err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://gatehouse"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	var f wireFault
	if err := json.NewDecoder(io.LimitReader(res.Body, maxRequest)).Decode(&f); err != nil || res.StatusCode != http.StatusUnprocessableEntity {
		return nil, fault.Newf(fault.Unavailable, "The running server does not know this command (%s). It is of another version: restart it.", res.Status)
	}
	out := &fault.Error{Kind: f.Kind, Say: f.Say, Code: f.Code, Fields: f.Fields}
	if f.Cause != "" {
		out.Cause = errors.New(f.Cause)
	}
	return nil, out
}

// broken tells "nobody there" from an answer that was cut off and from a caller who gave up.
func (c *Client) broken(ctx context.Context, err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && ctx.Err() == nil {
		if denied(err) {
			return fault.Wrap(fault.Denied, fmt.Sprintf("You may not steer the server of the folder %s. Do it as the user that runs it, or as root.", c.data), err)
		}
		return &Nobody{Data: c.data, Cause: err}
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, "The server took too long to answer. Look into its log, then try again.", err)
	}
	return fault.Wrap(fault.Unavailable, "The server ended before it answered. Look into its log, then try again.", err)
}

// denied says whether the rights on the socket or its folder kept us out.
func denied(err error) bool { return errors.Is(err, fs.ErrPermission) }
