package scim

import (
	"net/mail"
	"slices"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source/scim/wire"
	"gatehouse/backend/store"
	"gatehouse/backend/user"

	escim "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"
)

// newPeople is the shelf of people.
func newPeople(r *Room) *shelf {
	t := &shelf{
		room: r, endpoint: "Users", name: "User", schema: schema.CoreUserSchema(), exts: []escim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}},
		table: "scim_users", from: `scim_users l JOIN users u ON u.pk = l."user"`, key: `l."user"`, id: "u.uuid", field: `"user"`,
		columns: `u.pk, u.uuid, u.username, u.name, u.email, u.is_active, u.date_joined`, refName: "groups",
		refs: `SELECT m."user", g.pk, g.name, g.num_pk FROM memberships m JOIN usergroups g ON g.pk = m."group"
			WHERE m."group" IN (SELECT "group" FROM scim_groups WHERE source = ?) AND m."user"`,
		terms: personTerm, kind: func() *kind.Kind { return store.KindOf[user.User](r.Store) },
		orders: map[string]string{"userName": "lower(u.username)", "id": "u.uuid", "meta.created": "u.date_joined", "meta.lastModified": "l.modified"},
	}
	t.shape = wire.NewShape(t.schema, "userName", t.exts[0].Schema)
	t.create, t.update = t.createPerson, t.updatePerson
	return t
}

func personTerm(t wire.Target, e *filter.AttributeExpression) (cond string, args []any, exact bool) {
	text, isText := e.CompareValue.(string)
	switch {
	case t.Name == "userName" && isText && e.Operator == filter.EQ && ascii(text):
		return "lower(u.username) = lower(?)", []any{text}, true
	case t.Name == "active" && (e.Operator == filter.EQ || e.Operator == filter.NE):
		yes := e.CompareValue == true || isText && strings.EqualFold(text, "true")
		if e.CompareValue == nil {
			return "", nil, false
		}
		return "u.is_active = ?", []any{yes == (e.Operator == filter.EQ)}, true
	case t.Name == "groups" && (t.Part == "" || t.Part == "value") && isText && e.Operator == filter.EQ:
		return `l."user" IN (SELECT m."user" FROM memberships m JOIN scim_groups x ON x."group" = m."group" WHERE x.source = l.source AND m."group" = ?)`, []any{text}, true
	}
	return common(t, e, "u.uuid")
}

// local is what the house makes of what was sent about a person. What nothing was said of is nil.
type local struct {
	username    string
	name, email *string
	active      *bool
	facts       map[string]any // attributes of the person
}

// facts are the attributes of a person by where SCIM has them. No client can name another one.
var facts = []struct {
	at   []string
	name string
}{
	{[]string{"name", "givenName"}, "givenName"}, {[]string{"name", "familyName"}, "sn"}, {[]string{"title"}, "title"}, {[]string{"userType"}, "userType"},
	{[]string{"nickName"}, "nickName"}, {[]string{"preferredLanguage"}, "preferredLanguage"}, {[]string{"locale"}, "locale"}, {[]string{"timezone"}, "timezone"},
	{[]string{wire.Enterprise, "employeeNumber"}, "employeeNumber"}, {[]string{wire.Enterprise, "costCenter"}, "costCenter"}, {[]string{wire.Enterprise, "organization"}, "organization"},
	{[]string{wire.Enterprise, "division"}, "division"}, {[]string{wire.Enterprise, "department"}, "department"}, {[]string{wire.Enterprise, "manager", "value"}, "manager"},
}

// mapped reads what was sent (protocols.md 4.3).
func mapped(sent map[string]any) local {
	out := local{username: wire.Text(sent, "userName"), facts: map[string]any{}}
	for _, at := range [][]string{{"name", "formatted"}, {"displayName"}} {
		if text := strings.TrimSpace(wire.Text(sent, at...)); text != "" {
			out.name = &text
			break
		}
	}
	if out.name == nil {
		if text := strings.TrimSpace(wire.Text(sent, "name", "givenName") + " " + wire.Text(sent, "name", "familyName")); text != "" {
			out.name = &text
		}
	}
	if _, said := sent["emails"]; said {
		text := chosen(wire.List(sent, "emails"))
		out.email = &text
	}
	if b, ok := sent["active"].(bool); ok {
		out.active = &b
	}
	for _, f := range facts {
		if text := wire.Text(sent, f.at...); text != "" {
			out.facts[f.name] = text
		}
	}
	phones := wire.List(sent, "phoneNumbers")
	for name, typ := range map[string]string{"telephoneNumber": "work", "mobile": "mobile"} {
		for _, p := range phones {
			if text := wire.Text(p, "value"); text != "" && strings.EqualFold(wire.Text(p, "type"), typ) {
				out.facts[name] = text
				break
			}
		}
	}
	return out
}

