package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{`"1.5s"`: 1500 * time.Millisecond, `"200ms"`: 200 * time.Millisecond, `"24h"`: 24 * time.Hour, `"0"`: 0, `null`: 0} {
		var d Duration
		if err := json.Unmarshal([]byte(in), &d); err != nil || d.Std() != want {
			t.Errorf("%s is %v (%v), want %v", in, d, err, want)
		}
	}
	for _, in := range []string{`10`, `"10"`, `""`, `"1x"`, `{}`, `"-"`, `true`} {
		var d Duration
		if err := json.Unmarshal([]byte(in), &d); err == nil || !strings.Contains(err.Error(), "10s, 200ms or 1d, got ") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	f.Add("1.5s")
	f.Add("-3m2us")
	f.Fuzz(func(t *testing.T, text string) {
		var d, back Duration
		if d.UnmarshalText([]byte(text)) != nil {
			return
		}
		out, err := json.Marshal(d)
		if err != nil || json.Unmarshal(out, &back) != nil || back != d {
			t.Errorf("%q is %d, prints as %s and is then %d", text, d, out, back)
		}
	})
}

func TestProblems(t *testing.T) {
	var inner, p Problems
	inner.Addf("status", "want 200, got %q", "x")
	inner.Add("[1]", errors.New("no"))
	p.Add("expect", inner.Err())
	p.Add("", nil)
	p.Add("", &FieldError{Path: "a", Err: inner.Err()})                        // a list inside
	p.Add("j", errors.Join(inner.Err(), nil, errors.New("and this")))          // several lists
	p.Add("w", fmt.Errorf("decode: %w", &FieldError{"k", errors.New("deep")})) // the place matters more than the words around it
	p.Add("", fmt.Errorf("open: %w", os.ErrNotExist))                          // and without a place the words stay
	want := []string{
		`expect.status: want 200, got "x"`,
		"expect[1]: no",
		`a.status: want 200, got "x"`,
		"a[1]: no",
		`j.status: want 200, got "x"`,
		"j[1]: no",
		"j: and this",
		"w.k: deep",
		"open: file does not exist",
	}
	if got := strings.Split(p.Err().Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var none Problems
	if none.Err() != nil || FieldErrors(nil) != nil {
		t.Error("no mistake is an error")
	}
}

func TestDecodeCommand_EveryMistakeWithItsField(t *testing.T) {
	for _, c := range []struct {
		name, json string
		want       []string // lines
	}{
		{"not JSON", `start`, []string{"not a JSON command: invalid character 's' looking for beginning of value"}},
		{"nothing", ``, []string{"not a JSON command: unexpected end of JSON input"}},
		{"a list", `[]`, []string{"want an object, got []"}},
		{"no op", `{}`, []string{"op: is missing: one of [start stop run sync list probe info rotate trust]"}},
		{"unknown op", `{"op":"reboot"}`, []string{`op: unknown op "reboot": one of [start stop run sync list probe info rotate trust]`}},
		{"start of nothing", `{"op":"start"}`, []string{"monitors: is empty: say what to start"}},
		{"stop of nothing", `{"op":"stop"}`, []string{"names: is empty: say what to stop"}},
		{"run of nothing", `{"op":"run","asked":"a b"}`, []string{"names: is empty: say what to run", `asked: "a b" has a character that is not one of A-Z a-z 0-9 _ -`}},
		{"probe of two", `{"op":"probe","monitors":[{},{}]}`, []string{"monitors: want one monitor, got 2"}},
		{"sync with no store", `{"op":"sync"}`, []string{"store: is missing"}},
		{"types, all at once", `{"op":1,"limit":"x","names":"web","have":{"a":-1},"monitors":[{},{"name":7,"every":10,"timeout":"1x","options":[1]},3]}`, []string{
			"have.a: want a whole number, 0 or more, got -1",
			`limit: want a whole number, got "x"`,
			"monitors[1].every: want a number with a unit such as 10s, 200ms or 1d, got \"10\"",
			"monitors[1].name: want a string, got 7: put it in quotes",
			"monitors[1].timeout: want a number with a unit such as 10s, 200ms or 1d, got \"1x\"",
			"monitors[2]: want an object, got 3",
			`names: want a list, got "web"`,
			"op: want a string, got 1: put it in quotes",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeCommand([]byte(c.json))
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", err, strings.Join(c.want, "\n"))
			}
			for _, e := range Invalid(err) {
				if e.Code != CodeInvalid || e.Message == "" {
					t.Errorf("on the wire: %+v", e)
				}
			}
		})
	}
}

