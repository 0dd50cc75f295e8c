package push

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"netmon/internal/need"
	"netmon/wire"
)

// TestNDJSON_Line: a line is the message as it is, with its type and number before it.
func TestNDJSON_Line(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"agent":"paris","seq":3}`, `{"type":"result","sequence":7,"agent":"paris","seq":3}`},
		{"{\n \"a\": \"x y\"\n}\n", `{"type":"result","sequence":7,"a":"x y"}`},
		{`{}`, `{"type":"result","sequence":7}`},
		{`{ }`, `{"type":"result","sequence":7}`},
		{`[]`, ``},
		{`{"a":`, `{"type":"result","sequence":7,"a":`}, // no such message is read
		{"", ""},
	} {
		got := string(appendLine(nil, "result", 7, []byte(c.in)))
		if got != strings.TrimSuffix(c.want+"\n", "\n\n") && got+c.want != "" {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzLineOfResult(f *testing.F) {
	f.Add([]byte(`{"agent":"paris","monitor":"web","started":"2026-11-24T11:37:34Z","outcome":"ok"}`))
	f.Add([]byte("{\n\"agent\":\"paris\",\"monitor\":\"web\"\r\n}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := wire.DecodeResult("results.paris.web", data)
		if err != nil {
			return
		}
		line := appendLine(nil, "result", 7, data)
		var back struct {
			Type     string
			Sequence uint64
		}
		if err := json.Unmarshal(line, &back); err != nil || strings.Count(string(line), "\n") != 1 || line[len(line)-1] != '\n' {
			t.Fatalf("%q: %v", line, err)
		}
		if again, err := wire.DecodeResult("results.paris.web", line); err != nil || again.ID() != r.ID() || !again.Started.Equal(r.Started) {
			t.Fatalf("%q is %v %v", line, again, err)
		}
	})
}

func (m *mesh) ndjson(folder, file string) *running {
	m.t.Helper()
	d, err := NDJSONFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	d.Most = 100
	return m.pusher(folder, d)
}

// sentTo waits until a pusher has sent so many results.
func (m *mesh) sentTo(p *running, n uint64) {
	m.t.Helper()
	eventually(m.t, "all is written", func() bool { return p.Stats()[0].Results >= n })
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestNDJSON_Files: it adds to what is there, cuts what was not acknowledged, follows a
// rotation, and touches no file that it did not write.
func TestNDJSON_Files(t *testing.T) {
	m := newMesh(t)
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "out.ndjson")
	writeFile(t, file, "before\n")
	p := m.ndjson(folder, file)
	m.sends(250)
	m.sentTo(p, 250)
	_ = p.stop()
	whole := read(t, file)
	if strings.Count(whole, "\n") != 251 || !strings.HasPrefix(whole, "before\n{") {
		t.Fatalf("%d lines: %.100s", strings.Count(whole, "\n"), whole)
	}
	writeFile(t, file, whole+`{"somebody else's`) // while it does not run
	p = m.ndjson(folder, file)
	m.sends(50)
	m.sentTo(p, 50)
	if got := read(t, file); !strings.HasPrefix(got, whole+`{"somebody else's`+"\n{") || strings.Count(got, "\n") != 302 {
		t.Errorf("%d lines", strings.Count(got, "\n"))
	}
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	m.sends(20)
	m.sentTo(p, 70)
	if got := read(t, file); strings.Count(got, "\n") != 20 {
		t.Errorf("%d lines after the rotation", strings.Count(got, "\n"))
	}
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	m.sends(10)
	m.sentTo(p, 80)
	if got := read(t, file); strings.Count(got, "\n") != 10 || got[0] != '{' {
		t.Errorf("%.100q after it was emptied", got)
	}
	d, err := NDJSONFile(file)
	if err == nil {
		_, err = New(t.Context(), Options{JetStream: m.js, Folder: t.TempDir(), Destinations: []Destination{d}})
	}
	if err == nil || !strings.Contains(err.Error(), "another process writes it") {
		t.Errorf("a second one: %v", err)
	}
	_ = p.stop()
}

// TestNDJSON_Cuts: a start cuts what there is of the batch that was under way, and nothing
// that somebody else wrote.
func TestNDJSON_Cuts(t *testing.T) {
	const acknowledged = `{"type":"result","sequence":7,"agent":"paris"}` + "\n"
	ours := `{"type":"result","sequence":8,"agent":"paris"}` + "\n" + `{"type":"verdict","sequence":3,"monitor":"web"}` + "\n"
	for _, c := range []struct {
		name, file string
		cut        bool
		at         func(*Position)
	}{
		{"whole lines of the batch", acknowledged + ours, true, nil},
		{"a part of a line", acknowledged + ours + `{"type":"result","seq`, true, nil},
		{"a part of a number", acknowledged + ours + `{"type":"result","sequence":9`, true, nil},
		{"no batch was under way", acknowledged + ours, false, func(p *Position) { p.Results.Sending, p.Verdicts.Sending = 0, 0 }},
		{"somebody else wrote behind it", acknowledged + ours + "text\n", false, nil},
		{"somebody else wrote", acknowledged + "text\n", false, nil},
		{"lines of another batch", acknowledged + `{"type":"result","sequence":12,"agent":"paris"}` + "\n", false, nil},
		{"another file", strings.Repeat("x", len(acknowledged)) + ours, false, nil},
		{"nothing was written before", "somebody else's\n", false, func(p *Position) { p.Length, p.Tail = 0, "e3b0c44298fc1c14" }},
		{"a shorter file", "x\n", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out")
			writeFile(t, file, acknowledged)
			d, err := NDJSONFile(file)
			if err != nil {
				t.Fatal(err)
			}
			l := d.Sink.(*lines)
			at := Position{Results: Place{Sequence: 7, Sending: 10}, Verdicts: Place{Sequence: 2, Sending: 4}}
			if err := errors.Join(l.resume(&at, false), l.Close()); err != nil {
				t.Fatal(err)
			}
			writeFile(t, file, c.file)
			if c.at != nil {
				c.at(&at)
			}
			if err := errors.Join(l.resume(&at, true), l.Close()); err != nil {
				t.Fatal(err)
			}
			want := c.file
			if c.cut {
				want = acknowledged
			}
			if got := read(t, file); got != want || at.Length != int64(len(want)) {
				t.Errorf("%q with length %d, want %q", got, at.Length, want)
			}
		})
	}
}

// TestNDJSON_TryAgain: another try looks at the file again.
func TestNDJSON_TryAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	d, err := NDJSONFile(file)
	if err != nil {
		t.Fatal(err)
	}
	l := d.Sink.(*lines)
	var at Position
	if err := l.resume(&at, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	send := func() string {
		t.Helper()
		if err := l.Send(t.Context(), &Batch{Results: []*Result{numbered(t, wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Started: verdictAt, Outcome: wire.OK}, 1)}}); err != nil {
			t.Fatal(err)
		}
		return read(t, file)
	}
	line := send()
	for name, change := range map[string]func() error{
		"removed": func() error { return os.Remove(file) },
		"emptied": func() error { return os.Truncate(file, 0) },
		"renamed": func() error { return os.Rename(file, file+".1") },
	} {
		if err := errors.Join(l.prepare(&at), change()); err != nil {
			t.Fatal(err)
		}
		if got := send(); got != line {
			t.Errorf("%s: %q, want %q", name, got, line)
		}
	}
	// A part of a batch is cut, and a file that was emptied meanwhile does not grow.
	if _, err := l.file.WriteString("a part"); err != nil {
		t.Fatal(err)
	}
	l.dirty = true
	if got := send(); got != line+line {
		t.Errorf("after a part: %q", got)
	}
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	l.dirty = true
	if got := send(); got != line {
		t.Errorf("after it was emptied: %q", got)
	}
}

