package probes

import (
	"context"
	"io"
	"net/url"
	"sync"
	"time"
)

// connection returns the connection to the origin of u: of this run, of the run
// before, or a new one.
func (x *httpRun) connection(ctx context.Context, u *url.URL) (c *httpConn, reused bool, err error) {
	origin := httpOrigin(u)
	old := x.conns[origin]
	if old == nil {
		if old = x.kept.conns[origin]; old != nil {
			delete(x.kept.conns, origin)
			if !old.take() {
				old = nil
			}
		}
	}
	if old != nil {
		if x.KeepAlive && old.cc.Err() == nil && old.cc.Available() > 0 {
			x.conns[origin] = old
			x.run.Stepf("using the kept connection to %s", old.remote)
			x.run.Reached(old.target)
			return old, true, nil
		}
		x.run.Stepf("the connection before to %s is over", old.remote)
		old.close()
		delete(x.conns, origin)
	}
	c, err = x.open(ctx, u)
	if err != nil {
		return nil, false, err
	}
	x.conns[origin] = c
	return c, false, nil
}

// httpKeepFor is how long a connection is kept for the next run.
const httpKeepFor = 5 * time.Minute

// httpIdle holds the connections that wait for their monitor's next run.
type httpIdle struct {
	mu    sync.Mutex
	conns map[*httpConn]bool
}

// Close implements io.Closer.
func (i *httpIdle) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for c := range i.conns {
		c.timer.Stop()
		c.close()
	}
	i.conns = nil
	return nil
}

// park leaves the connection for the next run; false when it cannot. A monitor
// that is stopped does not come back for it: it is closed after httpKeepFor, or
// with env.
func (c *httpConn) park(env *Env) bool {
	shared, err := env.Shared("http", func() (io.Closer, error) { return &httpIdle{conns: map[*httpConn]bool{}}, nil })
	if err != nil {
		return false
	}
	c.idle = shared.(*httpIdle)
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	if c.idle.conns == nil {
		return false
	}
	c.idle.conns[c] = true
	c.timer = time.AfterFunc(httpKeepFor, func() {
		if c.take() {
			c.close()
		}
	})
	return true
}

// take takes the connection back; false when it was closed meanwhile.
func (c *httpConn) take() bool {
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	if !c.idle.conns[c] {
		return false
	}
	delete(c.idle.conns, c)
	c.timer.Stop()
	return true
}
