package safeyaml

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ReadRegular reads a regular file, or what a symbolic link leads to, of at most so many
// bytes. With a root the path is one in it, and links lead to what is below it alone,
// whoever changes them meanwhile; nil is none.
func ReadRegular(root *os.Root, path string, most int) ([]byte, error) {
	f, size, err := openRegular(root, path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := copyMost(data, f, most); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// SumRegular is the SHA-256 of what [ReadRegular] reads, and how many bytes that is.
func SumRegular(root *os.Root, path string, most int) (sum [sha256.Size]byte, size int, err error) {
	f, _, err := openRegular(root, path, most)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := copyMost(h, f, most)
	h.Sum(sum[:0])
	return sum, n, err
}

// openRegular opens a file without waiting for anybody: a FIFO, a device and a socket are
// refused, also one that takes a file's place while we look.
func openRegular(root *os.Root, path string, most int) (f *os.File, size int64, err error) {
	name, stat, open := path, os.Stat, os.OpenFile
	if root != nil {
		name, stat, open = filepath.Join(root.Name(), path), root.Stat, root.OpenFile
	}
	info, err := stat(path) // opening a device may do something to it
	if err = regular(name, info, err); err != nil {
		return nil, 0, err
	}
	if f, err = open(path, os.O_RDONLY|openAtOnce, 0); err != nil {
		return nil, 0, openError(name, err)
	}
	info, err = f.Stat()
	err = regular(name, info, err)
	if err == nil && info.Size() > int64(most) {
		err = tooLong(name, most)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// copyMost copies a file that may grow meanwhile.
func copyMost(to io.Writer, f *os.File, most int) (int, error) {
	n, err := io.Copy(to, io.LimitReader(f, int64(most)+1))
	switch {
	case err != nil:
		return 0, FileError(f.Name(), err)
	case n > int64(most):
		return 0, tooLong(f.Name(), most)
	}
	return int(n), nil
}

// regular says what is wrong with what a path leads to.
func regular(path string, info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return openError(path, err)
	case info.IsDir():
		return fmt.Errorf("%s: is a folder: want a file", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is no regular file: a FIFO, a device or a socket is not read", path)
	}
	return nil
}

// openError is err of a file, also of one in a root.
func openError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok && strings.Contains(e.Err.Error(), "escapes") { // os has no name for it
		return fmt.Errorf("%s: is a link that leads out of its folder: put the file itself there, or make it a relative link to one below", path)
	}
	return FileError(path, err)
}

func tooLong(path string, most int) error {
	return fmt.Errorf("%s: %w: want at most %d bytes", path, ErrTooLong, most)
}

// ErrTooLong says that a file has more bytes than may be read of it.
var ErrTooLong = errors.New("is too long")
