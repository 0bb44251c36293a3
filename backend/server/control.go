package server

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"gatehouse/backend/backup"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// Status implements control.Backend.
func (s *Server) Status(ctx context.Context) (control.Status, error) {
	s.mu.Lock()
	out := s.status
	s.mu.Unlock()
	serving := out.Version != ""
	if !serving {
		out = control.Status{Version: s.o.Version, Started: s.started, Data: s.o.Config.Data}
	}
	open, err := s.rooms.office.Open(ctx)
	out.Setup = !open
	if open && serving {
		out.URL = s.rooms.office.URL(ctx)
	}
	return out, err
}

// Ticket implements control.Backend.
func (s *Server) Ticket(context.Context) (control.Ticket, error) {
	s.mu.Lock()
	base := s.status.Local
	s.mu.Unlock()
	if base == "" {
		return control.Ticket{}, fault.New(fault.Unavailable, "The server does not answer yet.")
	}
	return control.Ticket{URL: base + "/-/desktop/enter?t=" + url.QueryEscape(s.desk().Ticket())}, nil
}

// CreateAdmin implements control.Backend. On a house that is not set up it counts as the setup.
func (s *Server) CreateAdmin(ctx context.Context, in control.AdminRequest) (control.AdminResult, error) {
	r := s.rooms
	hash := ""
	if in.Password != "" {
		var err error
		if hash, err = r.users.HashNew(ctx, in.Password); err != nil {
			return control.AdminResult{}, err
		}
	}
	u, err := r.office.CreateAdmin(ctx, in.Username, in.Name, in.Email, hash)
	if err != nil {
		return control.AdminResult{}, err
	}
	out := control.AdminResult{PK: u.PK, Username: u.Username}
	if hash == "" {
		return s.RecoveryLink(ctx, u.Username, 24*time.Hour)
	}
	return out, nil
}

// ResetPassword implements control.Backend.
func (s *Server) ResetPassword(ctx context.Context, username, password string) (control.AdminResult, error) {
	r := s.rooms
	u, err := r.find(ctx, username)
	if err != nil {
		return control.AdminResult{}, err
	}
	hash, err := r.users.HashNew(ctx, password)
	if err != nil {
		return control.AdminResult{}, err
	}
	err = r.store.Write(ctx, store.House, func(tx *store.Tx) error { return r.users.SetHash(tx, u, hash) })
	return control.AdminResult{PK: u.PK, Username: u.Username}, err
}

func (r *rooms) find(ctx context.Context, username string) (*user.User, error) {
	u, err := r.users.ByUsername(ctx, username)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Newf(fault.NotFound, "There is no user called %s.", username)
	}
	return u, err
}

// RecoveryLink implements control.Backend.
func (s *Server) RecoveryLink(ctx context.Context, username string, valid time.Duration) (control.AdminResult, error) {
	r := s.rooms
	u, err := r.find(ctx, username)
	if err != nil {
		return control.AdminResult{}, err
	}
	out := control.AdminResult{PK: u.PK, Username: u.Username}
	err = r.store.Write(ctx, store.House, func(tx *store.Tx) error {
		at := tx.Now.Add(valid)
		t := &token.Token{Identifier: fmt.Sprintf("ak-recovery-%s-%d", token.Slug(u.Username), tx.Now.UnixMicro()), Intent: token.Recovery, User: u.PK, Expires: &at, Description: "Recovery link made on the command line"}
		if err := r.tokens.Make(tx, t); err != nil {
			return err
		}
		out.Link = "/recovery/use-token/" + t.Key + "/"
		return user.ForgetAttempts(tx, u.Username)
	})
	if base := r.office.URL(ctx); err == nil && base != "" {
		out.Link = base + out.Link
	}
	return out, err
}

// Backup implements control.Backend.
func (s *Server) Backup(ctx context.Context, path, passphrase string) error {
	_, err := backup.CreateFile(ctx, path, passphrase, s.source())
	if err != nil {
		return err
	}
	return s.backupTaken(ctx, store.House, path)
}

func (s *Server) source() backup.Source {
	return backup.Source{
		DB: s.db, KeyFile: s.rooms.office.Config.Data + "/" + backup.KeyFile, UploadDir: s.rooms.media.Dir, Version: s.o.Version, InstallID: s.rooms.users.InstallID,
	}
}

// Stop implements control.Backend.
func (s *Server) Stop(context.Context) error {
	s.once.Do(func() { close(s.stop) })
	return nil
}

// Desktop implements control.Backend.
func (s *Server) Desktop(ctx context.Context) (<-chan control.DesktopEvent, error) {
	in, stop := s.desk().Listen()
	out := make(chan control.DesktopEvent)
	go func() {
		defer close(out)
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-in:
				select {
				case out <- control.DesktopEvent(e):
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

// Reply implements control.Backend.
func (s *Server) Reply(_ context.Context, r control.DesktopReply) error {
	s.desk().Reply(r.ID, r.On)
	return nil
}
