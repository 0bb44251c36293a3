package kinds

import (
	"context"

	"gatehouse/backend/event"
	"gatehouse/backend/kind"
	"gatehouse/backend/user"
)

// Notices are what people are told of events.
func Notices(r Rooms) []*kind.Kind {
	return r.Events.NoticeKinds(event.NoticeDeps{Host: r.Host, Try: r.TryTransport, Groups: groupsShown(r)})
}

// groupsShown gives groups by key as their own page shows them.
func groupsShown(r Rooms) func(ctx context.Context, pks []string) (map[string]any, error) {
	return func(ctx context.Context, pks []string) (map[string]any, error) {
		out := map[string]any{}
		for _, pk := range pks {
			out[pk] = nil
		}
		return out, user.ShowGroups(ctx, r.Users, out)
	}
}
