package app

import (
	"errors"

	"golang.org/x/sys/windows/registry"
)

// runKey is a variable so that tests leave the user's alone.
var runKey = `Software\Microsoft\Windows\CurrentVersion\Run`

const runEntry = "Gatehouse"

func autostartWrite(exe string, args []string) error {
	k, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return err
	}
	return errors.Join(k.SetStringValue(runEntry, runValue(exe, args)), k.Close())
}

func autostartRemove() error {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = k.DeleteValue(runEntry); errors.Is(err, registry.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, k.Close())
}

// autostartOn says whether the window starts at login.
func autostartOn() bool {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	defer k.Close()
	_, _, err = k.GetStringValue(runEntry)
	return err == nil
}
