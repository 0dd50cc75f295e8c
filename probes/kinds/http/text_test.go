package http

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// TestHTTP_BodyText: people mean text, not the bytes that it came in.
func TestHTTP_BodyText(t *testing.T) {
	answer := func(headers, body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s", headers, len(body), body)
	}
	const json = `"json":[{"path":"$.status","equals":"up"}]`
	utf16 := func(s string) string { // little-endian
		var b strings.Builder
		b.WriteString("\xff\xfe")
		for _, r := range s {
			b.WriteByte(byte(r))
			b.WriteByte(byte(r >> 8))
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		answer, expect string
		failure        wire.Failure
		note           string
	}{
		"Latin 1":                       {answer("Content-Type: text/html; charset=iso-8859-1", "h\xe9llo"), `"body_contains":["héllo"],"body_regex":"^h.llo$"`, "", ""},
		"Latin 1, in quotes":            {answer(`Content-Type: text/html; charset="ISO-8859-1"`, "h\xe9llo"), `"body_contains":["héllo"]`, "", ""},
		"a type that is not in order":   {answer(`Content-Type: text/html; x; charset=iso-8859-1;`, "h\xe9llo"), `"body_contains":["héllo"]`, "", ""},
		"Cyrillic":                      {answer("Content-Type: text/plain; charset=windows-1251", "\xef\xf0\xe8\xe2\xe5\xf2"), `"body_regex":"^привет$"`, "", ""},
		"Japanese":                      {answer("Content-Type: text/plain; charset=Shift_JIS", "\x93\xfa\x96\x7b"), `"body_contains":["日本"]`, "", ""},
		"UTF-16 by its mark":            {answer("Content-Type: text/plain", utf16("héllo")), `"body_regex":"^héllo$"`, "", ""},
		"UTF-16 by its charset":         {answer("Content-Type: text/plain; charset=utf-16", utf16("héllo")), `"body_regex":"^héllo$"`, "", ""},
		"bytes that are no text":        {answer("Content-Type: image/png", "\xff\xfeab"), `"body_contains":["ab"]`, "", ""},
		"UTF-8 with a mark":             {answer("Content-Type: text/plain; charset=utf-8", "\xef\xbb\xbfhéllo"), `"body_regex":"^héllo$"`, "", ""},
		"JSON with a mark":              {answer("Content-Type: application/json", "\xef\xbb\xbf"+`{"status":"up"}`), json, "", ""},
		"JSON in UTF-16":                {answer("Content-Type: application/json", utf16(`{"status":"up"}`)), json, "", ""},
		"a charset that nobody knows":   {answer("Content-Type: text/plain; charset=klingon", "hello"), `"body_contains":["hello"]`, "", `the charset "klingon" is not known`},
		"the length is what came":       {answer("Content-Type: text/plain; charset=iso-8859-1", "h\xe9llo"), `"min_bytes":5,"max_bytes":5,"body_contains":["héllo"]`, "", ""},
		"none is no coding":             {answer("Content-Encoding: none", "hello"), `"body_contains":["hello"]`, "", `Content-Encoding "none" is not a content coding`},
		"binary is none":                {answer("Content-Encoding: binary", "hello"), `"body_contains":["hello"]`, "", `"binary" is not a content coding`},
		"utf-8 is none":                 {answer("Content-Encoding: UTF-8", "hello"), `"body_contains":["hello"]`, "", `"utf-8" is not a content coding`},
		"and Latin 1 that is not there": {answer("Content-Type: text/html; charset=iso-8859-1", "h\xe9llo"), `"body_contains":["hello"]`, wire.FailMismatch, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := targets.HTTPSays("127.0.0.1:0", c.answer)
			r := measure(t, "http", serveHTTP(t, s, err), `{"expect":{`+c.expect+`}}`)
			if r.Failure != c.failure {
				t.Errorf("%s %s", r.Failure, r.Error)
			}
			if notes := strings.Join(probetest.DetailsOf[Details](t, r).Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

// TestHTTPText_Search: a word is found wherever it is in a text that is not
// held, and however that is cut.
func TestHTTPText_Search(t *testing.T) {
	long := strings.Repeat("x", textHead)
	for _, in := range []string{"needle", "a needle here", long + "needle", long + long + "needle" + long, long[:textHead-3] + "needle" + long, long + "need" + long + "le"} {
		words := []string{"needle", "x", "absent", long[:1000] + "n"}
		for _, step := range []int{1, 5, 4096, 1 << 20} {
			if step == 1 && len(in) > textHead+10 {
				continue
			}
			text := &httpText{budget: (*probes.Env)(nil).BodyBudget(), words: words}
			for rest := in; rest != ""; {
				n := min(len(rest), step)
				text.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			text.end()
			for i, w := range words {
				if got, want := text.contains(i), strings.Contains(in, w); got != want {
					t.Errorf("%.10q in %d bytes by %d: %v", w, len(in), step, got)
				}
			}
			if len(text.kept) > textHead || text.length != int64(len(in)) {
				t.Errorf("%d of %d bytes are held", len(text.kept), text.length)
			}
			if text.release(); text.budget.Taken() != 0 {
				t.Errorf("%d bytes are taken at the end", text.budget.Taken())
			}
		}
	}
}

// FuzzWordSearch finds what bytes.Contains finds.
func FuzzWordSearch(f *testing.F) {
	f.Add([]byte("abcabd"), "abd", uint64(1))
	f.Fuzz(func(t *testing.T, in []byte, word string, seed uint64) {
		if word == "" {
			return
		}
		s := searchFor([]string{word}, nil)
		r := rand.New(rand.NewPCG(seed, 0))
		for rest := in; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			s.next(rest[:n])
			rest = rest[n:]
		}
		if s.found[0] != bytes.Contains(in, []byte(word)) {
			t.Errorf("%q in %q: %v", word, in, s.found[0])
		}
	})
}

// TestHTTP_ReadBody: so much of a body is enough, also of one that never ends.
func TestHTTP_ReadBody(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n"
	endless := func(begin, piece string) string {
		t.Helper()
		s, err := targets.HTTPDrips("127.0.0.1:0", ok+begin, piece, 1e6)
		return serveHTTP(t, s, err)
	}
	stream := endless("\r\n", strings.Repeat("x", 500))
	chunks := endless("Transfer-Encoding: chunked\r\n\r\n", "4\r\nwxyz\r\n")
	silent := endless("\r\n", "")
	web := serveWeb(t)
	bomb, err := targets.HTTPBomb("127.0.0.1:0", 1<<26)
	bombURL := serveHTTP(t, bomb, err)
	for name, c := range map[string]struct {
		target, options string
		read            int64 // of body_bytes; -1: not looked at
		cut             bool
	}{
		"a stream":                     {stream, `{"read_body":1000,"expect":{"body_contains":["xxx"],"min_bytes":1000}}`, 1000, true},
		"a stream in chunks":           {chunks, `{"read_body":10,"expect":{"body_regex":"^wxyzwxyzwx$"}}`, 10, true},
		"the headers alone":            {silent, `{"read_body":0}`, 0, true},
		"the headers of a stream":      {stream, `{"read_body":0}`, 0, true},
		"over a kept connection":       {stream, `{"read_body":1000,"keep_alive":true}`, 1000, true},
		"over HTTP/2":                  {web.URL + "/gzip", `{"read_body":10,"http_version":"2","expect":{"body_regex":"^hello hell$"}}`, -1, true},
		"a bomb":                       {bombURL, `{"read_body":65536,"max_body":65536}`, -1, true},
		"a body that is shorter":       {web.URL + "/", `{"read_body":1000}`, 6, false},
		"a body that is just as long":  {web.URL + "/", `{"read_body":6}`, 6, false},
		"no body":                      {web.URL + "/204", `{"read_body":0}`, 0, false},
		"a part of what is compressed": {web.URL + "/gzip", `{"read_body":5,"expect":{"body_contains":["hell"],"min_bytes":4,"max_bytes":4}}`, -1, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := measureWithin(t, 30e9, "http", c.target, c.options)
			d := probetest.DetailsOf[Details](t, r)
			if strings.Contains(c.options, `"max_bytes":4`) {
				probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
			} else {
				probetest.WantFailure(t, r, wire.OK, "")
			}
			if d.BodyCut != c.cut || (d.BodySHA256 == "") != c.cut || c.read >= 0 && *d.BodyBytes != c.read || r.LatencyNS == nil {
				t.Errorf("cut %v, want %v; %d bytes, want %d; hash %q", d.BodyCut, c.cut, *d.BodyBytes, c.read, d.BodySHA256)
			}
			want := fmt.Sprintf("the first %d bytes", *d.BodyBytes)
			if c.read == 0 {
				want = "the headers alone"
			}
			if c.cut && !strings.Contains(r.Summary, want) {
				t.Errorf("summary %q", r.Summary)
			}
		})
	}
	for options, want := range map[string]string{
		`{"read_body":-1}`:                                                           "options.read_body: want 0 to max_body, which is 4194304, got -1",
		`{"read_body":11,"max_body":10}`:                                             "options.read_body: want 0 to max_body, which is 10, got 11",
		`{"read_body":10,"expect":{"json":[{"path":"$.a"}]}}`:                        "options.expect.json: needs the whole body, and read_body is 10: leave one of them out",
		`{"read_body":10,"expect":{"body_unchanged":true}}`:                          "options.expect.body_unchanged: needs the whole body, and read_body is 10: leave one of them out",
		`{"read_body":10,"expect":{"max_bytes":10}}`:                                 "options.expect.max_bytes: needs the whole body, and read_body is 10: leave one of them out",
		`{"read_body":0,"expect":{"body_not_regex":"x"}}`:                            "options.expect.body_not_regex: needs the whole body, and read_body is 0: leave one of them out",
		`{"read_body":10,"expect":{"min_bytes":11}}`:                                 "options.expect.min_bytes: 11 is over read_body, which is 10",
		`{"read_body":2,"expect":{"body_contains":["hello"]}}`:                       "options.expect.body_contains[0]: is 5 characters long, and read_body is 2",
		`{"read_body":2,"expect":{"body_sha256":"` + strings.Repeat("0", 64) + `"}}`: "options.expect.body_sha256: needs the whole body, and read_body is 2: leave one of them out",
	} {
		if got := refused(t, "http", "x", options); got != want {
			t.Errorf("%s gives\n%q, want\n%q", options, got, want)
		}
	}
}

// TestDecodeBody_Cut: a coding that breaks off is distinguished from one that is none.
func TestDecodeBody_Cut(t *testing.T) {
	body := gzipped(strings.Repeat("hello ", 1000))
	for name, c := range map[string]struct{ body, want string }{
		"within gzip's head":    {body[:3], "the body breaks off within its content coding: 3 bytes, gzip, 0 decoded"},
		"within what is packed": {body[:len(body)-20], "the body breaks off within its content coding"},
		"within its checksum":   {body[:len(body)-2], "the body breaks off within its content coding"},
		"no gzip":               {"hello hello hello", "the body is not gzip"},
	} {
		s, err := targets.HTTPSays("127.0.0.1:0", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(c.body), c.body))
		r := measure(t, "http", serveHTTP(t, s, err), "")
		probetest.WantFailure(t, r, wire.Failed, wire.FailBadAnswer)
		if !strings.Contains(r.Error, c.want) {
			t.Errorf("%s: %q, want %q", name, r.Error, c.want)
		}
	}
	// And in pieces, with the last of them missing.
	if _, err := decodeBody(iotest.OneByteReader(strings.NewReader(body[:40])), "gzip", bodyWant{most: 1 << 20, enough: 1<<20 + 1}); err == nil {
		t.Error("half a body was read without an error")
	}
}
