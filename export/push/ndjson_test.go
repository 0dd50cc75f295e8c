package push

import (
	"encoding/json"
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
	writeFile(t, file, whole+`{"half of a li`)
	p = m.ndjson(folder, file)
	m.sends(50)
	m.sentTo(p, 50)
	if got := read(t, file); !strings.HasPrefix(got, whole+"{") || strings.Count(got, "\n") != 301 || strings.Contains(got, "half") {
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
		_, err = New(Options{JetStream: m.js, Folder: t.TempDir(), Destinations: []Destination{d}})
	}
	if err == nil || !strings.Contains(err.Error(), "another process writes it") {
		t.Errorf("a second one: %v", err)
	}
	_ = p.stop()
	writeFile(t, file, strings.Repeat("somebody else's\n", 10_000))
	if d, err = NDJSONFile(file); err == nil {
		_, err = New(Options{JetStream: m.js, Folder: folder, Destinations: []Destination{d}})
	}
	if err == nil || !strings.Contains(err.Error(), "is another file than the one written before") || len(read(t, file)) != 160_000 {
		t.Errorf("%v", err)
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
