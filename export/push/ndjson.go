package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"netmon/internal/filelock"
)

// lines appends results and verdicts to a file, or writes them to a stream, one JSON object
// a line.
type lines struct {
	path string // "" is a stream
	out  io.Writer
	file *os.File // the same, where it is a regular file
	size int64    // of it, with what was acknowledged
	tail string   // a sum of its end
	body []byte
}

// NDJSONFile is a destination that is a file. A regular one has each line once.
func NDJSONFile(path string) (Destination, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return Destination{}, err
	}
	return Destination{Name: "NDJSON in " + path, File: fileName("ndjson", filepath.Base(whole), whole), Sink: &lines{path: whole}, Most: 2000, Every: 200 * time.Millisecond}, nil
}

// NDJSONStream is a destination that is a stream, such as standard output.
func NDJSONStream(w io.Writer, name string) Destination {
	return Destination{Name: "NDJSON on " + name, File: "ndjson-" + fileName("stream", "", name), Sink: &lines{out: w}, Most: 2000, Every: 50 * time.Millisecond}
}

// Close lets others write the file.
func (l *lines) Close() error {
	if l.path == "" || l.out == nil {
		return nil
	}
	return l.out.(*os.File).Close()
}

// Send writes a batch.
func (l *lines) Send(_ context.Context, b *Batch) error {
	l.body = encodeLines(l.body[:0], b)
	if l.file == nil {
		_, err := l.out.Write(l.body)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed) {
			return &Broken{fmt.Errorf("nobody reads it any more: %w", err)}
		}
		return err
	}
	_, err := l.file.WriteAt(l.body, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.size)) // the next try writes it again
	}
	l.size += int64(len(l.body))
	l.tail, err = sumBefore(l.file, l.size)
	return err
}

// encodeLines appends a line for each result and each change of a verdict.
func encodeLines(b []byte, of *Batch) []byte {
	for _, r := range of.Results {
		b = appendLine(b, "result", r.Sequence, r.Data)
	}
	for i := range of.Verdicts {
		if v := &of.Verdicts[i]; v.Change != nil {
			b = appendLine(b, "verdict", v.Sequence, v.Data)
		}
	}
	return b
}

// appendLine appends a message as it is, with its type and its number in the stream before
// its fields.
func appendLine(b []byte, kind string, sequence uint64, data []byte) []byte {
	data = bytes.TrimSpace(data)
	if bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0 {
		var one bytes.Buffer
		if json.Compact(&one, data) != nil {
			return b
		}
		data = one.Bytes()
	}
	if len(data) < 2 || data[0] != '{' {
		return b // no message of ours
	}
	b = append(b, `{"type":"`...)
	b = append(b, kind...)
	b = append(b, `","sequence":`...)
	b = strconv.AppendUint(b, sequence, 10)
	if data = bytes.TrimLeft(data[1:], " \t"); data[0] != '}' {
		b = append(b, ',')
	}
	b = append(b, data...)
	return append(b, '\n')
}

// resume opens the file where its position says, and cuts what is behind that.
func (l *lines) resume(at *Position, found bool) error {
	if l.path == "" {
		return nil
	}
	if err := l.open(); err != nil || l.file == nil {
		return err
	}
	if found && at.Length <= l.size {
		sum, err := sumBefore(l.file, at.Length)
		if err != nil {
			return err
		}
		if sum != at.Tail {
			return fmt.Errorf("%s is another file than the one written before: move it away, or give another --state FOLDER", l.path)
		}
		if err := l.file.Truncate(at.Length); err != nil {
			return err
		}
		l.size, l.tail = at.Length, at.Tail
		return nil
	}
	l.note(at) // new, or begun again by somebody: it grows at its end
	return nil
}

func (l *lines) note(at *Position) {
	if l.file != nil {
		at.Length, at.Tail = l.size, l.tail
	}
}

// open opens the file, which ends where it ends now.
func (l *lines) open() error {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
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
	if l.out = f; !info.Mode().IsRegular() {
		l.file = nil
		return nil
	}
	l.file, l.size = f, info.Size()
	l.tail, err = sumBefore(f, l.size)
	return err
}

// prepare makes a new file where the other one was renamed or removed, as by logrotate, and
// continues at the end where it was made shorter. What it finds is in the position before
// anything is written.
func (l *lines) prepare(at *Position) error {
	if l.file == nil {
		return nil
	}
	if err := l.follow(); err != nil {
		return err
	}
	l.note(at)
	return nil
}

func (l *lines) follow() error {
	mine, err := l.file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(l.path)
	if err == nil && os.SameFile(mine, there) {
		if l.size > there.Size() {
			l.size = there.Size()
			l.tail, err = sumBefore(l.file, l.size)
		}
		return err
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.open()
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
