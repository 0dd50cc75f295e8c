//go:build unix

package broker

import (
	"errors"
	"os"
)

// syncFile writes a file or a folder to disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
