package scim

import (
	"slices"
	"strings"

	"gatehouse/backend/db"
	"gatehouse/backend/kind"
	"gatehouse/backend/source/scim/wire"
	"gatehouse/backend/store"
	"gatehouse/backend/user"

	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"
)

// newTeams is the shelf of groups. Members are people of the same source; whom an admin put into the group is not the client's to see or to
// take out.
func newTeams(r *Room) *shelf {
	t := &shelf{
		room: r, endpoint: "Groups", name: "Group", schema: schema.CoreGroupSchema(),
		table: "scim_groups", from: `scim_groups l JOIN usergroups g ON g.pk = l."group"`, key: `l."group"`, id: "g.pk", field: `"group"`,
		columns: `g.pk, g.pk, '', g.name, '', 1, NULL`, refName: "members",
		refs: `SELECT m."group", u.uuid, CASE u.name WHEN '' THEN u.username ELSE u.name END, u.pk FROM memberships m JOIN users u ON u.pk = m."user"
			WHERE EXISTS (SELECT 1 FROM scim_users x WHERE x."user" = m."user" AND x.source = ?) AND m."group"`,
		terms: teamTerm, kind: func() *kind.Kind { return store.KindOf[user.Group](r.Store) },
		orders: map[string]string{"displayName": "lower(g.name)", "id": "g.pk", "meta.created": "l.created", "meta.lastModified": "l.modified"},
	}
	t.shape = wire.NewShape(t.schema, "displayName")
	t.create, t.update = t.createTeam, t.updateTeam
	return t
}

func teamTerm(t wire.Target, e *filter.AttributeExpression) (cond string, args []any, exact bool) {
	text, isText := e.CompareValue.(string)
	switch {
	case t.Name == "displayName" && isText && e.Operator == filter.EQ && ascii(text):
		return "lower(g.name) = lower(?)", []any{text}, true
	case t.Name == "members" && (t.Part == "" || t.Part == "value") && isText && e.Operator == filter.EQ:
		return `l."group" IN (SELECT m."group" FROM memberships m JOIN users u ON u.pk = m."user" JOIN scim_users x ON x."user" = u.pk WHERE x.source = l.source AND u.uuid = ?)`, []any{text}, true
	}
	return common(t, e, "g.pk")
}

// longestTeam is how long the name of a group may be.
const longestTeam = 80

func checkTeam(name string) error {
	if strings.TrimSpace(name) == "" {
		return wire.Bad(wire.InvalidValue, "displayName is missing.")
	}
	if len([]rune(name)) > longestTeam {
		return wire.Bad(wire.InvalidValue, "displayName may have %d characters at most.", longestTeam)
	}
	return nil
}

