package http

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"netmon/probes"
	"netmon/probes/internal/words"
)

// connection returns the connection to the origin of u: of this run, of the run
// before, or a new one.
func (x *httpRun) connection(ctx context.Context, u *url.URL) (c *httpConn, reused bool, err error) {
	origin := httpOrigin(u)
	old := x.conns[origin]
	if old == nil {
		if old = x.kept.conns[origin]; old != nil {
			delete(x.kept.conns, origin)
			if !old.reclaim() {
				old = nil
			}
		}
	}
	if old != nil {
		over := old.over(x)
		if over == "" {
			x.conns[origin] = old
			x.run.Stepf("using the kept connection to %s, %v old", old.remote, time.Since(old.made).Round(time.Millisecond))
			x.run.Reached(old.target)
			return old, true, nil
		}
		x.run.Stepf("the connection before to %s %s", old.remote, over)
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

// over says why the connection cannot serve another request of x, "" when it can.
func (c *httpConn) over(x *httpRun) string {
	switch {
	case !x.KeepAlive || c.cc.Err() != nil || c.cc.Available() == 0:
		if why := c.meter.broke(); why != nil && why != io.EOF {
			return "is over: " + words.Plain(why).Error()
		}
		return "is over"
	case x.start.Sub(c.made) >= x.MaxConnectionAge.Std():
		return fmt.Sprintf("is older than %v (max_connection_age)", x.MaxConnectionAge)
	}
	return ""
}

// The bounds of max_connection_age, and its default.
const (
	leastAge   = time.Second
	defaultAge = 5 * time.Minute
	mostAge    = 24 * time.Hour
)

// end closes the connections, or leaves those that can serve again for the next
// run. After a run that did not come to its end none is left: nothing shows
// whether they are of any use.
func (x *httpRun) end(complete bool) {
	x.kept.Close() // what was not used this time
	for origin, c := range x.conns {
		if !complete || c.over(x) != "" || !c.park(x.run.Env, x.MaxConnectionAge.Std()) {
			c.close()
			continue
		}
		if x.kept.conns == nil {
			x.kept.conns = map[string]*httpConn{}
		}
		x.kept.conns[origin] = c
	}
}

// Close implements io.Closer: it closes the connections that wait for the next
// run, which does not come.
func (k *kept) Close() error {
	for origin, c := range k.conns {
		if c.reclaim() {
			c.close()
		}
		delete(k.conns, origin)
	}
	return nil
}

// idle holds the connections of all monitors that wait for the next run, to
// be closed with the [probes.Env].
type idle struct {
	mu    sync.Mutex
	conns map[*httpConn]bool
}

// Close implements io.Closer.
func (i *idle) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for c := range i.conns {
		c.timer.Stop()
		c.close()
	}
	i.conns = nil
	return nil
}

// park leaves the connection for the next run; false when it cannot. It is
// closed when it has its greatest age, when the server says something, with the
// monitor ([probes.Check.Close]) and with env.
func (c *httpConn) park(env *probes.Env, most time.Duration) bool {
	left := most - time.Since(c.made)
	if left <= 0 {
		return false
	}
	shared, err := env.Shared("http", func() (io.Closer, error) { return &idle{conns: map[*httpConn]bool{}}, nil })
	if err != nil {
		return false
	}
	c.idle = shared.(*idle)
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	if c.idle.conns == nil {
		return false
	}
	c.idle.conns[c] = true
	if c.watch != nil {
		c.watch.Rest()
	} else {
		c.meter.rest()
	}
	c.timer = time.AfterFunc(left, func() {
		if c.reclaim() {
			c.close()
		}
	})
	return true
}

// reclaim takes the connection back; false when it was closed meanwhile.
func (c *httpConn) reclaim() bool {
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	if !c.idle.conns[c] {
		return false
	}
	delete(c.idle.conns, c)
	c.timer.Stop()
	return true
}
