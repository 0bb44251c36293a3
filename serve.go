package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"gatehouse/backend/config"
	"gatehouse/backend/control"
	"gatehouse/backend/fault"
	"gatehouse/backend/logs"
	"gatehouse/backend/server"
	"gatehouse/backend/store"

	"github.com/spf13/cobra"
)

// stopTime is how long a clean end may take before the process ends anyway; the database stands it.
const stopTime = 20 * time.Second

func (c *cli) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server without a window", Args: cobra.NoArgs,
		Long: "Run the server until it is told to stop (Ctrl-C or SIGTERM).\n\nSettings come from flags, then GATEHOUSE_ variables, then the file named by --config. The variables are:\n\n" +
			config.Variables() + "\nA value env://NAME?default or file://PATH?default is read from there.",
		Example: "  gatehouse serve --data /srv/gatehouse --https :443\n  GATEHOUSE_BOOTSTRAP_PASSWORD=file:///run/secrets/admin gatehouse serve",
		RunE: func(cmd *cobra.Command, _ []string) error {
			mode := "serve"
			if w, _ := cmd.Flags().GetBool("window"); w {
				mode = "window"
			}
			return c.runServer(cmd.Context(), mode, cmd.ErrOrStderr())
		},
	}
	settingsFlags(cmd.Flags())
	cmd.Flags().Bool("window", false, "started by the window")
	_ = cmd.Flags().MarkHidden("window") // fails only for a flag that isn't there
	return cmd
}

// runServer serves until ctx ends or the control socket says so.
func (c *cli) runServer(ctx context.Context, mode string, stderr io.Writer) error {
	cfg, err := c.settings()
	if err != nil {
		return err
	}
	log, closeLog := openLog(cfg, stderr)
	defer closeLog.Close()
	files, err := assets()
	if err != nil {
		return err
	}
	s, err := server.Open(ctx, server.Options{Config: cfg, Version: version, Assets: files, Log: log, Mode: mode})
	if err != nil {
		return err
	}
	for _, n := range cfg.Notes {
		log.Warn(n, "logger", "gatehouse.config")
	}
	defer context.AfterFunc(ctx, func() {
		// Something hangs: SQLite is safe at any moment, an admin who waits for ever is not.
		time.AfterFunc(stopTime, func() { os.Exit(exitError) })
	})()
	server.Tune()
	return errors.Join(s.Serve(ctx), s.Close())
}

// openLog makes the logger of a server. Nothing is written before the first line, so that a second process leaves no trace in the
// first one's file.
func openLog(cfg config.Config, stderr io.Writer) (*slog.Logger, io.Closer) {
	o := logs.Options{Level: cfg.Log.Level, File: cfg.Log.File, RequestID: func(ctx context.Context) string { return store.ActorOf(ctx).HTTP.RequestID }}
	if cfg.Log.Terminal {
		o.Terminal = stderr
	}
	return logs.New(o)
}

// withHouse does something with the house: through the server that runs, else by opening the data folder itself.
func (c *cli) withHouse(ctx context.Context, stderr io.Writer, do func(ctx context.Context, b control.Backend) error) error {
	cfg, err := c.settings()
	if err != nil {
		return err
	}
	client, err := control.Dial(cfg.Data)
	if err == nil {
		defer client.Close()
		return do(ctx, client)
	}
	if !errors.Is(err, control.ErrNobody) {
		return err
	}
	cfg.Log.File = ""
	log, _ := logs.New(logs.Options{Level: max(cfg.Log.Level, slog.LevelWarn), Terminal: stderr})
	files, err := assets()
	if err != nil {
		return err
	}
	s, err := server.Open(ctx, server.Options{Config: cfg, Version: version, Assets: files, Log: log, Mode: "offline"})
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, s), s.Close())
}

func (c *cli) healthcheck() *cobra.Command {
	cmd := &cobra.Command{
		Use: "healthcheck", Short: "Ask the running server whether it is ready", Args: cobra.NoArgs,
		Long:    "Ask the running server whether it is ready. Exit code 0: ready, 1: not ready, 6: nobody answers.",
		Example: "  gatehouse healthcheck",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.settings()
			if err != nil {
				return err
			}
			return health(cmd.Context(), cfg, cmd.OutOrStdout())
		},
	}
	settingsFlags(cmd.Flags())
	return cmd
}

// health asks the plain listener, as a supervisor of containers would.
func health(ctx context.Context, cfg config.Config, out io.Writer) error {
	host, port, err := net.SplitHostPort(cfg.HTTP)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/-/health/ready/", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("Nobody answers at %s. Start the server, or name its address with --http.", req.URL.Host), errors.Join(control.ErrNobody, err))
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fault.Newf(fault.Unavailable, "The server answers but is not ready (%s). Look into its log.", res.Status)
	}
	_, err = fmt.Fprintln(out, "ready")
	return err
}
