package broker

import "golang.org/x/sys/windows"

// diskBytes is how much the disk of dir still takes from us, and its size.
func diskBytes(dir string) (free, size uint64, ok bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, false
	}
	err = windows.GetDiskFreeSpaceEx(path, &free, &size, nil)
	return free, size, err == nil
}
