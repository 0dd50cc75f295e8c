package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// What the judge is measured with: so many results a second of each monitor on so
// many agents, and monitors that fail everywhere for a while, one after the other.
const (
	judgeRate   = 10_000
	judgeAgents = 3
	judgeFault  = 4 * time.Second
	judgeFaults = 10 // monitors that begin to fail in a second
)

// judging measures what the leading controller takes to judge.
func judging(ctx context.Context, o *options, r *report) error {
	for _, n := range o.monitors {
		if err := measureJudge(ctx, o, r, n); err != nil {
			return fmt.Errorf("%d monitors: %w", n, err)
		}
	}
	return nil
}

// judged is a broker without a controller, a controller, and what feeds it.
type judged struct {
	*mesh
	controller *process

	monitors  int
	tags      map[string]string // of each
	rate      int               // results in a second
	fault     time.Duration     // of each monitor in turn
	revisions []uint64
	sent      int64
	buf       []byte
}

func measureJudge(ctx context.Context, o *options, r *report, n int) (err error) {
	j := &judged{mesh: &mesh{netmon: o.netmon}, monitors: n, rate: judgeRate, fault: judgeFault}
	if err := j.begin(ctx); err != nil {
		j.end()
		return err
	}
	defer j.end()
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	empty, err := j.controller.usage()
	if err != nil {
		return err
	}
	series := n * judgeAgents
	if err := j.feed(ctx, 5*time.Second); err != nil { // each series is known
		return err
	}
	first, from, err := j.now(ctx)
	if err != nil {
		return err
	}
	if err := j.feed(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return err
	}
	last, to, err := j.now(ctx)
	if err != nil {
		return err
	}
	late, err := j.latencies(ctx, first)
	if err != nil {
		return err
	}
	kept, err := j.checkpointed(ctx)
	if err != nil {
		return err
	}
	r.say("%d monitors on %d agents, %.0f results/s: the controller takes %.1f µs of CPU a result, %.1f KB a series (it was %.0f MiB, and is %.0f), %.2f KB of a checkpoint a series",
		n, judgeAgents, float64(last-first)/float64(o.seconds), micros([2]usage{from, to}, float64(last-first)), (to.rss-empty.rss)*1024/float64(series), empty.rss, to.rss, float64(kept)/1024/float64(series))
	at := func(percent int) float64 {
		return float64(late[max(0, (len(late)*percent+99)/100-1)].Microseconds()) / 1000
	}
	r.say("from the result that decides, stored, to the verdict, stored: p50 %.1f ms, p99 %.1f ms, most %.1f ms (%d verdicts)", at(50), at(99), at(100), len(late))

	j.controller.stop()
	before, _, err := j.lastStored(ctx)
	if err != nil {
		return err
	}
	const many = 300_000
	for range many {
		if err := j.send(); err != nil {
			return err
		}
	}
	if err := j.nc.Flush(); err != nil {
		return err
	}
	after, _, err := j.lastStored(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := j.startController(ctx); err != nil {
		return err
	}
	for {
		if reached, err := j.reached(ctx); err != nil {
			return err
		} else if reached >= after {
			break
		}
		if time.Since(begin) > 2*time.Minute {
			return errors.New("the controller does not catch up within 2 minutes")
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	took := time.Since(begin)
	u, err := j.controller.usage()
	if err != nil {
		return err
	}
	r.say("catching up with %d results: %.2f s, %.1f µs of CPU a result, its start and the checkpoint included", after-before, took.Seconds(), micros([2]usage{{}, u}, float64(after-before)))
	return nil
}

// begin starts a broker and a controller, and saves the monitors.
func (j *judged) begin(ctx context.Context) (err error) {
	if j.dir, err = os.MkdirTemp("", "netmon-bench-judge"); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	j.url = "nats://" + addr
	if j.broker, err = spawn(ctx, j.dir, "broker", j.netmon, "broker", "--no-controller", "--listen", addr, "--store", filepath.Join(j.dir, "store")); err != nil {
		return err
	}
	if _, err := j.broker.line("broker ready", 20*time.Second); err != nil {
		return err
	}
	if err := j.startController(ctx); err != nil {
		return err
	}
	if j.nc, err = nats.Connect(j.url); err != nil {
		return err
	}
	if j.js, err = jetstream.New(j.nc); err != nil {
		return err
	}
	return j.save(ctx)
}

// end ends what begin began.
func (j *judged) end() {
	if j.nc != nil {
		j.nc.Close()
	}
	if j.controller != nil {
		j.controller.stop()
	}
	if j.broker != nil {
		j.broker.stop()
	}
	os.RemoveAll(j.dir)
}

func (j *judged) startController(ctx context.Context) (err error) {
	if j.controller, err = spawn(ctx, j.dir, "controller", j.netmon, "controller", "--broker", j.url); err != nil {
		return err
	}
	_, err = j.controller.line("controller ready", 20*time.Second)
	return err
}

// save saves the monitors.
func (j *judged) save(ctx context.Context) error {
	kv, err := j.js.KeyValue(ctx, wire.MonitorsBucket)
	if err != nil {
		return err
	}
	every := wire.Duration(time.Duration(j.monitors*judgeAgents) * time.Second / time.Duration(j.rate))
	for i := range j.monitors {
		data, err := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: fmt.Sprintf("m%05d", i), Kind: "tcp", Target: host(i) + ":443", Every: max(every, wire.Duration(100*time.Millisecond)), Timeout: wire.Duration(time.Second)},
			Agents: wire.Selectors{"all"}, Tags: j.tags})
		if err != nil {
			return err
		}
		revision, err := kv.Put(ctx, fmt.Sprintf("m%05d", i), data)
		if err != nil {
			return err
		}
		j.revisions = append(j.revisions, revision)
	}
	return nil
}

