package backup

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"
)

// A server keeps what it stored in memory until nobody asked for it for 10 s. A
// restore at full speed would so fill the memory of a small host, and the server is
// in this process: above mostLive it gets a piece now and then, until it forgot some.
const (
	mostLive = 384 << 20
	slow     = 500 * time.Millisecond // the server gives up after 5 s without a piece
)

// pace waits where this process holds too much.
func pace(ctx context.Context) error {
	if live() < mostLive {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(slow):
	}
	runtime.GC() // which counts what is live
	return nil
}

// live is what the last collection of the heap left.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
