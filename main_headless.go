//go:build headless

package main

import "github.com/spf13/cobra"

// hasWindow: this build is gatehouse-server.
func hasWindow() bool { return false }

// window serves: this build has none.
func (c *cli) window(cmd *cobra.Command) error {
	return c.runServer(cmd.Context(), "serve", cmd.ErrOrStderr())
}
