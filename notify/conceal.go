package notify

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"

	"netmon/wire"
)

// Parts of a URL that are shorter than this are not secrets, such as v2: a part of its
// path, and a value of its query, in bytes.
const (
	leastPath  = 8
	leastQuery = 4
)

// keepOut notes a secret, for Conceal.
func (e *Env) keepOut(v string) {
	if v == "" {
		return
	}
	for _, form := range concealedForms(v) {
		if !slices.Contains(e.known, form) {
			e.known = append(e.known, form)
		}
	}
}

// keepURLOut notes the parts of a URL which the other side sees, and may send back: all
// that follows its host, and each part of that. What is written in the settings as it is
// stays.
func (e *Env) keepURLOut(u *url.URL, written Text) {
	keep := func(least int, parts ...string) {
		for _, part := range parts {
			if len(part) >= least && !strings.Contains(string(written), part) {
				e.keepOut(part)
			}
		}
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	keep(leastPath, u.RequestURI(), path, u.RawQuery)
	for part := range strings.SplitSeq(path, "/") {
		keep(leastPath, part, unescaped(part, url.PathUnescape))
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			keep(leastQuery, value, unescaped(value, url.QueryUnescape))
		} else { // a query may be the secret and nothing else
			keep(leastPath, name, unescaped(name, url.QueryUnescape))
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		keep(1, u.User.String(), password)
		keep(leastPath, u.User.Username())
		e.keepOut(u.User.Username() + ":" + password) // as the header has it, in base64
	}
}

// keepPiecesOut notes what stands between the signs of a URL of which nobody knows where
// its secrets are, also as a host, which is in lower case. What is written stays.
func (e *Env) keepPiecesOut(v, written string) {
	for _, piece := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("/:@?&=#", r) }) {
		for _, form := range []string{piece, unescaped(piece, url.PathUnescape), strings.ToLower(piece)} {
			if len(form) >= leastPath && !strings.Contains(written, form) {
				e.keepOut(form)
			}
		}
	}
}

func unescaped(s string, by func(string) (string, error)) string {
	if out, err := by(s); err == nil {
		return out
	}
	return s
}

// Conceal puts stars where a secret is that was read by this Env. What a Sender
// returns passes through it; who clips a text conceals first.
func (e *Env) Conceal(text string) string {
	var hidden []bool // bytes of the text; forms may overlap
	for _, v := range e.known {
		for from := 0; ; {
			at := strings.Index(text[from:], v)
			if at < 0 {
				break
			}
			if hidden == nil {
				hidden = make([]bool, len(text))
			}
			at += from
			for i := at; i < at+len(v); i++ {
				hidden[i] = true
			}
			from = at + 1
		}
	}
	if hidden == nil {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString("*****")
		}
	}
	return b.String()
}

// Short is what the other side said as people may see it: without secrets, in one
// line, clipped.
func (e *Env) Short(text string) string { return wire.Clip(Line(e.Conceal(text)), wire.MaxText) }

// concealedForms are the forms in which the other side may send a secret back: as it
// is, escaped for a URL, JSON or HTML, in hex, and in base64, also inside of more.
func concealedForms(v string) []string {
	out := []string{v, hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v)))}
	for _, escaped := range []string{url.QueryEscape(v), url.PathEscape(v)} {
		out = append(out, escaped, lowerEscapes(escaped))
	}
	plain, _ := encodeJSON(v)
	careful, _ := json.Marshal(v)
	for _, text := range []string{string(plain[1 : len(plain)-1]), string(careful[1 : len(careful)-1])} {
		out = append(out, text, strings.ReplaceAll(text, "/", `\/`)) // as PHP writes it
	}
	out = append(out, html.EscapeString(v), strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(v),
		unescaped(v, url.PathUnescape), unescaped(v, url.QueryUnescape))
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} { // which padding may follow
		out = append(out, enc.EncodeToString([]byte(v)))
		for before := range 3 {
			if inner := base64Inside(enc, v, before); len(inner) >= leastPath {
				out = append(out, inner)
			}
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// base64Inside is what a text gives in base64 where so many bytes of a group of three
// come before it and anything follows: those digits that are of the text alone.
func base64Inside(enc *base64.Encoding, v string, before int) string {
	whole := enc.EncodeToString([]byte(strings.Repeat("x", before) + v))
	first := (before*8 + 5) / 6
	last := (before + len(v)) * 8 / 6
	return whole[min(first, last):last]
}

// lowerEscapes writes the digits of escapes in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}
