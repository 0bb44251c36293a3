package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gatehouse/backend/control"
	"gatehouse/backend/fault"

	"github.com/spf13/cobra"
)

func (c *cli) admin() *cobra.Command {
	cmd := &cobra.Command{
		Use: "admin", Short: "Create an admin, reset a password, make a recovery link",
		Long: "Work on accounts from the command line, while the server runs and while it does not.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.adminCreate(), c.adminReset(), c.adminLink())
	return cmd
}

func (c *cli) adminCreate() *cobra.Command {
	var r control.AdminRequest
	var link, fromStdin bool
	cmd := &cobra.Command{
		Use: "create USERNAME", Short: "Create a user with all rights", Args: cobra.ExactArgs(1),
		Long: "Create a user with all rights. The password is asked for; --link makes a link instead, by which the person chooses one.",
		Example: "  gatehouse admin create ada --email ada@example.com --name \"Ada Lovelace\"\n" +
			"  gatehouse admin create ada --link\n  pass show gatehouse/ada | gatehouse admin create ada --password-stdin",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r.Username = args[0]
			if !link {
				if r.Password, err = newPassword(cmd, fromStdin); err != nil {
					return err
				}
			}
			return c.withHouse(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, b control.Backend) error {
				return result(cmd, "created")(b.CreateAdmin(ctx, r))
			})
		},
	}
	cmd.Flags().StringVar(&r.Email, "email", "", "e-mail address")
	cmd.Flags().StringVar(&r.Name, "name", "", "full name")
	cmd.Flags().BoolVar(&link, "link", false, "set no password; print a link that opens the account once")
	passwordFlags(cmd, &fromStdin)
	cmd.MarkFlagsMutuallyExclusive("link", "password-stdin")
	return cmd
}

func (c *cli) adminReset() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "reset-password USERNAME", Short: "Set a new password", Args: cobra.ExactArgs(1),
		Example: "  gatehouse admin reset-password ada\n  echo \"$NEW\" | gatehouse admin reset-password ada --password-stdin",
		RunE:    func(cmd *cobra.Command, args []string) error { return c.resetPassword(cmd, args[0], fromStdin) },
	}
	passwordFlags(cmd, &fromStdin)
	return cmd
}

func (c *cli) resetPassword(cmd *cobra.Command, username string, fromStdin bool) error {
	password, err := newPassword(cmd, fromStdin)
	if err != nil {
		return err
	}
	return c.withHouse(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, b control.Backend) error {
		return result(cmd, "has a new password")(b.ResetPassword(ctx, username, password))
	})
}

func (c *cli) adminLink() *cobra.Command {
	var valid time.Duration
	cmd := &cobra.Command{
		Use: "recovery-link USERNAME", Short: "Print a link that opens an account once", Args: cobra.ExactArgs(1),
		Example: "  gatehouse admin recovery-link ada\n  gatehouse admin recovery-link ada --valid 15m",
		RunE:    func(cmd *cobra.Command, args []string) error { return c.recoveryLink(cmd, args[0], valid) },
	}
	cmd.Flags().DurationVar(&valid, "valid", time.Hour, "how long the link works, as 15m or 24h")
	jsonFlag(cmd)
	return cmd
}

func (c *cli) recoveryLink(cmd *cobra.Command, username string, valid time.Duration) error {
	if valid <= 0 {
		return fault.New(fault.Invalid, "The link needs some time in which it works, as --valid 1h.")
	}
	return c.withHouse(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, b control.Backend) error {
		return result(cmd, "can use this link once")(b.RecoveryLink(ctx, username, valid))
	})
}

// recoveryKey is the published name of recovery-link; its time is in years.
func (c *cli) recoveryKey() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create_recovery_key [YEARS] USERNAME", Short: "Same as admin recovery-link", Hidden: true, Args: cobra.RangeArgs(1, 2),
		Example: "  gatehouse create_recovery_key 10 akadmin",
		RunE: func(cmd *cobra.Command, args []string) error {
			years := 1
			if len(args) == 2 {
				n, err := strconv.Atoi(args[0])
				if err != nil || n < 1 || n > 100 {
					return fault.Newf(fault.Invalid, "%q is no number of years from 1 to 100.", args[0])
				}
				years = n
			}
			return c.recoveryLink(cmd, args[len(args)-1], time.Duration(years)*365*24*time.Hour)
		},
	}
	jsonFlag(cmd)
	return cmd
}

// changePassword is the published name of reset-password.
func (c *cli) changePassword() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "changepassword USERNAME", Short: "Same as admin reset-password", Hidden: true, Args: cobra.ExactArgs(1),
		Example: "  gatehouse changepassword akadmin",
		RunE:    func(cmd *cobra.Command, args []string) error { return c.resetPassword(cmd, args[0], fromStdin) },
	}
	passwordFlags(cmd, &fromStdin)
	return cmd
}

func passwordFlags(cmd *cobra.Command, fromStdin *bool) {
	cmd.Flags().BoolVar(fromStdin, "password-stdin", false, "read the password from the first line of standard input")
	jsonFlag(cmd)
}

func jsonFlag(cmd *cobra.Command) { cmd.Flags().Bool("json", false, "print the result as JSON") }

// result prints what became of an account.
func result(cmd *cobra.Command, what string) func(control.AdminResult, error) error {
	return func(r control.AdminResult, err error) error {
		if err != nil {
			return err
		}
		if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (user %d): %s\n", r.Username, r.PK, what)
		if err == nil && r.Link != "" {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), r.Link)
		}
		return err
	}
}
