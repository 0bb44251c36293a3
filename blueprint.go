package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/backend/blueprint"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/server"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"
)

func (c *cli) blueprint() *cobra.Command {
	cmd := &cobra.Command{
		Use: "blueprint", Short: "Check, apply or write files of objects", Args: cobra.NoArgs,
		Long: "Check, apply or write blueprints: files of objects to make. Works while the server runs and while it does not.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.blueprintRun(true), c.blueprintRun(false), c.blueprintExport(), c.blueprintSchema())
	return cmd
}

// blueprintRun is the command that applies a blueprint, or the one that only says what is wrong with it.
func (c *cli) blueprintRun(dry bool) *cobra.Command {
	var set []string
	cmd := &cobra.Command{Args: cobra.ExactArgs(1)}
	if dry {
		cmd.Use, cmd.Short = "validate FILE", "Say everything that is wrong with a blueprint, and what it would do"
		cmd.Long = "Say everything that is wrong with a blueprint, line by line, and what it would do. Nothing is stored. Exit code 0: it can be\napplied, 5: it can't. FILE is - for standard input."
		cmd.Example = "  gatehouse blueprint validate office.yaml\n  gatehouse blueprint validate office.yaml --set domain=example.com"
	} else {
		cmd.Use, cmd.Short = "apply FILE", "Apply a blueprint: all of it or nothing"
		cmd.Long = "Apply a blueprint: all of it or nothing. !Env reads the environment of this command. FILE is - for standard input."
		cmd.Example = "  gatehouse blueprint apply office.yaml\n  SECRET=… gatehouse blueprint apply office.yaml --set domain=example.com"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := readBlueprint(cmd, args[0], set)
		if err != nil {
			return err
		}
		r.Dry = dry
		return c.withHouse(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, b control.Backend) error {
			out, err := b.Blueprint(ctx, r)
			if err != nil {
				return err
			}
			return toldOf(cmd, args[0], r.Dry, out)
		})
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "a value of the context, as NAME=VALUE; may be given again")
	jsonFlag(cmd)
	return cmd
}

// readBlueprint reads a file with the variables that it asks for.
func readBlueprint(cmd *cobra.Command, file string, set []string) (control.BlueprintRequest, error) {
	r := control.BlueprintRequest{Name: filepath.Base(file), Context: map[string]any{}, Env: map[string]string{}}
	var in io.Reader = cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return r, fault.Newf(fault.NotFound, "%s isn't there. Check the name of the blueprint.", file)
		case err != nil:
			return r, fault.Wrap(fault.Denied, file+" can't be read. Check the rights on it.", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 9<<20))
	if err != nil {
		return r, err
	}
	r.Content = string(text)
	for _, name := range blueprint.Variables(text) {
		if v, ok := os.LookupEnv(name); ok {
			r.Env[name] = v
		}
	}
	for _, s := range set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return r, fault.Newf(fault.Invalid, "--set takes NAME=VALUE, not %q.", s)
		}
		var v any
		if yaml.Unmarshal([]byte(value), &v) != nil {
			v = value
		}
		r.Context[name] = v
	}
	return r, nil
}

// toldOf prints what a blueprint did, or everything that is wrong with it.
func toldOf(cmd *cobra.Command, file string, dry bool, out control.BlueprintResult) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		if err := printJSON(cmd.OutOrStdout(), out); err != nil {
			return err
		}
	}
	if n := len(out.Faults); n > 0 {
		var lines []string
		for _, f := range out.Faults {
			at := file
			if f.Line > 0 {
				at = fmt.Sprintf("%s:%d", file, f.Line)
			}
			lines = append(lines, at+": "+f.Text)
		}
		return fault.New(fault.Invalid, strings.Join(lines, "\n")+"\nNothing was changed.")
	}
	for _, n := range out.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), "Note:", n)
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return nil
	}
	how := "%s: %d made, %d changed, %d deleted, %d as they were.\n"
	if dry {
		how = "%s can be applied: it would make %d, change %d, delete %d and leave %d as they are.\n"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), how, file, out.Created, out.Updated, out.Deleted, out.Unchanged)
	return err
}

func (c *cli) blueprintExport() *cobra.Command {
	return &cobra.Command{
		Use: "export [FILE]", Short: "Write every object as a blueprint", Args: cobra.MaximumNArgs(1),
		Long: "Write every object as a blueprint, to a new file or to standard output. It holds secrets of applications in the clear:\n" +
			"keep it as you keep a password.",
		Example: "  gatehouse blueprint export office.yaml\n  gatehouse blueprint export | less",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withHouse(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, b control.Backend) error {
				out, err := b.Export(ctx)
				if err != nil {
					return err
				}
				if len(args) == 0 {
					_, err = io.WriteString(cmd.OutOrStdout(), out.Content)
				} else {
					err = writeNew(args[0], out.Content)
				}
				if err == nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "Note:", out.Note)
				}
				return err
			})
		},
	}
}

func (c *cli) blueprintSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of blueprints, for editors", Args: cobra.NoArgs,
		Example: "  gatehouse blueprint schema > blueprint.schema.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := server.BlueprintSchema()
			if err == nil {
				_, err = cmd.OutOrStdout().Write(append(b, '\n'))
			}
			return err
		},
	}
}

// writeNew writes a new file that only its owner may read.
func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fault.Newf(fault.Conflict, "%s is there already. Choose another name.", file)
	case err != nil:
		return fault.Wrap(fault.Denied, file+" can't be written. Check the rights on its folder.", err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
