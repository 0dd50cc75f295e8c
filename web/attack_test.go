package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/wire"
)

// serveOn serves the world's pages on a listener, with the bounds of a server.
func (w *world) serveOn(t *testing.T, l net.Listener, change ...func(*Options)) *Server {
	t.Helper()
	s, h := w.serve(t, change...)
	h.Close() // its handler alone has no bounds
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestServe_SlowLoris: who sends a header or a body a byte at a time is let go within the
// time of a request, however many they are, and others are served meanwhile.
func TestServe_SlowLoris(t *testing.T) {
	w := newWorld()
	w.save("web", "tcp", "h:1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.serveOn(t, l, func(o *Options) { o.within = 500 * time.Millisecond })
	var slow []net.Conn
	var sending sync.WaitGroup
	defer sending.Wait()
	for _, begin := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n",
		"",
	} {
		for range 50 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			slow = append(slow, c)
			sending.Go(func() { drip(c, begin) })
		}
	}
	if code, page, _ := get(t, "http://"+l.Addr().String()+"/"); code != http.StatusOK || !strings.Contains(page, "m-web") {
		t.Errorf("the page is answered with %d: %s", code, page)
	}
	for _, c := range slow {
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a client that sends a byte at a time is kept")
		}
	}
}

// drip sends a text, and then a byte now and then, until nobody takes them.
func drip(c net.Conn, text string) {
	_, err := io.WriteString(c, text)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for err == nil && text != "" {
		<-tick.C
		_, err = c.Write([]byte{'x'})
	}
}

// pipes is a listener for clients in this process: so many as are here would need more
// files than a process may have.
type pipes struct {
	come chan net.Conn
	end  chan struct{}
	once sync.Once
}

func newPipes() *pipes { return &pipes{come: make(chan net.Conn), end: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.come:
		return c, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.end) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// ask sends a request on a connection of its own, which stays open while its answer does.
func (p *pipes) ask(t *testing.T, path string) (*http.Response, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	select {
	case p.come <- theirs:
	case <-time.After(time.Minute):
		t.Fatal("nobody takes a connection any more")
	}
	r, err := http.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	if err == nil {
		err = r.Write(ours)
	}
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(bufio.NewReaderSize(ours, 512), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return resp, ours
}

// TestServe_IdleEventSources: of 10,000 live pages of one client as many are live as may be;
// the others are told to come again, and take neither memory nor the connections of who
// wants a page.
func TestServe_IdleEventSources(t *testing.T) {
	need.Time(t)
	const ask, perViewer = 10_000, 100 << 10
	w := newWorld()
	w.agent("paris")
	w.save("web", "tcp", "h:1")
	w.judge("web", wire.VerdictUp, "")
	l := newPipes()
	w.serveOn(t, l)
	before := memory()
	live, told := 0, make(chan bool, MaxViewers)
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait)
	for range ask {
		resp, c := l.ask(t, "/events?page=monitors")
		t.Cleanup(func() { c.Close() })
		switch {
		case resp.StatusCode == http.StatusOK:
			live++
			reading.Go(func() { told <- reads(resp.Body, "gone") })
		case resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "":
			t.Fatalf("it is answered with %d %v", resp.StatusCode, resp.Header)
		default: // it does not go by itself
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if live != MaxViewers {
		t.Fatalf("%d are live, want %d", live, MaxViewers)
	}
	if grown := memory() - before; grown > MaxViewers*perViewer {
		t.Errorf("they take %d kB, want %d at most", grown>>10, MaxViewers*perViewer>>10)
	}
	page, c := l.ask(t, "/")
	defer c.Close()
	if text, err := io.ReadAll(page.Body); err != nil || page.StatusCode != http.StatusOK || !strings.Contains(string(text), "m-web") {
		t.Errorf("a page is answered with %d %v", page.StatusCode, err)
	}
	w.judge("web", wire.VerdictDown, "gone")
	for range live {
		if !<-told {
			t.Fatal("one that is live is not told what changed")
		}
	}
}

// reads reads a stream until there is a text in it, and says whether there was.
func reads(stream io.Reader, text string) bool {
	lines := bufio.NewReaderSize(stream, 512)
	for {
		line, err := lines.ReadSlice('\n')
		if bytes.Contains(line, []byte(text)) {
			return true
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
	}
}

// memory is what this process has in use, clients and all.
func memory() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
