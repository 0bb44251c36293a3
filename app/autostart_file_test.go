//go:build !windows

package app

func autostartFileForTest() (string, error) { return autostartFile() }
