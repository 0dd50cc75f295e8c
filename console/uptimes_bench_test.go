package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/natstest"
	"netmon/wire"
)

// BenchmarkUptimes is what the uptimes of 1,000 monitors cost a live screen, and the
// broker in the same process, once a minute: three states each.
func BenchmarkUptimes(b *testing.B) {
	server := natstest.Start(b)
	nc := natstest.Connect(b, server)
	requests := 0
	var reply []byte
	if _, err := nc.Subscribe(wire.HistorySubject, func(m *nats.Msg) {
		requests++
		if reply == nil {
			q, _ := wire.DecodeHistoryQuery(m.Data)
			r := wire.HistoryReply{OK: true}
			third := q.To.Sub(q.From) / 3
			for n := range 1000 {
				for i, state := range []wire.VerdictState{wire.VerdictUp, wire.VerdictDown, wire.VerdictUp} {
					at := q.From.Add(time.Duration(i) * third)
					r.Spans = append(r.Spans, wire.HistorySpan{Monitor: fmt.Sprintf("m%04d", n), State: state, Since: at, Until: at.Add(third)})
				}
			}
			reply = r.Encode()
		}
		m.Respond(reply)
	}); err != nil {
		b.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		b.Fatal(err)
	}
	c, err := Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(server.URL(), o...) })
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	at := time.Now()
	for b.Loop() {
		spans, err := c.pastDay(b.Context(), nil, at)
		of := uptimesOf(spans, at)
		if err != nil || len(of) != 1000 {
			b.Fatalf("%d uptimes: %v", len(of), err)
		}
	}
	b.ReportMetric(float64(requests)/float64(b.N), "requests/op")
	b.ReportMetric(float64(len(reply)), "bytes/reply")
}
