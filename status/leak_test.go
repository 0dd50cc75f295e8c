package status

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"netmon/judge"
	"netmon/wire"
)

// private are marks of what a visitor must not read: each private field of the facts has one.
var private = []string{"secret", "192.0.2.99", "private-db", "mx1", "search-v2", "imap", "checkout-", "agent", "8443", "https\"", "nats", "netmon.secret"}

func leaks(t *testing.T, where, text string) {
	t.Helper()
	for _, mark := range private {
		if i := strings.Index(strings.ToLower(text), mark); i >= 0 {
			t.Errorf("%s holds %q: …%s…", where, mark, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// TestSite_KeepsSecrets: nothing of a monitor but its public name is in any file, and
// nothing at all of one that is not public; in a folder neither.
func TestSite_KeepsSecrets(t *testing.T) {
	blind := shop()
	blind.Blind, blind.Since = true, now
	for name, w := range map[string]*world{"shop": shop(), "while the broker is away": blind} {
		s := made(t, Compose(w.Facts, Options{URL: "https://status.example.org/"}))
		dir := t.TempDir()
		f, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Export(s); err != nil {
			t.Fatal(err)
		}
		f.Close()
		files := 0
		each(s, func(path string, f *File) {
			if !f.Forever {
				leaks(t, name+": "+path, path+"\n"+string(f.Plain))
			}
		})
		err = fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasPrefix(path, "assets/") {
				return err
			}
			files++
			data, err := fs.ReadFile(os.DirFS(dir), path)
			leaks(t, name+": folder: "+path, path+"\n"+string(data))
			return err
		})
		if err != nil || files < len(s)-3 {
			t.Errorf("%d files of %d: %v", files, len(s), err)
		}
	}
}

// TestSite_ShowsWhatIsChosen: and nothing else.
func TestSite_ShowsWhatIsChosen(t *testing.T) {
	for _, c := range []struct {
		show      Show
		has, lack string
	}{
		{Show{Targets: true}, "target-mx1.secret.example:8443", "agent-secret"},
		{Show{Agents: true}, "seen from agent-secret-paris", "target-mx1"},
		{Show{Reasons: true}, "why-secret: connect to 192.0.2.99:443", "target-mx1"},
	} {
		w := shop()
		all := ""
		each(made(t, Compose(w.Facts, Options{Show: c.show})), func(_ string, f *File) { all += string(f.Plain) })
		if !strings.Contains(all, c.has) || strings.Contains(all, c.lack) || strings.Contains(all, "private-db") || strings.Contains(all, "ack-") {
			t.Errorf("%+v: want %q, and not %q", c.show, c.has, c.lack)
		}
	}
}

// hostile is a name that wants to be markup.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'&]]>{{.}}`

// TestSite_NamesAreNoMarkup: whatever names, headings, titles and windows hold, no file has
// markup of theirs, and each can be read by its kind's own rules.
func TestSite_NamesAreNoMarkup(t *testing.T) {
	w := newWorld()
	w.monitor("a", hostile, hostile, judge.Down)
	w.monitor("b", "\u202egpj", "x\u0007y\x1b[31m", judge.Up)
	w.past("a", "b")
	w.wrong("1", member("a", wire.SeverityDown, 1e10, 0))
	w.wrong("2", member("b", wire.SeverityDown, 1e12, 1e10))
	s := made(t, Compose(w.Facts, Options{Title: hostile, Show: Show{true, true, true}}))
	each(s, func(name string, f *File) {
		text := string(f.Plain)
		if f.Forever {
			return
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "\x1b", "\u202e", "\x07"} {
			if strings.Contains(text, bad) && !(f.Kind == kindJSON && bad[0] == '<') {
				t.Errorf("%s holds %q", name, bad)
			}
		}
		switch f.Kind {
		case kindJSON:
			var v any
			if err := json.Unmarshal(f.Plain, &v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if strings.Contains(text, "<script") { // a browser that guesses must not find markup
				t.Errorf("%s holds markup", name)
			}
		case kindAtom, kindSVG:
			d := xml.NewDecoder(strings.NewReader(text))
			for {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "img") {
					t.Errorf("%s has <%s>", name, e.Name.Local)
				}
			}
		case kindHTML:
			if n := strings.Count(text, "<script"); n != 1 {
				t.Errorf("%s has %d scripts", name, n)
			}
			for _, inline := range []string{" style=", " onerror=a", " onclick=", "javascript:", "http-equiv=\"refresh"} {
				if strings.Contains(strings.ReplaceAll(text, "onerror=alert(2)&gt;", ""), inline) {
					t.Errorf("%s holds %q", name, inline)
				}
			}
		}
		if !ours(name) || strings.ContainsAny(name, `<>"'& `) {
			t.Errorf("a file is called %q", name)
		}
	})
}
