package scim

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/token"
)

// TaskName is the published name of the sync of one provider.
const TaskName = "scim_sync"

// SyncStatus is what is going on with a provider.
type SyncStatus struct {
	Running bool  `json:"is_running" is:"required,readonly"`
	Tasks   []any `json:"tasks" is:"required,readonly" schema:"SystemTask[]"`
}

// SchemaName implements kind.SchemaNamer.
func (SyncStatus) SchemaName() string { return "SCIMSyncStatus" }

func (r *Room) syncStatus(ctx context.Context, c *kind.Call, _ *kind.None) (SyncStatus, error) {
	p := c.Object.(*Provider)
	out := SyncStatus{Running: r.worker(p.PK).now().running, Tasks: []any{}}
	k := store.KindOf[task.Task](r.Store)
	found, err := store.All[task.Task](ctx, r.Store, store.Query{Where: `o.name = ? AND o.uid = ?`, Args: []any{TaskName, token.Slug(p.Name)}})
	if err != nil {
		return out, err
	}
	for _, t := range found {
		ok, err := r.May(ctx, store.ActorOf(ctx), k.Perm("view"), t.UUID)
		if err != nil {
			return out, err
		}
		if ok {
			out.Tasks = append(out.Tasks, t)
		}
	}
	return out, k.Present(ctx, out.Tasks, url.Values{})
}

// report is how a full sync went.
func (s *run) report(p *Provider, failed error) task.Run {
	out := task.Run{Name: TaskName, UID: token.Slug(p.Name), Description: "Keep the system of " + p.Name + " in step by SCIM.", Started: s.began, Status: task.Successful, Wrong: s.lines}
	out.Did = append(out.Did, fmt.Sprintf("Sent: %d", s.sent))
	if s.wrong > 0 {
		out.Status = task.Warning
		out.Did = append(out.Did, fmt.Sprintf("Could not be sent: %d", s.wrong))
	}
	if failed != nil {
		out.Status = task.Failed
		out.Wrong = append([]string{says(failed)}, out.Wrong...)
	}
	return out
}

// Again syncs the provider of a task anew.
func (r *Room) Again(ctx context.Context, uid string) error {
	all, err := store.All[Provider](ctx, r.Store, store.Query{})
	if err != nil {
		return err
	}
	for _, p := range all {
		if token.Slug(p.Name) == uid {
			return r.wish(ctx, p.PK, false)
		}
	}
	return fault.New(fault.NotFound, "There is no such provider any more.")
}

// wish has a provider synced as a whole.
func (r *Room) wish(ctx context.Context, pk int64, anew bool) error {
	if _, err := r.targets(ctx); err != nil {
		return err
	}
	return r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		tx.AfterCommit(func() { r.poke(pk) })
		res, err := tx.Exec(`UPDATE scim_targets SET wanted = wanted + 1, anew = max(anew, ?) WHERE provider = ?`, anew, pk)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err == nil && n == 0 {
			return errUnused
		}
		return err
	})
}

// errUnused is a provider that is asked to work and has nobody to work for.
var errUnused = fault.Whole("No application has this provider among its backchannel providers, so there is nothing that it would keep in step.")

func moment(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	t := time.UnixMicro(*us).UTC()
	return &t
}