// chosen gives the address of a list that counts: the primary one, else the first.
func chosen(list []map[string]any) string {
	if at := slices.IndexFunc(list, func(m map[string]any) bool { return m["primary"] == true }); at >= 0 {
		return strings.TrimSpace(wire.Text(list[at], "value"))
	}
	if len(list) == 0 {
		return ""
	}
	return strings.TrimSpace(wire.Text(list[0], "value"))
}

// The longest texts that a person may have.
const (
	longestUsername = 150
	longestName     = 1_000
	longestEmail    = 254
)

func (l local) check() error {
	switch {
	case strings.TrimSpace(l.username) == "":
		return wire.Bad(wire.InvalidValue, "userName is missing.")
	case len([]rune(l.username)) > longestUsername:
		return wire.Bad(wire.InvalidValue, "userName may have %d characters at most.", longestUsername)
	case l.name != nil && len([]rune(*l.name)) > longestName:
		return wire.Bad(wire.InvalidValue, "The name of a person may have %d characters at most.", longestName)
	}
	if l.email != nil && *l.email != "" {
		if a, err := mail.ParseAddress(*l.email); err != nil || a.Address != *l.email || len(*l.email) > longestEmail {
			return wire.Bad(wire.InvalidValue, "emails: %q is no e-mail address.", *l.email)
		}
	}
	return nil
}

// showPerson puts over what was sent what an admin changed since, so that a client sees the person as they are.
func showPerson(out map[string]any, i *item) {
	m := mapped(out)
	out["userName"], out["active"] = i.username, i.active
	if m.name == nil && i.name != i.username || m.name != nil && *m.name != i.name {
		if wire.Text(out, "name", "formatted") != "" {
			name, _ := out["name"].(map[string]any)
			name["formatted"] = i.name
		} else if i.name != "" {
			out["displayName"] = i.name
		}
	}
	if now := i.email; m.email == nil && now != "" || m.email != nil && *m.email != now {
		if m.email == nil || *m.email == "" {
			out["emails"] = []any{map[string]any{"value": now, "type": "work", "primary": true}}
			return
		}
		list, _ := out["emails"].([]any)
		kept := []any{}
		for _, v := range list {
			one, ok := v.(map[string]any)
			if ok && strings.TrimSpace(wire.Text(one, "value")) == *m.email {
				if one["value"] = now; now == "" {
					continue
				}
			}
			kept = append(kept, v)
		}
		if out["emails"] = kept; len(kept) == 0 {
			delete(out, "emails")
		}
	}
}

// rename makes the whole name follow when a patch changes a part of it alone, as Entra ID and Okta do.
func rename(before, after map[string]any) {
	name, ok := after["name"].(map[string]any)
	if !ok || wire.Text(before, "name", "formatted") == "" || wire.Text(before, "name", "formatted") != wire.Text(name, "formatted") {
		return
	}
	given, family := wire.Text(name, "givenName"), wire.Text(name, "familyName")
	if given == wire.Text(before, "name", "givenName") && family == wire.Text(before, "name", "familyName") {
		return
	}
	if whole := strings.TrimSpace(given + " " + family); whole != "" {
		name["formatted"] = whole
	}
}

func (t *shelf) createPerson(tx *store.Tx, a *asked, sent map[string]any) (*item, error) {
	m := mapped(sent)
	if err := m.check(); err != nil {
		return nil, err
	}
	external := wire.Text(sent, "externalId")
	if external != "" {
		if err := t.externalFree(tx, a, external); err != nil {
			return nil, err
		}
	}
	if err := t.usernameFree(tx, a, m.username, 0); err != nil {
		return nil, err
	}
	if _, err := bounded(sent); err != nil {
		return nil, err
	}
	u := t.kind().New().(*user.User)
	u.Username, u.Name, u.Path, u.Type, u.Attributes = m.username, m.username, strings.ReplaceAll(a.src.UserPathTemplate, "%(slug)s", a.src.Slug), user.Internal, map[string]any{}
	if m.name != nil {
		u.Name = *m.name
	}
	if m.email != nil {
		u.Email = *m.email
	}
	u.IsActive = m.active == nil || *m.active
	if err := t.manager(tx, a, m.facts); err != nil {
		return nil, err
	}
	for k, v := range m.facts {
		u.Attributes[k] = v
	}
	if err := tx.Create(u); err != nil {
		return nil, err
	}
	if external == "" {
		external = u.UUID
	}
	link, err := t.join(tx, a, u.PK, external, sent)
	if err != nil {
		return nil, err
	}
	if err := t.led(tx, a, u.Username, external, u.UUID); err != nil {
		return nil, err
	}
	return &item{
		t: t, pk: u.PK, id: u.UUID, username: u.Username, name: u.Name, email: u.Email, active: u.IsActive, link: link, external: external, sent: sent, created: tx.Now, modified: tx.Now,
	}, nil
}