func TestDecode_ToleratesNewFields(t *testing.T) {
	if _, err := DecodeCommand([]byte(`{"op":"list","shiny":{"new":1}}`)); err != nil {
		t.Error(err)
	}
	if _, err := DecodeResult("results.paris.web", []byte(`{"agent":"paris","monitor":"web","outcome":"uncertain","failure":"new","shiny":1}`)); err != nil {
		t.Error(err)
	}
	if _, err := DecodeAlive("agent.paris.alive", []byte(`{"agent":"paris","shiny":1}`)); err != nil {
		t.Error(err)
	}
}

func TestDecode_RefusesWhatBelongsElsewhere(t *testing.T) {
	for _, c := range []struct{ subject, json, want string }{
		{"results.paris.web", `{"agent":"tokyo","monitor":"web"}`, "belongs on results.tokyo.web"},
		{"results.paris.web", `{"agent":"paris","monitor":"db"}`, "belongs on results.paris.db"},
		{"results.*.web", `{"agent":"*","monitor":"web"}`, `agent id "*"`},
		{"results.paris.web", `{}`, "is empty"},
		{"results.paris.web", `[`, "unexpected end"},
	} {
		if _, err := DecodeResult(c.subject, []byte(c.json)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("result on %s: %v, want %q", c.subject, err, c.want)
		}
	}
	for _, c := range []struct{ subject, json, want string }{
		{"agent.paris.alive", `{"agent":"tokyo"}`, "belongs on agent.tokyo.alive"},
		{"agent..alive", `{"agent":""}`, "is empty"},
		{"agent.paris.alive", `7`, "decode heartbeat"},
	} {
		if _, err := DecodeAlive(c.subject, []byte(c.json)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("heartbeat on %s: %v, want %q", c.subject, err, c.want)
		}
	}
}

