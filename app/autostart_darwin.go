package app

import (
	"os"
	"path/filepath"
)

func autostartFile() (string, error) {
	dir, err := os.UserHomeDir()
	return filepath.Join(dir, "Library", "LaunchAgents", agentLabel+".plist"), err
}

func autostartWrite(exe string, args []string) error {
	path, err := autostartFile()
	if err != nil {
		return err
	}
	return writeAutostartFile(path, launchAgent(exe, args))
}

func autostartRemove() error {
	path, err := autostartFile()
	if err != nil {
		return err
	}
	return removeAutostartFile(path)
}

// autostartOn says whether the window starts at login.
func autostartOn() bool {
	path, err := autostartFile()
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}
