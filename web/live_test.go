package web

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// stream reads the events of a page.
func watch(t *testing.T, url string, packed bool) (next func() event, body io.Closer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	if packed {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || (resp.Header.Get("Content-Encoding") == "gzip") != packed {
		t.Fatalf("%s: %d %v", url, resp.StatusCode, resp.Header)
	}
	from := io.Reader(resp.Body)
	if packed {
		if from, err = gzip.NewReader(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewReader(from)
	return func() event {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if text, ok := strings.CutPrefix(line, "data: "); ok {
				var e event
				if err := json.Unmarshal([]byte(text), &e); err != nil {
					t.Fatal(err)
				}
				return e
			}
		}
	}, resp.Body
}

var feedAddress = regexp.MustCompile(`data-feed="([^"]*)"`)

// feedOf is where what changes on a page comes from.
func feedOf(t *testing.T, page string) string {
	t.Helper()
	m := feedAddress.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no feed")
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

// TestLive_SendsWhatChanged: a viewer gets the row that changed and nothing else, packed or
// not; one whose page is of another feed gets all.
func TestLive_SendsWhatChanged(t *testing.T) {
	for _, packed := range []bool{false, true} {
		w := newWorld()
		w.agent("paris")
		w.save("web", "tcp", "h:1")
		w.save("db", "tcp", "h:2")
		w.judge("web", wire.VerdictUp, "")
		w.judge("db", wire.VerdictUp, "")
		_, h := w.serve(t)
		_, page, _ := get(t, h.URL+"/")
		next, _ := watch(t, h.URL+feedOf(t, page), packed)
		for i, state := range []wire.VerdictState{wire.VerdictDown, wire.VerdictUp, wire.VerdictDown} {
			w.judge("web", state, "it is "+string(state))
			e := next()
			for e.HTML["m-web"] == "" {
				e = next()
			}
			if !strings.Contains(e.HTML["m-web"], `aria-label="`+string(state)+`"`) || e.HTML["m-db"] != "" {
				t.Errorf("change %d: %+v", i, e)
			}
		}
		_, fresh, _ := get(t, h.URL+"/")
		inOrder(t, fresh, `id="m-web" class="down"`, `id="m-db" class="up"`)

		all, _ := watch(t, h.URL+"/events?page=monitors", packed)
		if e := all(); e.HTML["m-web"] == "" || e.HTML["m-db"] == "" || e.HTML["sum"] == "" || len(e.Order) != 2 || e.Order[0] != "m-web" {
			t.Errorf("a viewer without a page gets %+v", e)
		}
	}
}

// TestLive_NothingIsLostBetweenPageAndStream: what changed after the page was made comes
// first.
func TestLive_NothingIsLostBetweenPageAndStream(t *testing.T) {
	w := newWorld()
	w.agent("paris")
	w.save("web", "tcp", "h:1")
	w.judge("web", wire.VerdictUp, "")
	_, h := w.serve(t)
	_, other, _ := get(t, h.URL+"/")
	next, _ := watch(t, h.URL+feedOf(t, other), false) // so that the feed goes on
	_, page, _ := get(t, h.URL+"/")
	w.judge("web", wire.VerdictDown, "gone")
	for e := next(); e.HTML["m-web"] == ""; {
		e = next()
	}
	late, _ := watch(t, h.URL+feedOf(t, page), false)
	for e := late(); !strings.Contains(e.HTML["m-web"], "gone"); {
		e = late()
	}
}

// TestLive_PageOfAMomentAgo: who asks while a page is fresh gets that page, and what changed
// since by its stream.
func TestLive_PageOfAMomentAgo(t *testing.T) {
	w := newWorld()
	w.agent("paris")
	w.save("web", "tcp", "h:1")
	w.judge("web", wire.VerdictUp, "")
	_, h := w.serve(t, func(o *Options) { o.pace = time.Hour })
	_, first, header := get(t, h.URL+"/")
	w.judge("web", wire.VerdictDown, "gone")
	_, second, again := get(t, h.URL+"/")
	if first != second || header.Get("ETag") != again.Get("ETag") {
		t.Error("a page is made again within the pace")
	}
	next, _ := watch(t, h.URL+feedOf(t, second), true)
	if e := next(); !strings.Contains(e.HTML["m-web"], "gone") {
		t.Errorf("the stream begins with %+v", e)
	}
}

// TestLive_DeletedMonitor: its row goes, and its own page ends.
func TestLive_DeletedMonitor(t *testing.T) {
	w := newWorld()
	w.save("web", "tcp", "h:1")
	w.save("db", "tcp", "h:2")
	_, h := w.serve(t)
	next, _ := watch(t, h.URL+"/events?page=monitors", false)
	next()
	_, own := watch(t, h.URL+"/events?page=monitor&name=web", false)
	w.Saved("web", nil, nil, time.Now())
	w.changed()
	e := next()
	for e.Order == nil {
		e = next()
	}
	if len(e.Order) != 1 || e.Order[0] != "m-db" {
		t.Errorf("the rows are %v", e.Order)
	}
	if _, err := io.Copy(io.Discard, own.(io.Reader)); err != nil {
		t.Error(err)
	}
	if code, _, _ := get(t, h.URL+"/events?page=monitor&name=web"); code != http.StatusNoContent {
		t.Errorf("its events: %d", code)
	}
}

// TestLive_Bounded: as many viewers as may be, and the next one is told when to come again.
func TestLive_Bounded(t *testing.T) {
	w := newWorld()
	_, h := w.serve(t, func(o *Options) { o.Viewers = 2 })
	_, first := watch(t, h.URL+"/events?page=monitors", false)
	watch(t, h.URL+"/events?page=agents", true)
	code, text, header := get(t, h.URL+"/events?page=monitors")
	if code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(text, "2 pages are live already") {
		t.Errorf("%d %q %v", code, text, header)
	}
	first.Close()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		r, err := http.Get(h.URL + "/events?page=monitors")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the place of who left stays taken")
		}
	}
}

// TestLive_SlowViewerIsLetGo: who does not read holds up nobody, and is let go.
func TestLive_SlowViewerIsLetGo(t *testing.T) {
	w := newWorld()
	s, _ := w.serve(t)
	f, err := s.feed(t.Context(), "monitors")
	if err != nil {
		t.Fatal(err)
	}
	slow, err := f.watch(f.id, f.version)
	if err != nil {
		t.Fatal(err)
	}
	for i := range behindMost + replayMost + 1 {
		w.save("m"+string(rune('A'+i)), "tcp", "h:1")
		f.mu.Lock()
		err := f.advance()
		f.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-slow.gone:
	default:
		t.Error("a viewer that reads nothing is kept")
	}
}

// TestServe_Connections: a client that says nothing is let go, and more connections than
// may be open wait.
func TestServe_Connections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	few := limited(l, 1)
	t.Cleanup(func() { few.Close() })
	dial := func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	dial()
	dial()
	first, err := few.Accept()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan net.Conn)
	go func() {
		c, err := few.Accept()
		if err == nil {
			second <- c
		}
	}()
	select {
	case <-second:
		t.Fatal("two are open at a time")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	(<-second).Close()
}

// TestFollow_OnlyWhileSomebodyLooks: the mesh is not followed before the first page.
func TestFollow_OnlyWhileSomebodyLooks(t *testing.T) {
	w := newWorld()
	_, h := w.serve(t)
	if w.follows != 0 {
		t.Error("it is followed though nobody looks")
	}
	get(t, h.URL+"/")
	get(t, h.URL+"/agents")
	if w.follows != 1 {
		t.Errorf("it is followed %d times", w.follows)
	}
}
