package user

import (
	"context"
	"slices"
	"time"

	"gatehouse/backend/db"
)

// Members gives users by key as the pages of other objects show them; those that are gone are left out.
func (d *Directory) Members(ctx context.Context, pks []int64) (map[int64]*Member, error) {
	out := map[int64]*Member{}
	for chunk := range slices.Chunk(pks, 500) {
		if err := d.members(ctx, chunk, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *Directory) members(ctx context.Context, pks []int64, into map[int64]*Member) error {
	args := make([]any, len(pks))
	for i, pk := range pks {
		args[i] = pk
	}
	rows, err := d.Store.DB().Query(ctx, `SELECT pk, username, name, is_active, last_login, email, attributes FROM users WHERE pk IN (`+db.Marks(len(args))+`)`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m Member
		var attrs string
		var last *int64
		if err := rows.Scan(&m.PK, &m.Username, &m.Name, &m.IsActive, &last, &m.Email, &attrs); err != nil {
			return err
		}
		if last != nil {
			t := time.UnixMicro(*last).UTC()
			m.LastLogin = &t
		}
		if m.Attributes, err = object(attrs); err != nil {
			return err
		}
		m.UID = d.UID(m.PK)
		into[m.PK] = &m
	}
	return rows.Err()
}

// GroupsShown gives groups by key as the pages of other objects show them; those that are gone are left out.
func (d *Directory) GroupsShown(ctx context.Context, pks []string) (map[string]*InGroup, error) {
	out := map[string]*InGroup{}
	for chunk := range slices.Chunk(pks, 500) {
		into := map[string]any{}
		for _, pk := range chunk {
			into[pk] = nil
		}
		if err := ShowGroups(ctx, d, into); err != nil {
			return nil, err
		}
		for pk, g := range into {
			if g, ok := g.(*Group); ok {
				out[pk] = &InGroup{PK: g.PK, NumPK: g.NumPK, Name: g.Name, IsSuperuser: g.IsSuperuser, Parent: g.Parent, ParentName: g.ParentName, Attributes: g.Attributes}
			}
		}
	}
	return out, nil
}
