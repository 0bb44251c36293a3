package crypt

import (
	"errors"
	"fmt"

	"gatehouse/backend/fault"

	"golang.org/x/sys/windows"
)

// guard leaves a key file to the user that Gatehouse runs as, to the system and to administrators; nothing is inherited from its folder.
// The rights are set rather than looked at: below a folder of one's own choice Windows lets all users read by default.
func guard(path string) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err == nil {
		err = setRights(path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;"+user.User.Sid.String()+")")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The key file %s can't be closed to the other users of this computer. Put the data on a disk that knows rights (NTFS), then start again.", path), err)
	}
	return nil
}

// setRights replaces the rights of a file by those of a text in the security descriptor definition language.
func setRights(path, text string) error {
	sd, err := windows.SecurityDescriptorFromString(text)
	if err != nil {
		return err
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return err
	}
	if dacl == nil { // it would let everybody in
		return errors.New("no list of rights")
	}
	return windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
}

// syncDir: Windows has no such call.
func syncDir(string) error { return nil }
