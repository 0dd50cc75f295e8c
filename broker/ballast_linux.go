package broker

import (
	"os"

	"golang.org/x/sys/unix"
)

// allocate takes so many bytes of the disk for f, without writing them where the
// file system can do that.
func allocate(f *os.File, size int64) error {
	for {
		switch err := unix.Fallocate(int(f.Fd()), 0, 0, size); err {
		case unix.EINTR: // by a signal of the runtime's
		case unix.EOPNOTSUPP, unix.ENOSYS:
			return writeNoise(f, size)
		default:
			return err
		}
	}
}
