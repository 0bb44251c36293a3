// Package main is the program gatehouse: one word on the command line is one job, none opens the window.
//
//	gatehouse ─▶ window (app) ─ or, without a display ─▶ serve (backend/server)
//	gatehouse admin, backup, blueprint … ─▶ control socket of a running server ─ or, when nobody answers ─▶ the data folder itself
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/lock"
	"gatehouse/backend/server"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = "dev"

//go:embed all:frontend/dist
var dist embed.FS

// The exit codes; scripts rely on them.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	exitConflict    = 5 // or a value that can't be accepted
	exitUnreachable = 6 // no server answers
	exitLocked      = 7 // another process holds the data folder
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run does one command line and gives its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	if !c.ran {
		code = exitUsage // the command line itself was refused
		if strings.HasPrefix(err.Error(), "accepts ") {
			err = fault.Newf(fault.Invalid, "This command is written so: %s", cmd.UseLine()) // cobra counts arguments instead
		}
	}
	fmt.Fprintln(stderr, say(err))
	if code == exitUsage {
		fmt.Fprintln(stderr, "Run with --help to see what there is.")
	}
	return code
}

// exitCode finds the code of an error.
func exitCode(err error) int {
	var held *lock.Held
	switch {
	case errors.As(err, &held):
		return exitLocked
	case errors.Is(err, control.ErrNobody):
		return exitUnreachable
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return exitError
	}
	switch f.Kind {
	case fault.NotFound:
		return exitNotFound
	case fault.Denied, fault.Unauthenticated:
		return exitDenied
	case fault.Conflict, fault.Invalid:
		return exitConflict
	}
	return exitError
}

// say gives an error as sentences: what a fault says, then its cause for who keeps the machine.
func say(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	var lines []string
	if f.Say != "" {
		lines = append(lines, f.Say)
	}
	for name, texts := range f.Fields {
		for _, t := range texts {
			if name == fault.NonField {
				lines = append(lines, t)
			} else {
				lines = append(lines, name+": "+t)
			}
		}
	}
	if f.Cause != nil && f.Kind != fault.NotFound {
		lines = append(lines, "Details: "+f.Cause.Error())
	}
	return strings.Join(lines, "\n")
}

// cli holds what the commands share.
type cli struct {
	ran   bool              // a command began: what comes now is no mistake in the command line
	given map[string]string // flags of settings by key, as they were given
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "Gatehouse, the identity server of a small office",
		Long: "Gatehouse lets the people of an office sign in to their applications with one account.\n\n" +
			"Without a command it opens the window; where there is no display it serves and tells where.",
		Example: "  gatehouse\n  gatehouse serve --data /srv/gatehouse\n  gatehouse admin create ada --email ada@example.com\n  gatehouse backup /mnt/usb/gatehouse.age",
		Args:    cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil {
				return err
			}
			c.ran = true
			c.given = given(cmd.Flags())
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return c.window(cmd) },
	}
	root.SetFlagErrorFunc(flagFault)
	settingsFlags(root.PersistentFlags(), "config", "data")
	settingsFlags(root.Flags())
	root.Flags().Bool("hidden", false, "start without showing the window")
	root.AddCommand(c.serve(), c.admin(), c.backup(), c.restore(), c.config(), c.healthcheck(), c.schema(), c.version(), c.recoveryKey(), c.changePassword(), c.blueprint())
	for _, sub := range root.Commands() {
		sub.DisableFlagsInUseLine = true
	}
	return root
}

// setting marks flags of settings: a command may have a flag of its own by the same name (admin create --name).
const setting = "setting"

// settingsFlags adds the flags of the named settings; none named: all but config and data, which every command has.
func settingsFlags(set *pflag.FlagSet, keys ...string) {
	for _, f := range config.Flags() {
		everywhere := f.Key == "config" || f.Key == "data"
		if len(keys) == 0 && everywhere || len(keys) > 0 && !everywhere {
			continue
		}
		help := f.Help
		if f.Default != "" {
			help += " (default " + f.Default + ")"
		}
		set.String(f.Name, "", help)
		set.Lookup(f.Name).Annotations = map[string][]string{setting: {f.Key}}
	}
}

// given collects the settings flags that are on the command line.
func given(set *pflag.FlagSet) map[string]string {
	out := map[string]string{}
	for _, f := range config.Flags() {
		if p := set.Lookup(f.Name); p != nil && p.Changed && len(p.Annotations[setting]) > 0 {
			out[f.Key] = p.Value.String()
		}
	}
	return out
}

// settings loads the start-up settings; every fault is told at once.
func (c *cli) settings() (config.Config, error) {
	cfg, err := config.Load(c.given, os.Environ(), os.ReadFile)
	if err != nil {
		lines := strings.Split(err.Error(), "\n")
		return cfg, fault.New(fault.Invalid, "The start-up settings can't be accepted:\n  "+strings.Join(lines, "\n  "))
	}
	return cfg, nil
}

// flagFault adds "did you mean" to an unknown flag.
func flagFault(cmd *cobra.Command, err error) error {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return err
	}
	var known []string
	collect := func(f *pflag.Flag) { known = append(known, f.Name) }
	cmd.Flags().VisitAll(collect)
	cmd.InheritedFlags().VisitAll(collect)
	if near := config.Nearest(name, known); near != "" {
		return fault.Newf(fault.Invalid, "There is no flag --%s. Did you mean --%s?", name, near)
	}
	return fault.Newf(fault.Invalid, "There is no flag --%s.", name)
}

// assets are the built pages of the admin window and the portal.
func assets() (fs.FS, error) { return fs.Sub(dist, "frontend/dist") }

func (c *cli) version() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Example: "  gatehouse version\n  gatehouse version --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "window": hasWindow()})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "gatehouse", version)
			return err
		},
	}
	cmd.Flags().Bool("json", false, "print it as JSON")
	return cmd
}

func (c *cli) schema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the OpenAPI description of the API as JSON", Args: cobra.NoArgs,
		Example: "  gatehouse schema > schema.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := server.Schema()
			if err == nil {
				_, err = cmd.OutOrStdout().Write(append(b, '\n'))
			}
			return err
		},
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