// feed sends results and heartbeats as agents do, for a while.
func (j *judged) feed(ctx context.Context, d time.Duration) error {
	begin, beat := time.Now(), time.Time{}
	sent := 0
	for time.Since(begin) < d {
		if time.Since(beat) > wire.AliveEvery/2 {
			beat = time.Now()
			for i := range judgeAgents {
				id := fmt.Sprintf("agent%d", i)
				data, err := json.Marshal(wire.Alive{Agent: id, Instance: "1", Version: "0.0.0", Started: begin.UTC(), At: time.Now().UTC()})
				if err == nil {
					err = j.nc.Publish("agent."+id+".alive", data)
				}
				if err != nil {
					return err
				}
			}
		}
		for want := int(time.Since(begin).Seconds() * float64(j.rate)); sent < want; sent++ {
			if err := j.send(); err != nil {
				return err
			}
		}
		if err := errors.Join(j.nc.FlushTimeout(time.Minute), sleep(ctx, time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// send sends the next result. Each monitor in turn fails everywhere for a while.
func (j *judged) send() (err error) {
	i := int(j.sent)
	j.sent++
	monitor, agent := i/judgeAgents%j.monitors, i%judgeAgents
	latency := int64(200_000 + i*7919%100_000)
	r := wire.Result{Agent: fmt.Sprintf("agent%d", agent), Monitor: fmt.Sprintf("m%05d", monitor), Kind: "tcp", Target: host(monitor) + ":443", Epoch: "E6TGUCZCDN434QQK", Seq: uint64(i/judgeAgents + 1),
		Run: uint64(i/judgeAgents/j.monitors + 1), Started: time.Now().UTC(), ElapsedNS: latency + 11_000, LatencyNS: &latency, Clock: "tcp_info", Outcome: wire.OK, Summary: "connected",
		Address: "192.0.2.7", Revision: j.revisions[monitor], Details: json.RawMessage(`{"connect_ns":200000,"local":"192.0.2.20:41234"}`)}
	r.Due = r.Started
	now := i * 1000 / j.rate // ms since the first
	if since := now - monitor*1000/judgeFaults; since >= 0 && since%(j.monitors*1000/judgeFaults+1) < int(j.fault.Milliseconds()) {
		r.Outcome, r.Failure, r.Error, r.Summary = wire.Failed, wire.FailRefused, "connection refused", ""
	}
	if j.buf, err = r.AppendJSON(j.buf[:0]); err != nil {
		return err
	}
	return j.nc.Publish("results."+r.Agent+"."+r.Monitor, j.buf)
}

// now is the number of the last result, and what the controller took until now.
func (j *judged) now(ctx context.Context) (last uint64, u usage, err error) {
	if last, _, err = j.lastStored(ctx); err != nil {
		return last, u, err
	}
	u, err = j.controller.usage()
	return last, u, err
}

// lastStored is the number of the last result, and when it was stored.
func (j *judged) lastStored(ctx context.Context) (last uint64, at time.Time, err error) {
	s, err := j.js.Stream(ctx, wire.ResultsStream)
	if err != nil {
		return 0, at, err
	}
	return s.CachedInfo().State.LastSeq, s.CachedInfo().State.LastTime, nil
}

// latencies are the times from each result after number first that decided a verdict
// to that verdict.
func (j *judged) latencies(ctx context.Context, first uint64) (all []time.Duration, err error) {
	decided := map[int64]bool{}
	results, err := tail.Open(ctx, j.js, wire.ResultsStream, tail.From{After: first, HeadersOnly: true})
	if err != nil {
		return nil, err
	}
	defer results.Stop()
	for left := results.Left(); left > 0; left-- {
		_, meta, err := results.Next()
		if err != nil {
			return nil, err
		}
		decided[meta.Timestamp.UnixNano()] = true
	}
	verdicts, err := tail.Open(ctx, j.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllVerdicts}})
	if err != nil {
		return nil, err
	}
	defer verdicts.Stop()
	for left := verdicts.Left(); left > 0; left-- {
		m, meta, err := verdicts.Next()
		if err != nil {
			return nil, err
		}
		if v, err := wire.DecodeVerdict(m.Subject, m.Data); err == nil && decided[v.At.UnixNano()] {
			all = append(all, meta.Timestamp.Sub(v.At))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no verdict changed")
	}
	slices.Sort(all)
	return all, nil
}

// checkpointed is how many bytes the judge's checkpoint has.
func (j *judged) checkpointed(ctx context.Context) (bytes int, err error) {
	t, err := tail.Open(ctx, j.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllJudge}, Last: true})
	if err != nil {
		return 0, err
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return 0, err
		}
		bytes += len(m.Data)
		if meta.NumPending == 0 {
			break
		}
	}
	return bytes, nil
}

// reached is the number of the last result that the newest checkpoint knows.
func (j *judged) reached(ctx context.Context) (uint64, error) {
	s, err := j.js.Stream(ctx, wire.VerdictsStream)
	if err != nil {
		return 0, err
	}
	m, err := s.GetLastMsgForSubject(ctx, "judge.state.head")
	if err != nil {
		return 0, err
	}
	var head struct{ Position struct{ Results uint64 } }
	err = json.Unmarshal(m.Data, &head)
	return head.Position.Results, err
}
