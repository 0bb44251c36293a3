package app

import (
	"os"
	"path/filepath"
)

func autostartFile() (string, error) {
	dir, err := os.UserConfigDir() // XDG_CONFIG_HOME or ~/.config
	return filepath.Join(dir, "autostart", "gatehouse.desktop"), err
}

func autostartWrite(exe string, args []string) error {
	path, err := autostartFile()
	if err != nil {
		return err
	}
	return writeAutostartFile(path, desktopEntry(exe, args))
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
