package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gatehouse/backend/backup"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"

	"github.com/spf13/cobra"
)

func (c *cli) backup() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write database, key and uploads into one encrypted file", Args: cobra.ExactArgs(1),
		Long: "Write database, key and uploads into one new file, encrypted with a passphrase. Works while the server runs; then the server\n" +
			"writes the file. The passphrase is asked for or read from GATEHOUSE_BACKUP_PASSPHRASE. The file is in the age format.",
		Example: "  gatehouse backup /mnt/usb/gatehouse.age",
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			secret, err := passphrase(cmd, true)
			if err != nil {
				return err
			}
			err = c.withHouse(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, b control.Backend) error {
				return b.Backup(ctx, file, secret)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The backup is in %s. Keep the passphrase elsewhere: without it the file can't be read.\n", file)
			return err
		},
	}
}

func (c *cli) restore() *cobra.Command {
	last := false
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of the data",
		Long: "Put a backup in the place of what the data folder holds. Stop the server first. The file is proved before anything is\n" +
			"touched, and the data that was there is kept in a folder replaced-<time> inside the data folder.\n\n" +
			"With --last-copy and no FILE the copy that was made before the last upgrade takes the place of the database.",
		Example: "  gatehouse restore /mnt/usb/gatehouse.age\n  gatehouse restore --last-copy",
		Args: func(cmd *cobra.Command, args []string) error {
			if last {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.settings()
			if err != nil {
				return err
			}
			if last {
				return goBack(cmd, cfg.Data)
			}
			f, err := os.Open(args[0])
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return fault.Newf(fault.NotFound, "%s isn't there. Check the name of the backup.", args[0])
			case err != nil:
				return fault.Wrap(fault.Denied, fmt.Sprintf("%s can't be read. Check the rights on it.", args[0]), err)
			}
			defer f.Close()
			held, err := lock.Data(cfg.Data, version)
			if err != nil {
				return err
			}
			secret, err := passphrase(cmd, false)
			if err != nil {
				return errors.Join(err, held.Release())
			}
			m, err := backup.Restore(cmd.Context(), f, secret, backup.Target{DataDir: cfg.Data})
			if err = errors.Join(err, held.Release()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The backup of %s (version %s) is in place in %s. Start Gatehouse again.\n",
				m.Created.Local().Format("2 January 2006, 15:04"), m.Version, cfg.Data)
			return err
		},
	}
	cmd.Flags().BoolVar(&last, "last-copy", false, "go back to the copy made before the last upgrade")
	return cmd
}

// goBack puts the last copy in the place of the database.
func goBack(cmd *cobra.Command, data string) error {
	held, err := lock.Data(data, version)
	if err != nil {
		return err
	}
	from, err := backup.GoBack(cmd.Context(), backup.Target{DataDir: data})
	if err = errors.Join(err, held.Release()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "The copy %s is in place. What was there is kept in a folder replaced-<time> in %s. Start Gatehouse again.\n", from, data)
	return err
}

func (c *cli) config() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Show or check the start-up settings", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	dump := &cobra.Command{
		Use: "dump", Aliases: []string{"show"}, Short: "Print every setting and where it comes from; secrets are hidden", Args: cobra.NoArgs,
		Example: "  gatehouse config dump --config /etc/gatehouse.yml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings()
			if err != nil {
				return err
			}
			for _, n := range cfg.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "Note:", n)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), cfg.Dump())
			return err
		},
	}
	validate := &cobra.Command{
		Use: "validate", Short: "Check the settings and say everything that is wrong", Args: cobra.NoArgs,
		Long:    "Check the settings and say everything that is wrong. Exit code 0: they can be used, 5: they can't.",
		Example: "  gatehouse config validate --config /etc/gatehouse.yml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings()
			if err != nil {
				return err
			}
			for _, n := range cfg.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "Note:", n)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "The settings can be used.")
			return err
		},
	}
	settingsFlags(dump.Flags())
	settingsFlags(validate.Flags())
	cmd.AddCommand(dump, validate)
	return cmd
}