func TestMonitor(t *testing.T) {
	m := Monitor{Every: Duration(time.Millisecond), Timeout: -1, Name: "a.b", Target: "x\x1b[2J" + strings.Repeat("y", MaxTarget)}
	err := m.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`name: "a.b"`, "kind: is missing", "target: has a control character", "target: is 2053 bytes long", `every: want 10ms to 1d, got "1ms"`, `timeout: want 1ms to 1d, got "-1ns"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	for every, want := range map[time.Duration]time.Duration{0: 5 * time.Second, 2 * time.Second: 1800 * time.Millisecond, time.Second: 900 * time.Millisecond, 6 * time.Second: 5 * time.Second, 20 * time.Millisecond: time.Second, time.Hour: 5 * time.Second} {
		if got := (Monitor{Every: Duration(every)}).WithDefaults().Timeout.Std(); got != want {
			t.Errorf("timeout of a monitor with every %v: %v, want %v", every, got, want)
		}
	}
}

func TestSaved_IsPlacedOn(t *testing.T) {
	for _, c := range []struct {
		json string
		want bool
	}{
		{`{}`, true},
		{`{"agents":"all"}`, true},
		{`{"agents":[]}`, false},
		{`{"agents":null}`, true},
		{`{"agents":["paris"],"except":["paris"]}`, false},
		{`{"agents":{"match":{"region":"eu"}}}`, true},
		{`{"agents":{"match":{"region":"us"}}}`, false},
		{`{"except":["region=eu"]}`, false},
	} {
		data := `{"name":"web","kind":"tcp","target":"h:1",` + strings.TrimPrefix(c.json, "{")
		s, err := DecodeSaved([]byte(strings.Replace(data, ",}", "}", 1)), 7)
		if err != nil {
			t.Errorf("%s: %v", c.json, err)
			continue
		}
		if got := s.IsPlacedOn("paris", map[string]string{"region": "eu"}); got != c.want || s.Revision != 7 {
			t.Errorf("%s places it on paris: %v, want %v (revision %d)", c.json, got, c.want, s.Revision)
		}
		if s.Paused = true; s.RunsOn("paris", nil) {
			t.Errorf("%s: paused, and runs", c.json)
		}
	}
}

func TestDigestOf(t *testing.T) {
	a := map[string]uint64{"web": 1, "db": 2}
	if DigestOf(a) != DigestOf(map[string]uint64{"db": 2, "web": 1}) {
		t.Error("equal sets, different digests")
	}
	for _, other := range []map[string]uint64{nil, {"web": 1}, {"web": 2, "db": 1}, {"web": 1, "db": 2, "x": 0}, {"web": 12, "db": 0}} {
		if DigestOf(a) == DigestOf(other) {
			t.Errorf("%v and %v have one digest", a, other)
		}
	}
	if DigestOf(nil) != "e3b0c44298fc1c14" { // on the wire: it must never change
		t.Errorf("digest of the empty set: %s", DigestOf(nil))
	}
}

func TestRefuse_WithoutAReason(t *testing.T) {
	if r := Refuse("paris"); r.OK || r.Error == nil || r.Error.Code != CodeInternal {
		t.Errorf("%+v", r)
	}
}

// fuzzDecoder feeds decode any bytes; what it accepts must survive being sent on.
func fuzzDecoder[M any](f *testing.F, files string, decode func([]byte) (M, error)) {
	names, _ := filepath.Glob(filepath.Join("testdata", files))
	if len(names) == 0 {
		f.Fatalf("no seeds in testdata/%s", files)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decode(data)
		if err != nil {
			if FieldErrors(err) == nil || err.Error() == "" {
				t.Errorf("an error without words: %#v", err)
			}
			return
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("encode %+v: %v", m, err)
		}
		back, err := decode(out)
		if err != nil {
			t.Fatalf("decode again %s: %v", out, err)
		}
		// Raw JSON is made compact, and times lose nothing: compare as sent.
		again, err := json.Marshal(back)
		if err != nil || !reflect.DeepEqual(again, out) {
			t.Errorf("changed on the way:\n%s\n%s", out, again)
		}
	})
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"op":1,"limit":"x","names":"web","have":{"a":-1},"monitors":[{},{"name":7,"every":10},3]}`))
	fuzzDecoder(f, "command-*.json", DecodeCommand)
}

func FuzzResult(f *testing.F) {
	fuzzDecoder(f, "result-*.json", func(b []byte) (Result, error) {
		var r Result
		_ = json.Unmarshal(b, &r)
		return DecodeResult("results."+r.Agent+"."+r.Monitor, b)
	})
}

func FuzzAlive(f *testing.F) {
	fuzzDecoder(f, "alive.json", func(b []byte) (Alive, error) {
		var a Alive
		_ = json.Unmarshal(b, &a)
		return DecodeAlive("agent."+a.Agent+".alive", b)
	})
}

func FuzzSaved(f *testing.F) {
	fuzzDecoder(f, "saved.json", func(b []byte) (Saved, error) { return DecodeSaved(b, 7) })
}

func TestAlive_Online(t *testing.T) {
	for name, c := range map[string]struct {
		a    Alive
		ago  time.Duration
		want bool
	}{
		"heard just now":              {Alive{}, 0, true},
		"heard as long ago as it may": {Alive{}, OfflineAfter, true},
		"not heard for long":          {Alive{}, OfflineAfter + 1, false},
		"it said good-bye":            {Alive{Leaving: true}, 0, false},
		"it is gone":                  {Farewell("paris", time.Now()), 0, false},
		"gone, and nothing else":      {Alive{Gone: true}, 0, false},
	} {
		if got := c.a.Online(c.ago); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
