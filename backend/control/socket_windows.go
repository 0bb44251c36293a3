package control

import (
	"io/fs"
	"net"
)

// listen opens an AF_UNIX socket (Windows 10 1803 and later). Its rights are those of the data folder, which lies in the profile of
// its user or, for a service, below ProgramData with rights for administrators.
func listen(path, _ string) (net.Listener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	return l, nil
}

func openFolder(string, string, string) error { return nil }

// replaceable: Windows shows sockets as irregular files or as reparse points, by the version of Go and of Windows.
func replaceable(i fs.FileInfo) bool {
	return i.Mode()&(fs.ModeSocket|fs.ModeIrregular|fs.ModeSymlink) != 0 || i.Size() == 0 && !i.IsDir()
}
