//go:build unix

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent/spool"
	"netmon/internal/natstest"
	"netmon/wire"
)

// cpu is what this process has used so far: the broker's part is in it.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchResult(i int) wire.Result {
	ns := int64(1_234_567)
	at := time.Unix(1_800_000_000, int64(i))
	return wire.Result{Agent: "paris", Monitor: fmt.Sprintf("monitor-%03d", i%1000), Kind: "tcp", Target: "198.51.100.7:443",
		Due: at, Started: at, ElapsedNS: ns, LatencyNS: &ns, Clock: "user", Outcome: wire.OK, Summary: "connected", Address: "198.51.100.7",
		Details: json.RawMessage(`{"resolve_ns":12345,"connect_ns":1234567,"bytes":1200}`)}
}

// fillSpool appends n results in the way the agent does.
func fillSpool(s *spool.Spool, n int) error {
	for i := range n {
		r := benchResult(i)
		err := s.Append(r.Monitor, func(buf []byte, epoch string, seq, run uint64) ([]byte, error) {
			r.Epoch, r.Seq, r.Run = epoch, seq, run
			return r.AppendJSON(buf)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// send runs a sender until b.N results are with the broker.
func send(b *testing.B, s *spool.Spool, nc *nats.Conn) {
	x := newSender("paris", s, opened(nc), &reach{}, slog.New(slog.DiscardHandler), func(p string) {
		if p != "" {
			b.Log(p)
		}
	})
	x.old = 0 // no other process has sent any of these
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); x.run(ctx) }()
	for pending, seq := 1, uint64(0); pending > 0 || seq < uint64(b.N); pending, seq, _ = s.Figures() {
		<-x.acked
	}
	stop()
	<-ended
}

// BenchmarkCatchUp delivers a backlog of b.N results to a broker with a file
// store, both in this process: -benchtime 1000000x is an outage of a thousand
// seconds at a thousand results a second.
func BenchmarkCatchUp(b *testing.B) {
	broker := natstest.Start(b)
	nc := natstest.Connect(b, broker)
	s, _, err := spool.Open(b.TempDir(), spool.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := fillSpool(s, b.N); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	before := cpu(b)
	send(b, s, nc)
	b.StopTimer()
	report(b, before)
}

// BenchmarkPublish is the whole way of a result from the probe to the broker's
// acknowledgement, with the spool and without one. The broker, in this process,
// is in both figures.
func BenchmarkPublish(b *testing.B) {
	b.Run("spool", func(b *testing.B) {
		nc := natstest.Connect(b, natstest.Start(b))
		s, _, err := spool.Open(b.TempDir(), spool.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		b.ResetTimer()
		before := cpu(b)
		filled := make(chan error, 1)
		go func() { filled <- fillSpool(s, b.N) }()
		send(b, s, nc)
		if err := <-filled; err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		report(b, before)
	})
	b.Run("direct", func(b *testing.B) {
		nc := natstest.Connect(b, natstest.Start(b))
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(window))
		if err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		before := cpu(b)
		for i := range b.N {
			r := benchResult(i)
			r.Epoch, r.Seq, r.Run = "epoch", uint64(i+1), uint64(i/1000+1)
			data, err := json.Marshal(&r)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := js.PublishAsync("results.paris."+r.Monitor, data, jetstream.WithMsgID(r.ID())); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		b.StopTimer()
		report(b, before)
	})
}

func report(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "results/s")
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/result")
	b.ReportMetric(0, "ns/op")
}
