package push

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"netmon/internal/filelock"
)

// lines appends results and verdicts to a file, one JSON object a line.
type lines struct {
	path    string
	file    *os.File
	regular bool
	size    int64  // of a regular file, with what was acknowledged
	tail    string // a sum of its end
	dirty   bool   // what is behind size is a part of a batch
	body    []byte
	stream  stream // of a file that is not a regular one
}

// NDJSONFile is a destination that is a file. A regular one has each line once.
func NDJSONFile(path string) (Destination, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return Destination{}, err
	}
	return Destination{Name: "NDJSON in " + path, File: fileName("ndjson", filepath.Base(whole), whole), Sink: &lines{path: whole}, Most: 2000, Every: 200 * time.Millisecond}, nil
}

// Close lets others write the file.
func (l *lines) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// Send writes a batch at the end of the file that has the name now.
func (l *lines) Send(ctx context.Context, b *Batch) error {
	if !l.regular {
		return l.stream.Send(ctx, b)
	}
	if err := l.follow(); err != nil {
		return err
	}
	l.body, l.dirty = encodeLines(l.body[:0], b), true
	_, err := l.file.Write(l.body)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return errors.Join(err, l.clean()) // the next try writes it again
	}
	l.size, l.dirty = l.size+int64(len(l.body)), false
	return l.sum()
}

// clean cuts what was written of a batch.
func (l *lines) clean() error {
	if !l.dirty {
		return nil
	}
	info, err := l.file.Stat()
	if err == nil && info.Size() > l.size {
		err = l.file.Truncate(l.size)
	}
	l.dirty = err != nil
	return err
}

// resume opens the file. Where a batch was under way it cuts what there is of that, and
// nothing else: somebody else may have written the file, or replaced it.
func (l *lines) resume(at *Position, found bool) error {
	if err := l.open(); err != nil || !l.regular {
		return err
	}
	if found && at.underWay() && at.Length < l.size {
		ours, err := l.isOurs(at)
		if err != nil {
			return err
		}
		if ours {
			if err := l.file.Truncate(at.Length); err != nil {
				return err
			}
			l.size = at.Length
		}
	}
	return l.prepare(at)
}

// isOurs says that all of the file behind a position is lines of the batch that was under
// way; the last one may be a part.
func (l *lines) isOurs(at *Position) (bool, error) {
	if sum, err := sumBefore(l.file, at.Length); err != nil || sum != at.Tail {
		return false, err
	}
	in := bufio.NewReader(io.NewSectionReader(l.file, at.Length, l.size-at.Length))
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if len(line) > 0 && !begins(line, "result", at.Results) && !begins(line, "verdict", at.Verdicts) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}

// begins says that a line, or the part of it that there is, begins as one of the batch that
// was under way.
func begins(line []byte, kind string, p Place) bool {
	head := lineStart(kind)
	if len(line) <= len(head) {
		return strings.HasPrefix(head, string(line))
	}
	number, ok := strings.CutPrefix(string(line), head)
	if end := strings.IndexFunc(number, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		n, err := strconv.ParseUint(number[:end], 10, 64)
		return ok && err == nil && p.Sequence < n && n <= p.Sending
	}
	return ok
}

func (l *lines) note(at *Position) {
	if l.regular {
		at.Length, at.Tail = l.size, l.tail
	}
}

// open opens the file, which ends where it ends now.
func (l *lines) open() error {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		taken := false
		if taken, err = filelock.Try(f); taken {
			err = fmt.Errorf("%s: another process writes it", l.path)
		}
	}
	if err != nil {
		f.Close()
		return err
	}
	if l.file != nil {
		l.file.Close()
	}
	l.stream.out = f
	l.file, l.regular, l.size, l.dirty = f, info.Mode().IsRegular(), info.Size(), false
	return nil
}

// prepare finds the end of the file before a batch. What it finds is in the position before
// anything is written.
func (l *lines) prepare(at *Position) error {
	if err := l.follow(); err != nil {
		return err
	}
	l.note(at)
	return nil
}

// follow opens a new file where the other one was renamed or removed, as by logrotate, and
// finds the end where somebody else made it shorter or longer.
func (l *lines) follow() error {
	if !l.regular {
		return nil
	}
	mine, err := l.file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || !os.SameFile(mine, there) {
		if err := l.open(); err != nil || !l.regular {
			return err
		}
	} else if err := l.clean(); err != nil {
		return err
	}
	if mine, err = l.file.Stat(); err != nil {
		return err
	}
	if l.size = mine.Size(); l.size > 0 { // what comes begins a line
		last := make([]byte, 1)
		if _, err := l.file.ReadAt(last, l.size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			if _, err := l.file.Write([]byte{'\n'}); err != nil {
				return err
			}
			l.size++
		}
	}
	return l.sum()
}

func (l *lines) sum() (err error) {
	if l.regular {
		l.tail, err = sumBefore(l.file, l.size)
	}
	return err
}

// sumBefore is a sum of the last 4 KiB before an offset.
func sumBefore(f *os.File, offset int64) (string, error) {
	buf := make([]byte, min(offset, 4096))
	if _, err := f.ReadAt(buf, offset-int64(len(buf))); err != nil {
		return "", err
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:8]), nil
}
