package console_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/internal/natstest"
	"netmon/wire"
)

// BenchmarkFollow reads stored results as a console does; the broker is in the
// same process, and in the figure.
func BenchmarkFollow(b *testing.B) {
	s := natstest.Start(b)
	nc := natstest.Connect(b, s)
	js := natstest.JetStream(b, nc)
	const monitors = 1000
	latency := int64(58000)
	for i := range b.N {
		r := wire.Result{Agent: "paris", Monitor: fmt.Sprintf("web-%d", i%monitors), Kind: "tcp", Target: "192.0.2.1:443", Epoch: "E6TGUCZCDN434QQK",
			Seq: uint64(i + 1), Run: uint64(i/monitors + 1), Due: time.Now().UTC(), Started: time.Now().UTC(), ElapsedNS: 375685, LatencyNS: &latency,
			Clock: "tcp_info", Outcome: wire.OK, Summary: "connected", Address: "192.0.2.1", Details: []byte(`{"connect_ns":58000,"clock":"tcp_info","bytes_read":0}`)}
		data, err := r.AppendJSON(nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := js.PublishAsync("results.paris."+r.Monitor, data); err != nil {
			b.Fatal(err)
		}
		if i%2000 == 0 {
			<-js.PublishAsyncComplete()
		}
	}
	<-js.PublishAsyncComplete()
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(s.URL(), o...) })
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	var line console.Line
	enough, n := errors.New("enough"), 0
	b.ReportAllocs()
	b.ResetTimer()
	err = cl.Follow(context.Background(), console.Filter{Since: time.Now().Add(-time.Hour)}, nil, func(r wire.Result) error {
		line.Format(r)
		if n++; n == b.N {
			return enough
		}
		return nil
	})
	if err != enough {
		b.Fatal(err)
	}
}
