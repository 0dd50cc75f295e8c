package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/console"
	"netmon/internal/badlink"
	"netmon/internal/tail"
	"netmon/wire"
)

// historyFault is one row of the table: what happens to the controller that keeps
// history, or to what it is fed with.
type historyFault struct {
	name    string
	shifted bool // needs -shifted
	do      func(h *historyMesh)
}

var historyFaults = []historyFault{
	{name: "controller killed at random", do: func(h *historyMesh) {
		for i := range 4 {
			h.during(time.Duration(rand.Int64N(int64(1500 * time.Millisecond))))
			if i == 1 { // the next ones read on from the middle
				h.controller.stop()
			} else {
				h.kill(h.controller)
			}
			h.startController()
		}
		h.flow()
	}},
	{name: "history file torn", do: func(h *historyMesh) {
		h.controller.stop() // all is in the one file
		h.tear()
		h.startController()
		h.controller.line("the file of history was damaged")
		h.flow()
	}},
	{name: "agent's clock an hour ahead", shifted: true, do: func(h *historyMesh) {
		h.stepClock("paris", h.ahead())
		h.flowOf("paris", time.Now().Add(30*time.Minute)) // by its clock
		h.stepClock("paris", "")
		h.flow()
	}},
	{name: "controller's clock an hour ahead", shifted: true, do: func(h *historyMesh) {
		for _, bin := range []string{h.ahead(), ""} {
			h.controller.stop()
			h.programs["controller"] = bin
			h.startController()
			h.during(2 * time.Second)
		}
		h.flow()
	}},
	{name: "history's disk full", do: func(h *historyMesh) {
		h.controller.stop() // what the file has room for at its end is gone
		h.startController()
		h.eventually("history answers", func() error { _, _, err := h.counted(); return err })
		from := h.controller.count()
		ballast := h.fillDisk(h.folder())
		h.controller.lineWithin(2*patience, from, "history cannot be written")
		h.during(time.Second)
		h.remove(ballast)
		h.controller.lineAfter(from, "history is written again")
		h.flow()
	}},
	{name: "backlog of minutes", do: func(h *historyMesh) {
		for time.Now().Truncate(time.Minute).Before(h.cut) { // one minute is over since
			h.during(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		}
		h.links["rome"][0].Heal()
		h.flowOf("rome", time.Now())
		h.backlog = true
	}},
}

// historyMesh is a mesh under load whose controller keeps history in a small file
// system. Agent rome cannot reach the broker until the last row.
type historyMesh struct {
	*faultMesh
	nc      *nats.Conn
	cut     time.Time // when rome lost the broker
	backlog bool      // and it has it again
	shifted string    // program
	from    time.Time // before everything
}

// TestFaults_History shows that history counts each result that RESULTS holds once, in
// its own minute, whatever happens: go test ./e2e -run Faults_History -faults -shifted -v
func TestFaults_History(t *testing.T) {
	if !*runFaults {
		t.Skip("takes a minute: go test ./e2e -run Faults_History -faults -v")
	}
	h := &historyMesh{from: time.Now().Add(-time.Minute)}
	h.faultMesh = newFaultMesh(t, setup{history: tmpfs("24m")})
	h.nc = h.connect()
	h.states["rome"] = filepath.Join(h.dir, "rome")
	h.links["rome"] = []*badlink.Link{badlink.New(t, h.addrs[0])}
	h.startAgent("rome")
	h.flowOf("rome", time.Now())
	h.links["rome"][0].Cut()
	h.cut = time.Now()

	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\tresults\tlate\tin a later minute\ttook\teach counted once, in its minute")
	for _, f := range historyFaults {
		if f.shifted && !*withShifted {
			t.Logf("%s: skipped, it builds netmon with another clock: -shifted", f.name)
			continue
		}
		if f.shifted {
			h.ahead() // is not part of what it takes
		}
		begin, verdict := time.Now(), "yes"
		f.do(h)
		held := h.compare()
		if t.Failed() {
			verdict = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.1f s\t%s\n", f.name, held.results, held.late, held.later, time.Since(begin).Seconds(), verdict)
		if t.Failed() {
			break
		}
	}
	w.Flush()
	t.Log("\n" + table.String())
}

func (h *historyMesh) folder() string { return h.setup.history(h.T) }

// tear overwrites the middle of the file.
func (h *historyMesh) tear() {
	h.Helper()
	path := filepath.Join(h.folder(), "history.db")
	info, err := os.Stat(path)
	if err != nil {
		h.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		h.Fatal(err)
	}
	defer f.Close()
	rest := make([]byte, info.Size()-info.Size()/4)
	if _, err := f.WriteAt(rest, info.Size()/4); err != nil {
		h.Fatal(err)
	}
}

// stepClock restarts an agent with another clock.
func (h *historyMesh) stepClock(agent, program string) {
	h.Helper()
	h.agents[agent].stop()
	h.programs[agent] = program
	h.startAgent(agent)
}

// heldResults is what RESULTS holds, by series and minute.
type heldResults struct {
	results, late int
	later         int // that were stored in another minute than the one they count in
	minutes       map[string]map[time.Time]counts
}

type counts struct{ Runs, OK, Failed, Broken, Late uint64 }

func (c *counts) add(o counts) {
	c.Runs += o.Runs
	c.OK += o.OK
	c.Failed += o.Failed
	c.Broken += o.Broken
	c.Late += o.Late
}

// compare stops what sends results, waits until history counts what RESULTS holds, and
// has the agents go on.
func (h *historyMesh) compare() (held heldResults) {
	h.Helper()
	agents := faultAgents
	if h.backlog {
		agents = append([]string{"rome"}, agents...)
	}
	for _, id := range agents {
		h.eventually("agent "+id+" catches up", func() error {
			a, err := h.info(h.nc, id)
			if err == nil && a.Pending > 500 {
				err = fmt.Errorf("%d results wait", a.Pending)
			}
			return err
		})
		if code, _ := h.agents[id].stop(); code != 0 {
			h.Errorf("agent %s ended with %d", id, code)
		}
	}
	held = h.held()
	if h.backlog && held.later == 0 {
		h.Error("no result came in a later minute")
	}
	h.eventually("history counts what RESULTS holds", func() error { return h.holds(held) })
	h.stats(held)
	for _, id := range agents {
		h.startAgent(id)
	}
	h.flow()
	return held
}

// held reads RESULTS, and counts in its own way.
func (h *historyMesh) held() heldResults {
	h.Helper()
	js, err := jetstream.New(h.nc)
	if err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.Context(), 2*patience)
	defer cancel()
	t, err := tail.Open(ctx, js, wire.ResultsStream, tail.From{})
	if err != nil {
		h.Fatal(err)
	}
	defer t.Stop()
	out := heldResults{minutes: map[string]map[time.Time]counts{}}
	seen := map[string]bool{}
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			h.Fatal(err)
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			h.Fatal(err)
		}
		if seen[r.ID()] {
			h.Errorf("%s is stored twice", r.ID())
		}
		seen[r.ID()] = true
		at := r.Due
		if at.Sub(meta.Timestamp) > time.Minute { // its clock is ahead
			at = meta.Timestamp
		}
		key, minute := r.Monitor+" on "+r.Agent, at.UTC().Truncate(time.Minute)
		one := counts{Runs: 1}
		switch r.Outcome {
		case wire.OK:
			one.OK = 1
		case wire.Failed:
			one.Failed = 1
		default:
			one.Broken = 1
		}
		if r.LateNS > 0 {
			one.Late = 1
			out.late++
		}
		if meta.Timestamp.UTC().Truncate(time.Minute).After(minute.Add(time.Minute)) || meta.Timestamp.Sub(at) > 5*time.Second && meta.Timestamp.Truncate(time.Minute).After(minute) {
			out.later++
		}
		if out.minutes[key] == nil {
			out.minutes[key] = map[time.Time]counts{}
		}
		sum := out.minutes[key][minute]
		sum.add(one)
		out.minutes[key][minute] = sum
		out.results++
	}
	return out
}

