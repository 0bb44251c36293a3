package flow

import (
	"net/http"

	"gatehouse/backend/session"
)

// Browser is what the door does for pages of a protocol.
type Browser interface {
	// Cookie sets the cookie of a session that began.
	Cookie(w http.ResponseWriter, r *http.Request, s *session.Session, key string)
	// EndCookie takes the cookie away.
	EndCookie(w http.ResponseWriter, r *http.Request)
	// Problem shows a page that says what is wrong with a request, in the words of the table under key.
	Problem(w http.ResponseWriter, r *http.Request, status int, key, detail string)
	// Denied shows that a person may not use an application or go on with a source, by its name.
	Denied(w http.ResponseWriter, r *http.Request, name string, messages []string)
	// Outcome does what a flow's outcome says: cookies, and the page or address it leads to.
	Outcome(w http.ResponseWriter, r *http.Request, o Outcome, query string)
}
