package safeyaml

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// FileError is err of a file without the name of a system call.
func FileError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// ReadFile reads a file of at most MaxBytes, or stdin where path is "-".
func ReadFile(path string, stdin io.Reader) ([]byte, error) {
	r := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, FileError(path, err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%s: over %d bytes", path, MaxBytes)
	}
	return data, nil
}