// holds says where history counts something else. Of hours that came from HISTORY it has
// no minutes: there the hours are compared.
func (h *historyMesh) holds(held heldResults) error {
	got, whole, err := h.counted()
	if err != nil {
		return err
	}
	for key, want := range held.minutes {
		if a, b := byTime(want, whole[key]), byTime(got[key], whole[key]); fmt.Sprint(a) != fmt.Sprint(b) {
			return fmt.Errorf("%s: history counts %v, and RESULTS holds %v", key, b, a)
		}
	}
	if len(got) != len(held.minutes) {
		return fmt.Errorf("history has %d series, and RESULTS %d", len(got), len(held.minutes))
	}
	return nil
}

// byTime adds minutes of hours that are known as hours only.
func byTime(minutes map[time.Time]counts, hours map[time.Time]bool) map[time.Time]counts {
	out := map[time.Time]counts{}
	for at, c := range minutes {
		if hours[at.Truncate(time.Hour)] {
			at = at.Truncate(time.Hour)
		}
		sum := out[at]
		sum.add(c)
		out[at] = sum
	}
	return out
}

// counted asks for all minutes, by series, and which hours have none.
func (h *historyMesh) counted() (got map[string]map[time.Time]counts, whole map[string]map[time.Time]bool, err error) {
	got, whole = map[string]map[time.Time]counts{}, map[string]map[time.Time]bool{}
	q := wire.HistoryQuery{What: wire.HistoryRollups, From: h.from.Truncate(time.Hour), To: time.Now().Add(2 * time.Hour), Step: wire.Duration(time.Minute), Brief: true}
	for {
		data, err := json.Marshal(q)
		if err != nil {
			return nil, nil, err
		}
		msg, err := h.nc.Request(wire.HistorySubject, data, 5*time.Second)
		if err != nil {
			return nil, nil, err
		}
		reply, err := wire.DecodeHistoryReply(msg.Data)
		if err != nil {
			return nil, nil, err
		}
		if reply.Error != nil {
			return nil, nil, reply.Error
		}
		if len(reply.Gaps) > 0 {
			return nil, nil, fmt.Errorf("history says that it lacks %+v", reply.Gaps)
		}
		for _, s := range reply.Series {
			key := s.Monitor + " on " + s.Agent
			if got[key] == nil {
				got[key], whole[key] = map[time.Time]counts{}, map[time.Time]bool{}
			}
			for _, row := range s.Rows {
				if row.For > 0 {
					whole[key][row.At] = true
				}
				sum := got[key][row.At]
				sum.add(counts{row.Runs, row.OK, row.Failed, row.Broken, row.Late})
				got[key][row.At] = sum
			}
		}
		if q.After = reply.Next; q.After == "" {
			return got, whole, nil
		}
	}
}

// stats compares what netmon stats prints of one monitor.
func (h *historyMesh) stats(held heldResults) {
	h.Helper()
	out, said, err := h.run("stats", "m00007", "--from", "2h", "-o", "json")
	if err != nil {
		h.Fatalf("%v: %s", err, said)
	}
	var list struct{ Items []console.Stats }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		h.Fatalf("%v: %s", err, out)
	}
	n := 0
	for _, s := range list.Items {
		if s.Agent == "" {
			continue
		}
		n++
		var want counts
		for _, c := range held.minutes[s.Monitor+" on "+s.Agent] {
			want.add(c)
		}
		if s.Runs != want.Runs || s.Failed != want.Failed || s.Broken != want.Broken {
			h.Errorf("netmon stats says of %s on %s %d runs, %d failed, %d broken; RESULTS holds %+v", s.Monitor, s.Agent, s.Runs, s.Failed, s.Broken, want)
		}
	}
	if n < len(faultAgents) {
		h.Errorf("netmon stats has %d series: %s", n, out)
	}
}

// ahead is netmon with a clock that is an hour ahead.
func (h *historyMesh) ahead() string {
	h.Helper()
	if h.shifted == "" {
		h.shifted = shiftedNetmon(h.T)
	}
	return h.shifted
}
