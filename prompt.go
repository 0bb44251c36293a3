package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gatehouse/backend/fault"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// newPassword asks for a password twice, or reads one line.
func newPassword(cmd *cobra.Command, fromStdin bool) (string, error) {
	if fromStdin {
		return firstLine(cmd.InOrStdin())
	}
	return ask(cmd, "New password", true, "Use --password-stdin, or run this in a terminal.")
}

// passphrase gives the passphrase of a backup from its variable or from the terminal.
func passphrase(cmd *cobra.Command, twice bool) (string, error) {
	if p, ok := os.LookupEnv("GATEHOUSE_BACKUP_PASSPHRASE"); ok {
		return p, nil
	}
	return ask(cmd, "Passphrase of the backup", twice, "Set GATEHOUSE_BACKUP_PASSPHRASE, or run this in a terminal.")
}

// ask reads a secret from the terminal without showing it.
func ask(cmd *cobra.Command, what string, twice bool, otherwise string) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", fault.New(fault.Invalid, "There is no terminal to ask for the secret. "+otherwise)
	}
	read := func(prompt string) (string, error) {
		fmt.Fprint(cmd.ErrOrStderr(), prompt+": ")
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(b), err
	}
	first, err := read(what)
	if err != nil || !twice {
		return first, err
	}
	again, err := read("Once more")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", fault.New(fault.Invalid, "The two are not the same. Try again.")
	}
	return first, nil
}

// firstLine reads up to the end of the first line.
func firstLine(r io.Reader) (string, error) {
	s, err := bufio.NewReader(io.LimitReader(r, 1<<16)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if s = strings.TrimRight(s, "\r\n"); s == "" {
		return "", fault.New(fault.Invalid, "Standard input is empty. Give the password in its first line.")
	}
	return s, nil
}
