package user

import (
	"gatehouse/backend/store"
)

// Load implements store.Loader: the groups that somebody is a member of.
func (u *User) Load(tx *store.Tx) error {
	groups, err := groupsOf(tx, u.PK)
	u.Groups = append([]string{}, groups...)
	return err
}

// Load implements store.Loader: the members and the roles.
func (g *Group) Load(tx *store.Tx) error {
	g.Users, g.Roles = []int64{}, []string{}
	rows, err := tx.Query(`SELECT "user" FROM memberships WHERE "group" = ? ORDER BY "user"`, g.PK)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u int64
		if err := rows.Scan(&u); err != nil {
			return err
		}
		g.Users = append(g.Users, u)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	roles, err := tx.Query(`SELECT role FROM group_roles WHERE "group" = ? ORDER BY role`, g.PK)
	if err != nil {
		return err
	}
	defer roles.Close()
	for roles.Next() {
		var r string
		if err := roles.Scan(&r); err != nil {
			return err
		}
		g.Roles = append(g.Roles, r)
	}
	return roles.Err()
}
