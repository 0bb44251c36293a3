package app

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// autostartElsewhere takes a key of the test in the place of the user's and gives a function that reads what was written there.
func autostartElsewhere(t *testing.T) (written func() string) {
	t.Helper()
	user := runKey
	runKey = fmt.Sprintf(`Software\Gatehouse test %d`, os.Getpid())
	t.Cleanup(func() {
		if err := registry.DeleteKey(registry.CURRENT_USER, runKey); err != nil {
			t.Error(err)
		}
		runKey = user
	})
	return func() string {
		t.Helper()
		k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		text, _, err := k.GetStringValue(runEntry)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}
