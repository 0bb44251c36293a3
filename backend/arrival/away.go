package arrival

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"gatehouse/backend/session"
	"gatehouse/backend/store"
)

const (
	longestAway = 30 * time.Minute // from the source's own address until the browser is back
	mostAway    = 10               // sign-ins under way in one session
)

// Leave notes in the browser's session, which begins if there is none, that it is sent to a source. It comes back with state.
func (r *Room) Leave(w http.ResponseWriter, req *http.Request, state string, away session.Away) (*session.Session, error) {
	ctx := req.Context()
	in := session.Of(ctx)
	var key string
	began := in == nil
	away.Began = r.Store.Now()
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		if began {
			if in, key, err = r.Sessions.Start(tx, tx.Actor.HTTP); err != nil {
				return err
			}
		}
		next := map[string]session.Away{state: away}
		for k, a := range in.Data.Away {
			if len(next) < mostAway && tx.Now.Sub(a.Began) < longestAway {
				next[k] = a
			}
		}
		in.Data.Away = next
		return session.Save(tx, in)
	})
	if err != nil {
		return nil, err
	}
	if began {
		r.Browser.Cookie(w, req, in, key)
	}
	return in, nil
}

// Away gives the sign-in at a source that a state belongs to in this browser; nil when there is none, or it began too long ago.
func (r *Room) Away(ctx context.Context, source, state string) *session.Away {
	at := session.Of(ctx)
	if at == nil || state == "" {
		return nil
	}
	for key, a := range at.Data.Away {
		if subtle.ConstantTimeCompare([]byte(key), []byte(state)) == 1 && a.Source == source && r.Store.Now().Sub(a.Began) <= longestAway {
			return &a
		}
	}
	return nil
}

// Back forgets a state: it counts once. Whoever calls it stores what came of it in the same transaction.
func Back(tx *store.Tx, at *session.Session, state string) error {
	if _, ok := at.Data.Away[state]; !ok {
		return nil
	}
	delete(at.Data.Away, state)
	return session.Save(tx, at)
}