// TestNDJSON_Blocked: a reader that stops reading does not keep the program from ending,
// and what it read already does not come again.
func TestNDJSON_Blocked(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	s := NDJSONStream(w, "standard output").Sink
	b := &Batch{}
	for i := range 2000 { // more than a pipe holds
		b.Results = append(b.Results, numbered(t, wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Started: verdictAt, Outcome: wire.OK}, uint64(i+1)))
	}
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	go func() { sent <- s.Send(ctx, b) }()
	stop()
	if err := <-sent; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it ends", err)
	}
	go func() { sent <- errors.Join(s.Send(t.Context(), b), w.Close()) }()
	got, err := io.ReadAll(r)
	if err := errors.Join(err, <-sent); err != nil {
		t.Error(err)
	}
	if want := encodeLines(nil, b); string(got) != string(want) {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
}

// TestPusher_Ended: a process that is asked to end finishes what it sends and stores where it is.
func TestPusher_Ended(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "out.ndjson")
	for range 3 {
		m.sends(2000)
		c := m.child(order{Folder: folder, NDJSON: file})
		eventually(t, "it writes", func() bool { info, err := os.Stat(file); return err == nil && info.Size() > 0 })
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
		files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
		var at Position
		if len(files) != 1 || json.Unmarshal([]byte(read(t, files[0])), &at) != nil || at.underWay() || at.Length != int64(len(read(t, file))) {
			t.Errorf("%+v of a file of %d bytes", at, len(read(t, file)))
		}
	}
}
