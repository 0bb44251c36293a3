package token

import "gatehouse/backend/store"

// DropLinks deletes the links of a user into a flow whose identifiers begin with prefix, which has letters, digits and dashes only.
func DropLinks(tx *store.Tx, user int64, flow, prefix string) error {
	_, err := tx.Exec(`DELETE FROM tokens WHERE "user" = ? AND flow = ? AND intent = ? AND identifier LIKE ?`, user, flow, Verification, prefix+"%")
	return err
}
