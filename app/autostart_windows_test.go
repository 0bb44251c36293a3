package app

import "errors"

func autostartFileForTest() (string, error) {
	return "", errors.New("Windows keeps it in the registry")
}
