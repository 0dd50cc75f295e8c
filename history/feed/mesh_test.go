package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/wire"
)

const natsWait = 20 * time.Second

// mesh is a broker, and what tests do with it.
type mesh struct {
	t   *testing.T
	b   *broker.Broker
	nc  *nats.Conn
	js  jetstream.JetStream
	seq map[string]uint64
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	return &mesh{t: t, b: b, nc: nc, js: natstest.JetStream(t, nc), seq: map[string]uint64{}}
}

// result is the next one of an agent, which was due at a moment.
func (m *mesh) result(agent, monitor string, due time.Time, outcome wire.Outcome) wire.Result {
	m.seq[agent]++
	latency := int64(1_000_000 + m.seq[agent]%1000)
	r := wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Target: "192.0.2.1:443", Epoch: "E6TGUCZCDN434QQK", Seq: m.seq[agent], Run: m.seq[agent], Due: due.UTC(), Started: due.UTC(),
		ElapsedNS: latency, LatencyNS: &latency, Clock: "tcp_info", Outcome: outcome, Summary: "connected", Address: "192.0.2.1", Revision: 1}
	if outcome != wire.OK {
		r.Failure, r.Error, r.Summary, r.LatencyNS = wire.FailRefused, "connection refused", "", nil
	}
	return r
}

// send stores results.
func (m *mesh) send(results ...wire.Result) {
	m.t.Helper()
	for _, r := range results {
		data, err := json.Marshal(r)
		if err == nil {
			_, err = m.js.PublishAsync("results."+r.Agent+"."+r.Monitor, data, jetstream.WithStallWait(time.Minute))
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	select {
	case <-m.js.PublishAsyncComplete():
	case <-m.t.Context().Done():
	}
}

// sends stores n results of an agent, a second apart from a moment on; each tenth failed.
func (m *mesh) sends(n int, agent, monitor string, from time.Time) {
	m.t.Helper()
	var list []wire.Result
	for i := range n {
		outcome := wire.OK
		if i%10 == 9 {
			outcome = wire.Failed
		}
		list = append(list, m.result(agent, monitor, from.Add(time.Duration(i)*time.Second), outcome))
	}
	m.send(list...)
}

// feeder runs one until stop or the end of the test.
func (m *mesh) feeder(folder string, change func(*Feeder)) (f *Feeder, stop func()) {
	m.t.Helper()
	f = New(Options{Folder: folder, Connect: m.b.Connect})
	f.publishEvery, f.commitEvery = 0, time.Millisecond
	if change != nil {
		change(f)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx)
	}()
	stop = func() { cancel(); <-ended }
	m.t.Cleanup(stop)
	return f, stop
}

// ask asks one question.
func (m *mesh) ask(q wire.HistoryQuery) (wire.HistoryReply, error) {
	data, err := json.Marshal(q)
	if err != nil {
		return wire.HistoryReply{}, err
	}
	answer, err := m.nc.Request(wire.HistorySubject, data, 20*time.Second)
	if err != nil {
		return wire.HistoryReply{}, err
	}
	r, err := wire.DecodeHistoryReply(answer.Data)
	if err == nil && r.Error != nil {
		err = r.Error
	}
	return r, err
}

// sums are the runs of each series, as they are answered.
func (m *mesh) sums(from, to time.Time) (map[string]uint64, error) {
	q := wire.HistoryQuery{What: wire.HistoryRollups, From: from, To: to, Brief: true, Step: wire.Duration(time.Hour)}
	out := map[string]uint64{}
	for {
		r, err := m.ask(q)
		if err != nil {
			return nil, err
		}
		for _, s := range r.Series {
			for _, row := range s.Rows {
				out[s.Monitor+" on "+s.Agent+" ok"] += row.OK
				out[s.Monitor+" on "+s.Agent+" failed"] += row.Failed
			}
		}
		if q.After = r.Next; q.After == "" {
			return out, nil
		}
	}
}

// wantSums waits until the answer is so.
func (m *mesh) wantSums(from, to time.Time, want map[string]uint64) {
	m.t.Helper()
	m.eventually(func() error {
		got, err := m.sums(from, to)
		if err != nil {
			return err
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
}

// eventually asks again until there is no error.
func (m *mesh) eventually(ask func() error) {
	m.t.Helper()
	err := errors.New("it was not asked")
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
		if err = ask(); err == nil {
			return
		}
		if rest(m.t.Context(), 50*time.Millisecond) != nil {
			break
		}
	}
	m.t.Fatal(err)
}

// hours are what is in HISTORY.
func (m *mesh) hours() (list []wire.HistoryHour) {
	m.t.Helper()
	s, err := m.js.Stream(m.t.Context(), wire.HistoryStream)
	if err != nil {
		m.t.Fatal(err)
	}
	for seq := max(1, s.CachedInfo().State.FirstSeq); seq <= s.CachedInfo().State.LastSeq; seq++ {
		raw, err := s.GetMsg(m.t.Context(), seq)
		if err != nil {
			m.t.Fatal(err)
		}
		h, err := wire.DecodeHistoryHour(raw.Subject, raw.Data)
		if err != nil {
			m.t.Fatal(err)
		}
		list = append(list, h)
	}
	return list
}

func wantLen[T any](list []T, want int) error {
	if len(list) != want {
		return fmt.Errorf("there are %d, want %d: %v", len(list), want, list)
	}
	return nil
}
