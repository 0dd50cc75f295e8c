package http

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"netmon/probes"
)

// textHead is how much of a text is held that is only searched for words, to
// be shown, bytes.
const textHead = 64 << 10

// httpText takes a body, decoded, and holds of it as text what expectations need:
// all of it for expressions and JSON; to be searched for words it need not be held.
// A text in another charset becomes UTF-8.
type httpText struct {
	budget *probes.BodyBudget
	words  []string // to search for
	whole  bool     // all is wanted

	sniff  bool              // a byte order mark may say that it is UTF-16
	decode *transform.Writer // nil: it is taken as it comes
	length int64             // of the text so far, bytes
	kept   []byte            // the text, or its beginning
	claims int64             // of the budget
	lost   bool              // all was wanted, and the budget had no room for it
	held   int64             // what this run held of the budget then
	others int64             // and the others
	search *wordSearch       // of a text that is not kept in full
}

// newText is nil where no expectation is about the text.
func (x *httpRun) newText(resp *http.Response) *httpText {
	if !x.Expect.wantsContent() {
		return nil
	}
	e := x.Expect
	t := &httpText{budget: x.run.Env.BodyBudget(), words: e.BodyContains, whole: e.BodyRegex != "" || e.BodyNotRegex != "" || len(e.JSON) > 0}
	kind, charset := contentType(resp.Header.Get("Content-Type"))
	switch {
	case charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8"):
		t.sniff = charset == "" && mayBeText(kind)
	default:
		encoding, err := htmlindex.Get(charset)
		if err != nil {
			x.note("the charset %q is not known: the body is compared as it came", charset)
			break
		}
		t.decode = transform.NewWriter(textSink{t}, unicode.BOMOverride(encoding.NewDecoder()))
	}
	return t
}

// contentType takes a Content-Type apart (RFC 9110 section 8.3), also one that is
// not quite in order.
func contentType(s string) (kind, charset string) {
	kind, parameters, err := mime.ParseMediaType(s)
	if err == nil {
		return kind, parameters["charset"]
	}
	kind, rest, _ := strings.Cut(strings.ToLower(s), ";")
	if _, after, ok := strings.Cut(rest, "charset="); ok {
		charset, _, _ = strings.Cut(after, ";")
	}
	return strings.TrimSpace(kind), strings.Trim(charset, "\"' \t")
}

func mayBeText(kind string) bool {
	return kind == "" || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "javascript")
}

// textSink is what the decoder of a charset writes to.
type textSink struct{ t *httpText }

func (s textSink) Write(p []byte) (int, error) { s.t.add(p); return len(p), nil }

// Write implements io.Writer. It never fails.
func (t *httpText) Write(p []byte) (int, error) {
	if t.sniff && len(p) > 0 {
		t.sniff = false
		if bytes.HasPrefix(p, []byte{0xfe, 0xff}) || bytes.HasPrefix(p, []byte{0xff, 0xfe}) {
			t.decode = transform.NewWriter(textSink{t}, unicode.BOMOverride(transform.Nop))
		}
	}
	if t.decode != nil {
		return t.decode.Write(p)
	}
	t.add(p)
	return len(p), nil
}

// end says that there is no more.
func (t *httpText) end() {
	if t.decode != nil {
		t.decode.Close()
	}
	t.kept = bytes.TrimPrefix(t.kept, []byte("\xef\xbb\xbf")) // which RFC 8259 section 8.1 lets readers ignore
}

func (t *httpText) add(p []byte) {
	t.length += int64(len(p))
	switch {
	case t.search != nil:
		t.search.next(p)
	case !t.whole && len(t.kept)+len(p) > textHead, !t.grow(len(p)):
		t.search = searchFor(t.words, t.kept)
		t.search.next(p)
		if t.whole {
			t.noRoom()
			t.lost = true
			t.release()
		}
	default:
		t.kept = append(t.kept, p...)
	}
}

// grow makes room for n more bytes.
func (t *httpText) grow(n int) bool {
	if len(t.kept)+n <= cap(t.kept) {
		return true
	}
	more := cap(t.kept)
	if more > 1<<20 {
		more /= 4 // while it is copied there are both
	}
	size := max(cap(t.kept)+more, len(t.kept)+n)
	if !t.budget.Claim(int64(size), t.claims) {
		return false
	}
	bigger := append(make([]byte, 0, size), t.kept...)
	t.budget.Release(t.claims)
	t.claims, t.kept = int64(size), bigger
	return true
}

// work claims n bytes more for what is made of the text; false when there is no room.
func (t *httpText) work(n int64) bool {
	if !t.budget.Claim(n, t.claims) {
		t.noRoom()
		return false
	}
	t.claims += n
	return true
}

// noRoom notes who held what as there was no room for more.
func (t *httpText) noRoom() {
	t.held, t.others = t.claims, t.budget.Taken()-t.claims
}

// release lets go of what is held.
func (t *httpText) release() {
	if t != nil {
		t.kept = nil
		t.budget.Release(t.claims)
		t.claims = 0
	}
}

// contains says whether the i-th word is in the text.
func (t *httpText) contains(i int) bool {
	if t.search != nil {
		return t.search.found[i]
	}
	return bytes.Contains(t.kept, []byte(t.words[i]))
}

// wordSearch looks for words in a text that comes in pieces.
type wordSearch struct {
	words   []string
	found   []bool
	longest int
	tail    []byte // as much of what came as may be the beginning of a word
}

func searchFor(words []string, begun []byte) *wordSearch {
	s := &wordSearch{words: words, found: make([]bool, len(words))}
	for _, w := range words {
		s.longest = max(s.longest, len(w))
	}
	s.next(begun)
	return s
}

func (s *wordSearch) next(p []byte) {
	if len(s.words) == 0 {
		return
	}
	s.tail = append(s.tail, p...)
	for i, w := range s.words {
		s.found[i] = s.found[i] || bytes.Contains(s.tail, []byte(w))
	}
	s.tail = append(s.tail[:0], s.tail[max(0, len(s.tail)-s.longest+1):]...)
}

var _ io.Writer = (*httpText)(nil)
