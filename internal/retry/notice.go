package retry

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// moment is how long waiting is not worth reporting.
const moment = time.Second

type noticeKey struct{}

// WithNotice returns a context in which the first request that takes long call tell
// called with what it waits for, once.
func WithNotice(ctx context.Context, tell func(what string)) context.Context {
	var once sync.Once
	return context.WithValue(ctx, noticeKey{}, func(nc *nats.Conn) { once.Do(func() { tell(waitingFor(nc)) }) })
}

func notify(ctx context.Context, nc *nats.Conn) {
	if tell, ok := ctx.Value(noticeKey{}).(func(*nats.Conn)); ok {
		tell(nc)
	}
}

func waitingFor(nc *nats.Conn) string {
	switch {
	case !nc.IsConnected():
		return "waiting for the connection to the broker"
	case clustered(nc):
		return "waiting for the cluster to elect a leader"
	}
	return "waiting for the broker to answer"
}