// nameFree refuses the name of another group: none is taken over by its name.
func (t *shelf) nameFree(tx *store.Tx, name, self string) error {
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM usergroups WHERE name = ? AND parent IS NULL AND pk <> ?`, name, self).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return taken("There is a group %s already.", name)
	}
	return nil
}

// members finds the people of a source whom a list names. Who is not in it is refused.
func (t *shelf) members(tx *store.Tx, a *asked, list []map[string]any) (map[string]int64, error) {
	var ids []string
	for _, m := range list {
		if strings.EqualFold(wire.Text(m, "type"), "Group") {
			return nil, wire.Bad(wire.InvalidValue, "Groups inside groups are not taken.")
		}
		id := wire.Text(m, "value")
		if id == "" {
			return nil, wire.Bad(wire.InvalidValue, "A member has no \"value\".")
		}
		ids = append(ids, id)
	}
	found := map[string]int64{}
	for chunk := range slices.Chunk(ids, 500) {
		if err := peopleOf(tx, a.src.PK, chunk, found); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			return nil, wire.Bad(wire.InvalidValue, "members: there is no user %s in this source.", id)
		}
	}
	return found, nil
}

// peopleOf adds the keys of a source's people by their SCIM ids.
func peopleOf(tx *store.Tx, src string, ids []string, into map[string]int64) error {
	cond, arg := db.In("u.uuid", ids)
	// In this order: else everybody of the source is looked at.
	rows, err := tx.Query(`SELECT u.uuid, u.pk FROM users u CROSS JOIN scim_users l ON l."user" = u.pk AND l.source = ? WHERE `+cond, src, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var pk int64
		if err := rows.Scan(&id, &pk); err != nil {
			return err
		}
		into[id] = pk
	}
	return rows.Err()
}

func (t *shelf) createTeam(tx *store.Tx, a *asked, sent map[string]any) (*item, error) {
	name := wire.Text(sent, "displayName")
	if err := checkTeam(name); err != nil {
		return nil, err
	}
	external := wire.Text(sent, "externalId")
	if external != "" {
		if err := t.externalFree(tx, a, external); err != nil {
			return nil, err
		}
	}
	if err := t.nameFree(tx, name, ""); err != nil {
		return nil, err
	}
	found, err := t.members(tx, a, wire.List(sent, "members"))
	if err != nil {
		return nil, err
	}
	delete(sent, "members")
	if _, err := bounded(sent); err != nil {
		return nil, err
	}
	g := t.kind().New().(*user.Group)
	g.Name, g.Users = name, []int64{}
	for _, pk := range found {
		g.Users = append(g.Users, pk)
	}
	slices.Sort(g.Users)
	if err := tx.Create(g); err != nil {
		return nil, err
	}
	if external == "" {
		external = g.PK
	}
	link, err := t.join(tx, a, g.PK, external, sent)
	if err != nil {
		return nil, err
	}
	i := &item{t: t, pk: g.PK, id: g.PK, name: g.Name, link: link, external: external, sent: sent, created: tx.Now, modified: tx.Now}
	return i, t.fill(tx, a, []*item{i})
}

func (t *shelf) updateTeam(tx *store.Tx, a *asked, i *item, sent map[string]any) (*item, error) {
	name := wire.Text(sent, "displayName")
	if err := checkTeam(name); err != nil {
		return nil, err
	}
	g, err := store.GetTx[user.Group](tx, i.id)
	if err != nil {
		return nil, err
	}
	if name != g.Name {
		if g.Parent == nil {
			if err := t.nameFree(tx, name, g.PK); err != nil {
				return nil, err
			}
		}
		g.Name = name
		if err := tx.Update(g); err != nil {
			return nil, err
		}
		i.name = name
	}
	touched := false
	if _, said := sent["members"]; said {
		if touched, err = t.setMembers(tx, a, i, g, wire.List(sent, "members")); err != nil {
			return nil, err
		}
	}
	delete(sent, "members")
	if wire.Text(sent, "externalId") == "" && wire.Text(i.sent, "externalId") != "" {
		sent["externalId"] = i.sent["externalId"]
	}
	if touched || !wire.Same(sent, i.sent) {
		if err := t.keep(tx, a, i, sent); err != nil {
			return nil, err
		}
	}
	if !touched {
		return i, nil
	}
	return i, t.fill(tx, a, []*item{i})
}

// setMembers makes the members of a group that are of the source exactly those of a list.
func (t *shelf) setMembers(tx *store.Tx, a *asked, i *item, g *user.Group, list []map[string]any) (bool, error) {
	have, want := map[string]bool{}, map[string]bool{}
	for _, v := range i.refs {
		if m, ok := v.(map[string]any); ok {
			have[wire.Text(m, "value")] = true
		}
	}
	var come, leave []map[string]any
	for _, m := range list {
		id := strings.ToLower(wire.Text(m, "value"))
		if want[id] {
			continue
		}
		want[id] = true
		if !have[id] {
			come = append(come, map[string]any{"value": id, "type": m["type"]})
		}
	}
	for id := range have {
		if !want[id] {
			leave = append(leave, map[string]any{"value": id})
		}
	}
	if len(come)+len(leave) == 0 {
		return false, nil
	}
	add, err := t.members(tx, a, come)
	if err != nil {
		return false, err
	}
	remove, err := t.members(tx, a, leave)
	if err != nil {
		return false, err
	}
	return true, user.ChangeMembers(tx, g, numbers(add), numbers(remove))
}

func numbers(m map[string]int64) (out []int64) {
	for _, pk := range m {
		out = append(out, pk)
	}
	slices.Sort(out)
	return out
}
