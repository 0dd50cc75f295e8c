package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// What the store that is read holds: results of so many monitors on so many
// agents in turn, each of the size that one of a tcp monitor has.
const (
	readMonitors = 1000
	readAgents   = 3
	readEach     = 826 // bytes of one result in the stream
)

// readSettle is the time in which the broker gives back what reading took.
const readSettle = time.Minute

// reading measures what the broker pays while stored results are read.
func reading(ctx context.Context, o *options, r *report) error {
	_, err := measureReading(ctx, o, r, o.storeSize, o.settle)
	return err
}

// measureReading reads a store of so many bytes: one monitor twice, on one agent,
// its newest results, and all of it. It returns the most that the broker took, MiB.
func measureReading(ctx context.Context, o *options, r *report, size int64, settle time.Duration) (peak float64, err error) {
	dir := o.storeAt
	if dir == "" {
		if dir, err = os.MkdirTemp("", "netmon-bench-store"); err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
	}
	addr, err := freeAddr()
	if err != nil {
		return 0, err
	}
	m := &mesh{netmon: o.netmon, dir: dir, url: "nats://" + addr}
	defer func() { m.broker.stop() }()
	if err := m.startBroker(ctx, addr); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := seed(ctx, m.url, size); err != nil {
		return 0, err
	}
	seeded := time.Since(begin)
	// What storing them took is not what reading takes.
	m.broker.stop()
	if err := m.startBroker(ctx, addr); err != nil {
		return 0, err
	}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return 0, err
	}
	base, err := m.broker.usage()
	if err != nil {
		return 0, err
	}
	n := size / readEach
	r.say("a store of %.1f GiB, %d results of %d monitors on %d agents, made in %.0f s: the broker is idle at %.0f MiB", float64(size)/(1<<30), n, readMonitors, readAgents, seeded.Seconds(), base.rss)
	for _, c := range []struct {
		what  string
		lines int64
		args  []string
	}{
		{"one monitor", n / readMonitors, []string{"m00001", "--from", "24h"}},
		{"the same again", n / readMonitors, []string{"m00001", "--from", "24h"}},
		{"one monitor on one agent", n / readMonitors / readAgents, []string{"m00001", "--agent", "agent0", "--from", "24h"}},
		{"the newest of one monitor", 100, []string{"m00001", "--tail", "100"}},
		{"all of it", n, []string{"--from", "24h", "-o", "ndjson"}},
	} {
		got, err := m.read(ctx, c.args, settle)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", c.what, err)
		}
		r.say("read %s: %d results in %.2f s (%.0f a second), the broker's CPU %.2f s; it grew by %.0f MiB at most, and by %.0f %v later", c.what, got.lines,
			got.took.Seconds(), float64(got.lines)/got.took.Seconds(), got.cpu.Seconds(), got.peak-base.rss, got.after-base.rss, settle)
		if got.lines < c.lines-10 || got.lines > c.lines+10 {
			return 0, fmt.Errorf("read %s: %d results, want about %d", c.what, got.lines, c.lines)
		}
		peak = max(peak, got.peak)
	}
	return peak, nil
}

// whatRead is what one reading took.
type whatRead struct {
	lines       int64
	took, cpu   time.Duration
	peak, after float64 // MiB of the broker
}

// read runs netmon get results and looks at the broker meanwhile.
func (m *mesh) read(ctx context.Context, args []string, settle time.Duration) (w whatRead, err error) {
	before, err := m.broker.usage()
	if err != nil {
		return w, err
	}
	cmd := exec.CommandContext(ctx, m.netmon, append(append([]string{"get", "results"}, args...), m.as()...)...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+m.dir, "XDG_CONFIG_HOME="+m.dir)
	var lines lineCounter
	cmd.Stdout, cmd.Stderr = &lines, os.Stderr
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			if u, err := m.broker.usage(); err == nil {
				w.peak = max(w.peak, u.rss)
			}
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	begin := time.Now()
	err = cmd.Run()
	w.took, w.lines = time.Since(begin), int64(lines)
	close(ended)
	watching.Wait()
	if err != nil {
		return w, err
	}
	u, err := m.broker.usage()
	if err != nil {
		return w, err
	}
	w.cpu = u.cpu - before.cpu
	if err := sleep(ctx, settle); err != nil {
		return w, err
	}
	u, err = m.broker.usage()
	w.after = u.rss
	return w, err
}

// lineCounter counts the lines that are written to it.
type lineCounter int64

func (c *lineCounter) Write(b []byte) (int, error) {
	for _, x := range b {
		if x == '\n' {
			*c++
		}
	}
	return len(b), nil
}

// seed stores results of so many bytes, unless they are there.
func seed(ctx context.Context, url string, size int64) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, wire.ResultsStream)
	for tries := 0; err != nil && tries < 50; tries++ { // the controller makes it
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		stream, err = js.Stream(ctx, wire.ResultsStream)
	}
	if err != nil {
		return err
	}
	if stream.CachedInfo().State.Bytes > 0 {
		return nil
	}
	for i := range size / readEach {
		msg, err := seedResult(i)
		if err != nil {
			return err
		}
		if _, err := js.PublishMsgAsync(msg, jetstream.WithStallWait(time.Minute)); err != nil {
			return err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return nil
	case <-time.After(time.Minute):
		return errors.New("the broker does not acknowledge what it stores")
	}
}

// seedResult is result number i, as an agent sends it. The header with its name
// is one that the broker does not remember.
func seedResult(i int64) (*nats.Msg, error) {
	agent, monitor := fmt.Sprintf("agent%d", i%readAgents), fmt.Sprintf("m%05d", i/readAgents%readMonitors)
	latency := 200_000 + i*7919%100_000
	r := wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Target: "192.0.2.7:5432", Epoch: "E6TGUCZCDN434QQK", Seq: uint64(i + 1), Run: uint64(i/readAgents/readMonitors + 1),
		Started: time.Now().UTC(), ElapsedNS: latency + 11_000, LatencyNS: &latency, Clock: "tcp_info", Outcome: wire.OK, Summary: "connected", Address: "192.0.2.7", Revision: 41}
	r.Due = r.Started
	details := map[string]any{"connect_ns": latency, "local": "192.0.2.20:41234"}
	msg := nats.NewMsg("results." + agent + "." + monitor)
	msg.Header.Set("Bench-Msg-Id", r.ID())
	const frame = 22 + 8 + 4 // bytes that the store adds: header, checksum, length of the message's header
	for {
		var err error
		if r.Details, err = json.Marshal(details); err != nil {
			return nil, err
		}
		if msg.Data, err = json.Marshal(r); err != nil {
			return nil, err
		}
		missing := readEach - frame - len(msg.Subject) - len("NATS/1.0\r\nBench-Msg-Id: \r\n\r\n") - len(r.ID()) - len(msg.Data)
		if missing <= len(`,"path":""`) || details["path"] != nil {
			return msg, nil
		}
		details["path"] = padding(i, missing-len(`,"path":""`))
	}
}

// padding is text that compresses about as figures do.
func padding(i int64, n int) string {
	const figures = "0123456789"
	b := make([]byte, n)
	for j := range b {
		b[j] = "hop 192.0.2.1 rtt_ns "[j%21]
		if j%21 >= 13 {
			b[j] = figures[(i*31+int64(j)*17)%10]
		}
	}
	return string(b)
}
