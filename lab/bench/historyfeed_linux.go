package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/history/feed"
	"netmon/history/store"
	"netmon/internal/tail"
	"netmon/wire"
)

// feed measures what history takes beside judging, at 10,000 results a second: a process
// that sends them, a broker, and this process, which reads and decodes them as the judge's
// reader does, at first without history, then offering them to its feeder, and last a feeder
// that reads by itself.
func (h *historyReport) feed(ctx context.Context, dir string, o *options) (err error) {
	j := &judged{mesh: &mesh{netmon: o.netmon, dir: dir}, monitors: h.monitors}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	j.url = "nats://" + addr
	if j.broker, err = spawn(ctx, dir, "broker", j.netmon, "broker", "--no-controller", "--listen", addr, "--store", filepath.Join(dir, "store")); err != nil {
		return err
	}
	defer j.broker.stop()
	if _, err := j.broker.line("broker ready", 60*time.Second); err != nil {
		return err
	}
	if err := j.startController(ctx); err != nil { // it makes the streams
		return err
	}
	j.controller.stop()
	if j.nc, err = nats.Connect(j.url); err != nil {
		return err
	}
	defer j.nc.Close()
	if j.js, err = jetstream.New(j.nc); err != nil {
		return err
	}
	alone, err := h.pass(ctx, j, o.seconds, nil, true)
	if err != nil {
		return err
	}
	offered, err := h.pass(ctx, j, o.seconds, h.feeder(dir, "offered", j.url), true)
	if err != nil {
		return err
	}
	itself, err := h.pass(ctx, j, o.seconds, h.feeder(dir, "itself", j.url), false)
	if err != nil {
		return err
	}
	h.say("of a process that reads and decodes %d results a second for its judge: %.1f µs of CPU a result; with history %.1f: feeding costs %.1f µs, with its commits", judgeRate, alone, offered, offered-alone)
	h.say("a feeder that reads by itself, where its controller stands by: %.1f µs of CPU a result", itself)
	return nil
}

func (h *historyReport) feeder(dir, name, url string) *feed.Feeder {
	return feed.New(feed.Options{Folder: filepath.Join(dir, name), Figures: historyFigures, Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(url, o...) }})
}

// pass is the CPU of this process by result, µs, while results are sent for some seconds.
// judging says that somebody reads for a judge.
func (h *historyReport) pass(ctx context.Context, j *judged, seconds int, f *feed.Feeder, judging bool) (float64, error) {
	s, err := j.js.Stream(ctx, wire.ResultsStream)
	if err == nil {
		err = s.Purge(ctx)
	}
	if err != nil {
		return 0, err
	}
	within, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	errs := make(chan error, 1)
	offer := func(feed.Chunk) {}
	if f != nil {
		parts.Go(func() { f.Run(within) })
		if judging {
			parts.Go(func() { f.Lead(within) })
			offer = f.Offer
		}
	}
	if judging {
		parts.Go(func() { errs <- readForJudge(within, j.js, offer) })
	}
	warm, err := h.send(ctx, j, 2)
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, time.Second); err != nil {
		return 0, err
	}
	used := cpu()
	sent, err := h.send(ctx, j, seconds)
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, time.Second); err != nil {
		return 0, err
	}
	cancel() // the file's last commit is its part
	parts.Wait()
	took := cpu() - used
	select {
	case err := <-errs:
		if !errors.Is(err, context.Canceled) {
			return 0, err
		}
	default:
	}
	if f != nil {
		if err := counted(ctx, filepath.Join(f.Folder, feed.FileName), warm+sent); err != nil {
			return 0, err
		}
	}
	return float64(took.Nanoseconds()) / 1e3 / float64(sent), nil
}

// send sends results by another process, and says how many.
func (h *historyReport) send(ctx context.Context, j *judged, seconds int) (int, error) {
	p, err := again(ctx, j.dir, "results", j.url, strconv.Itoa(j.monitors), strconv.Itoa(seconds), strconv.FormatInt(j.sent, 10))
	if err != nil {
		return 0, err
	}
	defer p.stop()
	line, err := p.line("sent ", time.Duration(seconds)*time.Second+time.Minute)
	if err != nil {
		return 0, err
	}
	var n int
	_, err = fmt.Sscanf(line, "sent %d", &n)
	j.sent += int64(n)
	return n, err
}

// sendResults sends results: results URL MONITORS SECONDS FROM.
func sendResults(args []string) error {
	if len(args) != 4 {
		return errors.New("results URL MONITORS SECONDS FROM")
	}
	var numbers [3]int
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.Atoi(args[i+1]); err != nil {
			return err
		}
	}
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	j := &judged{mesh: &mesh{nc: nc}, monitors: numbers[0], rate: judgeRate, fault: judgeFault, revisions: make([]uint64, numbers[0]), sent: int64(numbers[2])}
	if err := j.feed(context.Background(), time.Duration(numbers[1])*time.Second); err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "sent %d\n", j.sent-int64(numbers[2]))
	return nil
}

// readForJudge reads the stream as the judge's reader does, and offers what it read.
func readForJudge(ctx context.Context, js jetstream.JetStream, offer func(feed.Chunk)) error {
	t, err := tail.Open(ctx, js, wire.ResultsStream, tail.From{New: true})
	if err != nil {
		return err
	}
	defer t.Stop()
	var chunk []feed.Result
	last := uint64(0)
	for {
		m, meta, err := t.Next()
		if err != nil {
			return err
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			return err
		}
		if last == 0 {
			last = meta.Sequence.Stream - 1
		}
		if chunk = append(chunk, feed.Result{Result: &r, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Pending: meta.NumPending}); len(chunk) < 512 && t.More() {
			continue
		}
		offer(feed.Chunk{Created: t.Stream().Created, After: last, Results: chunk})
		last, chunk = meta.Sequence.Stream, nil
	}
}

// counted says whether a file holds all results that were sent.
func counted(ctx context.Context, path string, want int) error {
	s, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	runs, q := 0, wire.HistoryQuery{What: wire.HistoryRollups, From: time.Now().Add(-2 * time.Hour), To: time.Now().Add(time.Hour), Step: wire.Duration(24 * time.Hour), Brief: true}
	for {
		reply, err := s.Query(ctx, q)
		if err != nil || !reply.OK {
			return fmt.Errorf("%w %v", err, reply.Error)
		}
		for _, x := range reply.Series {
			for _, row := range x.Rows {
				runs += int(row.Runs)
			}
		}
		if q.After = reply.Next; q.After == "" {
			break
		}
	}
	if runs != want {
		return fmt.Errorf("history counts %d results of %d", runs, want)
	}
	return nil
}