// usernameFree refuses the sign-in name of somebody else, whatever its case. Nobody is taken over by their name.
func (t *shelf) usernameFree(tx *store.Tx, a *asked, username string, self int64) error {
	var mine, others int
	err := tx.QueryRow(`SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM scim_users l WHERE l."user" = u.pk AND l.source = ?)), count(*) FROM users u WHERE lower(u.username) = lower(?) AND u.pk <> ?`,
		a.src.PK, username, self).Scan(&mine, &others)
	switch {
	case err != nil:
		return err
	case mine > 0:
		return taken("There is a user %s in this source already.", username)
	case others > 0:
		return taken("The userName %s belongs to somebody who does not come from this source.", username)
	}
	return nil
}

// manager names the manager of a person by the sign-in name here, when that is somebody of the source.
func (t *shelf) manager(tx *store.Tx, a *asked, facts map[string]any) error {
	id, ok := facts["manager"].(string)
	if !ok {
		return nil
	}
	for _, cond := range []string{` AND u.uuid = ?`, ` AND l.external_id = ?`} {
		found, err := t.read(tx, a.src.PK, cond, id)
		if err != nil {
			return err
		}
		if len(found) == 1 {
			facts["manager"] = found[0].username
			return nil
		}
	}
	return nil
}

// led names a person as the manager of those who were sent with one of these names for their manager: before the person was here, or when
// they had another sign-in name. What an admin wrote stays.
func (t *shelf) led(tx *store.Tx, a *asked, username string, names ...string) error {
	rows, err := tx.Query(`SELECT l."user" FROM scim_users l WHERE l.source = ? AND json_extract(l.attributes, '$."`+wire.Enterprise+`".manager.value') IN (?, ?)`, a.src.PK, names[0], names[1])
	if err != nil {
		return err
	}
	defer rows.Close()
	var people []int64
	for rows.Next() {
		var pk int64
		if err := rows.Scan(&pk); err != nil {
			return err
		}
		people = append(people, pk)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, pk := range people {
		u, err := user.ByPKTx(tx, pk)
		if err != nil {
			return err
		}
		if now, _ := u.Attributes["manager"].(string); now == username || !slices.Contains(names, now) {
			continue
		}
		u.Attributes = wire.Clone(u.Attributes)
		u.Attributes["manager"] = username
		if err := tx.Update(u); err != nil {
			return err
		}
	}
	return nil
}

func (t *shelf) updatePerson(tx *store.Tx, a *asked, i *item, sent map[string]any) (*item, error) {
	delete(sent, "groups")
	m, was := mapped(sent), mapped(i.sent)
	if err := m.check(); err != nil {
		return nil, err
	}
	pk, _ := i.pk.(int64)
	u, err := user.ByPKTx(tx, pk)
	if err != nil {
		return nil, err
	}
	changed := u.Username != m.username
	if changed {
		if err := t.usernameFree(tx, a, m.username, pk); err != nil {
			return nil, err
		}
	}
	if changed || m.email != nil && u.Email != *m.email {
		super, err := user.SuperuserTx(tx, pk)
		if err != nil {
			return nil, err
		}
		if super { // a new address would be a way to their password
			return nil, fault.New(fault.Denied, "This person may do everything in Gatehouse: only an admin there can change their userName and e-mail address.")
		}
	}
	before := u.Username
	u.Username = m.username
	if m.name != nil && u.Name != *m.name {
		u.Name, changed = *m.name, true
	}
	if m.email != nil && u.Email != *m.email {
		u.Email, changed = *m.email, true
	}
	if m.active != nil && u.IsActive != *m.active {
		u.IsActive, changed = *m.active, true
	}
	if err := t.manager(tx, a, m.facts); err != nil {
		return nil, err
	}
	if err := t.manager(tx, a, was.facts); err != nil {
		return nil, err
	}
	attrs := wire.Clone(u.Attributes)
	if attrs == nil {
		attrs = map[string]any{}
	}
	for k, v := range was.facts { // what an admin wrote stays
		if m.facts[k] == nil && attrs[k] == v {
			delete(attrs, k)
		}
	}
	for k, v := range m.facts {
		attrs[k] = v
	}
	if !wire.Same(attrs, u.Attributes) {
		u.Attributes, changed = attrs, true
	}
	if changed {
		if err := tx.Update(u); err != nil {
			return nil, err
		}
	}
	if wire.Text(sent, "externalId") == "" && wire.Text(i.sent, "externalId") != "" {
		sent["externalId"] = i.sent["externalId"]
	}
	i.username, i.name, i.email, i.active = u.Username, u.Name, u.Email, u.IsActive
	if before != u.Username {
		if err := t.led(tx, a, u.Username, i.external, u.UUID, before); err != nil {
			return nil, err
		}
	}
	if wire.Same(sent, i.sent) {
		return i, nil
	}
	return i, t.keep(tx, a, i, sent)
}
