//go:build !headless

package main

import (
	"errors"
	"fmt"

	"gatehouse/app"

	"github.com/spf13/cobra"
)

// hasWindow says whether this build can open one.
func hasWindow() bool { return app.Available() }

// window opens the window, or serves where there is none.
func (c *cli) window(cmd *cobra.Command) error {
	if why := app.Unusable(); why != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), why+" Serving without it; stop with Ctrl-C.")
		return c.runServer(cmd.Context(), "serve", cmd.ErrOrStderr())
	}
	cfg, err := c.settings()
	if err != nil && !app.Bindings {
		return err
	}
	hidden, err := cmd.Flags().GetBool("hidden")
	if err != nil {
		return err
	}
	err = app.Run(cmd.Context(), app.Options{Config: cfg, Flags: c.given, Version: version, Hidden: hidden})
	if errors.Is(err, app.ErrShown) {
		fmt.Fprintln(cmd.ErrOrStderr(), "Gatehouse's window is open already; it was brought to the front.")
		return nil
	}
	return err
}
