package shoutrrr

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Gate makes the connections of one process: by a dialer that asks a policy, to one
// address alone. It listens on loopback, and lets in who has its ticket.
type Gate struct {
	listener net.Listener
	ticket   string
	to       string // HOST:PORT in lower case
	dial     func(ctx context.Context, network, address string) (net.Conn, error)

	mu      sync.Mutex // guards refused
	refused error      // why the last connection was not made
	wait    sync.WaitGroup
	cancel  context.CancelFunc
}

// OpenGate opens a gate to an address. Close it.
func OpenGate(ctx context.Context, to string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Gate, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for shoutrrr: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	g := &Gate{listener: l, ticket: rand.Text(), to: strings.ToLower(to), dial: dial, cancel: cancel}
	g.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.wait.Go(func() { g.serve(ctx, c) })
		}
	})
	return g, nil
}

// Order is what a process needs to send by this gate.
func (g *Gate) Order(url, text string) Order {
	return Order{URL: url, Text: text, Gate: g.listener.Addr().String(), Ticket: g.ticket}
}

// Refused is why the last connection that was asked for was not made; nil if it was.
func (g *Gate) Refused() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// Close ends every connection, and waits for that.
func (g *Gate) Close() {
	g.listener.Close()
	g.cancel()
	g.wait.Wait()
}

// gateTime is how long a connection may take to say where it wants to go.
const gateTime = 10 * time.Second

func (g *Gate) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(gateTime))
	in := bufio.NewReader(io.LimitReader(c, 8<<10))
	req, err := http.ReadRequest(in)
	if err != nil || req.Method != http.MethodConnect || subtle.ConstantTimeCompare([]byte(req.Header.Get("Proxy-Authorization")), []byte(g.ticket)) != 1 {
		return
	}
	far, err := g.connect(ctx, req.Host)
	g.mu.Lock()
	g.refused = err
	g.mu.Unlock()
	if err != nil {
		fmt.Fprint(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer far.Close()
	stopFar := context.AfterFunc(ctx, func() { far.Close() })
	defer stopFar()
	_ = c.SetDeadline(time.Time{})
	fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, c); far.Close() })
	both.Go(func() { _, _ = io.Copy(c, far); c.Close() })
	both.Wait()
}

// connect dials for the process, if that is where it may go.
func (g *Gate) connect(ctx context.Context, address string) (net.Conn, error) {
	if strings.ToLower(address) != g.to {
		return nil, fmt.Errorf("it connects to %q, but the option to is %q", address, g.to)
	}
	return g.dial(ctx, "tcp", address)
}

// dial is how the process connects: the gate does it.
func (o *Order) dial(ctx context.Context, _, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Gate)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: %s\r\n\r\n", address, address, o.Ticket)
	if err == nil {
		var resp *http.Response
		// The far side says nothing before the near one, so nothing is buffered beyond.
		if resp, err = http.ReadResponse(bufio.NewReaderSize(c, 16), &http.Request{Method: http.MethodConnect}); err == nil && resp.StatusCode != http.StatusOK {
			err = errRefused
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
