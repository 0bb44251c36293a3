package crypt

import (
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// open lets others of this computer read a file.
func open(t *testing.T, path string) {
	t.Helper()
	if err := setRights(path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)"); err != nil {
		t.Fatal(err)
	}
}

// closed says whether only the owner may read a file: nothing is inherited, and no entry names everybody, all users or all who signed in.
func closed(t *testing.T, path string) bool {
	t.Helper()
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Fatal(err)
	}
	text := sd.String()
	for _, group := range []string{";WD)", ";BU)", ";AU)"} {
		if strings.Contains(text, group) {
			return false
		}
	}
	return strings.HasPrefix(text, "D:P")
}
