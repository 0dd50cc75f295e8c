package httpserve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

const patience = 30 * time.Second

func serve(t *testing.T, b Bounds) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }), b, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// TestServe_SlowHeader: whoever sends a header by the byte is let go, and holds up nobody.
func TestServe_SlowHeader(t *testing.T) {
	b := Usual()
	b.Connections, b.HeaderTime = 2, 200*time.Millisecond
	addr := serve(t, b)
	for range 2 {
		c := dial(t, addr)
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
	}
	c := dial(t, addr) // waits for a place
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
}

// TestServe_Idle: connections without a request end, and where there are many none is kept
// for another one.
func TestServe_Idle(t *testing.T) {
	b := Usual()
	b.Connections, b.Idle, b.HeaderTime = 4, 200*time.Millisecond, 200*time.Millisecond
	addr := serve(t, b)
	var all []net.Conn
	for range 4 {
		all = append(all, dial(t, addr))
	}
	c := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
	for _, c := range all {
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("an idle connection is kept: %v", err)
		}
	}
}

// TestServe_Crowded: while nearly all places are taken, who was answered leaves.
func TestServe_Crowded(t *testing.T) {
	b := Usual()
	b.Connections = 4
	addr := serve(t, b)
	closes := func(c net.Conn) bool {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Close
	}
	if closes(dial(t, addr)) {
		t.Error("the first one is let go")
	}
	for range 2 {
		closes(dial(t, addr))
	}
	if !closes(dial(t, addr)) {
		t.Error("nobody can come any more, and it is kept")
	}
}

// TestServe_LargeHeader is refused.
func TestServe_LargeHeader(t *testing.T) {
	b := Usual()
	b.Header = 4096
	c := dial(t, serve(t, b))
	go func() {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n")
		for range 1000 {
			if _, err := fmt.Fprintf(c, "X-Large: %0100d\r\n", 1); err != nil {
				return
			}
		}
	}()
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%v", resp.Status)
	}
}

func TestTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{"": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzipped": false} {
		if got := TakesGzip(&http.Request{Header: http.Header{"Accept-Encoding": {header}}}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}
