package safeyaml

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ReadRegular reads a regular file, or what a symbolic link leads to, of at most so many
// bytes.
func ReadRegular(path string, most int) ([]byte, error) {
	f, size, err := openRegular(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := copyMost(data, f, path, most); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// SumRegular is the SHA-256 of what [ReadRegular] reads, and how many bytes that is.
func SumRegular(path string, most int) (sum [sha256.Size]byte, size int, err error) {
	f, _, err := openRegular(path, most)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := copyMost(h, f, path, most)
	h.Sum(sum[:0])
	return sum, n, err
}

// openRegular opens a file without waiting for anybody: a FIFO, a device and a socket are
// refused, also one that takes a file's place while we look.
func openRegular(path string, most int) (f *os.File, size int64, err error) {
	info, err := os.Stat(path) // opening a device may do something to it
	if err = regular(path, info, err); err != nil {
		return nil, 0, err
	}
	if f, err = os.OpenFile(path, os.O_RDONLY|openAtOnce, 0); err != nil { // #nosec G304 -- who starts this names it
		return nil, 0, FileError(path, err)
	}
	info, err = f.Stat()
	err = regular(path, info, err)
	if err == nil && info.Size() > int64(most) {
		err = tooLong(path, most)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// copyMost copies a file that may grow meanwhile.
func copyMost(to io.Writer, f *os.File, path string, most int) (int, error) {
	n, err := io.Copy(to, io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return 0, FileError(path, err)
	case n > int64(most):
		return 0, tooLong(path, most)
	}
	return int(n), nil
}

// regular says what is wrong with what a path leads to.
func regular(path string, info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return FileError(path, err)
	case info.IsDir():
		return fmt.Errorf("%s: is a folder: want a file", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is no regular file: a FIFO, a device or a socket is not read", path)
	}
	return nil
}

func tooLong(path string, most int) error {
	return fmt.Errorf("%s: %w: want at most %d bytes", path, ErrTooLong, most)
}

// ErrTooLong says that a file has more bytes than may be read of it.
var ErrTooLong = errors.New("is too long")
