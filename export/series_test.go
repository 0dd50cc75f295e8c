package export

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// texts are the samples of s whose line begins so.
func texts(t testing.TB, s *Series, now time.Time, prefix string) (out []string) {
	t.Helper()
	data := written(s, Text, now)
	parseText(t, data)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// one is a series of one monitor on one agent, after so many runs, the last at start.
func one(t testing.TB, kind string, runs int) (*Series, *wire.Result) {
	t.Helper()
	s := NewSeries(kinds.All(), start.Add(-time.Hour))
	var r *wire.Result
	for n := range runs {
		r = result(t, kind, "web", "oslo", n+1)
		s.Result(r, start.Add(time.Duration(n-runs+1)*time.Second))
	}
	s.Monitors([]wire.Saved{savedOf(r, nil)})
	s.Agents([]Present{{ID: "oslo", Online: true, Labels: map[string]string{"region": "eu"}}})
	return s, r
}

func TestSeries_OnlyWhatCounts(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(s *Series, saved wire.Saved)
		after time.Duration
		want  int
	}{
		"a fresh result":                 {want: 1},
		"every 10s, timeout 5s: 30s old": {after: 30 * time.Second, want: 1},
		"every 10s, timeout 5s: 31s old": {after: 31 * time.Second, want: 0},
		"every 1s: a result counts for 15 s": {do: func(s *Series, m wire.Saved) {
			m.Every, m.Timeout = wire.Duration(time.Second), wire.Duration(time.Second)
			s.Monitors([]wire.Saved{m})
		}, after: 15 * time.Second, want: 1},
		"every 1s: 16s old": {do: func(s *Series, m wire.Saved) {
			m.Every, m.Timeout = wire.Duration(time.Second), wire.Duration(time.Second)
			s.Monitors([]wire.Saved{m})
		}, after: 16 * time.Second, want: 0},
		"the agent is offline":            {do: func(s *Series, _ wire.Saved) { s.Agents([]Present{{ID: "oslo"}}) }, want: 0},
		"the agent is unknown":            {do: func(s *Series, _ wire.Saved) { s.Agents(nil) }, want: 0},
		"the monitor is deleted":          {do: func(s *Series, _ wire.Saved) { s.Monitors(nil) }, want: 0},
		"the monitor is paused":           {do: func(s *Series, m wire.Saved) { m.Paused = true; s.Monitors([]wire.Saved{m}) }, want: 0},
		"the monitor runs elsewhere":      {do: func(s *Series, m wire.Saved) { m.Agents = wire.Selectors{"rome"}; s.Monitors([]wire.Saved{m}) }, want: 0},
		"the monitor runs there by label": {do: func(s *Series, m wire.Saved) { m.Agents = wire.Selectors{"region=eu"}; s.Monitors([]wire.Saved{m}) }, want: 1},
		"the agent's label changed": {do: func(s *Series, m wire.Saved) {
			m.Agents = wire.Selectors{"region=eu"}
			s.Monitors([]wire.Saved{m})
			s.Agents([]Present{{ID: "oslo", Online: true}})
		}, want: 0},
		"the target changed": {do: func(s *Series, m wire.Saved) { m.Target, m.Revision = "https://other/", 2; s.Monitors([]wire.Saved{m}) }, want: 0},
		"the kind changed":   {do: func(s *Series, m wire.Saved) { m.Kind, m.Revision = "tcp", 2; s.Monitors([]wire.Saved{m}) }, want: 0},
		"the interval changed": {do: func(s *Series, m wire.Saved) {
			m.Every, m.Revision = wire.Duration(time.Hour), 2
			s.Monitors([]wire.Saved{m})
		}, after: time.Hour, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := one(t, "https", 1)
			if n := len(texts(t, s, start, "probe_success")); n != 1 {
				t.Fatalf("%d samples of probe_success before", n)
			}
			if c.do != nil {
				c.do(s, savedOf(r, nil))
			}
			for _, prefix := range []string{"probe_success", "netmon_run_broken", "netmon_latency_histogram_seconds_count", "netmon_runs_total{agent=\"oslo\",instance=\"https://127.0.0.1:1/json/web\",kind=\"https\",monitor=\"web\",outcome=\"ok\"}"} {
				if got := texts(t, s, start.Add(c.after), prefix); len(got) != c.want {
					t.Errorf("%s: %q, want %d samples", prefix, got, c.want)
				}
			}
		})
	}
}

func TestSeries_ByHand(t *testing.T) {
	s, r := one(t, "https", 1)
	hand := *r
	hand.Monitor, hand.Revision = "hand", 0
	s.Result(&hand, start)
	if got := texts(t, s, start, "probe_success"); len(got) != 2 {
		t.Errorf("a monitor that was started by hand: %q", got)
	}
	if got := texts(t, s, start.Add(31*time.Second), "probe_success"); len(got) != 0 {
		t.Errorf("when silent: %q", got)
	}
	s.Monitors([]wire.Saved{}) // the deleted one is gone, the other stays
	if got := texts(t, s, start, "probe_success"); len(got) != 1 || !strings.Contains(got[0], `monitor="hand"`) {
		t.Errorf("after a deletion: %q", got)
	}
}

// TestSeries_OfAnAgent has an agent show its own results, which knows of no mesh.
func TestSeries_OfAnAgent(t *testing.T) {
	s := newSeries()
	s.Result(result(t, "https", "web", "oslo", 1), start)
	if got := texts(t, s, start, "probe_success"); len(got) != 1 {
		t.Errorf("without monitors and agents: %q", got)
	}
}

func TestSeries_BrokenIsAGap(t *testing.T) {
	s, r := one(t, "https", 2)
	broken := *r
	broken.Run, broken.Seq, broken.Outcome, broken.Failure, broken.LatencyNS = 3, 3, wire.Broken, wire.BrokenLocal, nil
	s.Result(&broken, start.Add(time.Second))
	got := texts(t, s, start.Add(time.Second), "")
	got = slices.DeleteFunc(got, func(line string) bool {
		return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "netmon_latency_histogram") || strings.HasPrefix(line, "netmon_monitor_info")
	})
	const labels = `agent="oslo",instance="https://127.0.0.1:1/json/web",kind="https",monitor="web"`
	want := []string{
		"netmon_run_broken{" + labels + "} 1",
		"netmon_result_timestamp_seconds{" + labels + "} 1767323046",
		"netmon_run_failure_info{" + labels + `,failure="local"} 1`,
		"netmon_runs_total{" + labels + `,outcome="ok"} 2`,
		"netmon_runs_total{" + labels + `,outcome="failed"} 0`,
		"netmon_runs_total{" + labels + `,outcome="broken"} 1`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("after a broken run\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	fine := *r
	fine.Run, fine.Seq, fine.Failure = 4, 4, wire.FailMismatch // which an ok run has not
	defer func() {
		if got := texts(t, s, start.Add(2*time.Second), "netmon_run_failure"); len(got) != 0 {
			t.Errorf("a run that is ok has a reason: %q", got)
		}
	}()
	s.Result(&fine, start.Add(2*time.Second))
	if got := texts(t, s, start.Add(2*time.Second), "probe_success"); len(got) != 1 || !strings.HasSuffix(got[0], "} 1") {
		t.Errorf("after the next run: %q", got)
	}
}

func runs(t testing.TB, s *Series, outcome string) string {
	t.Helper()
	for _, line := range texts(t, s, start.Add(10*time.Second), "netmon_runs_total") {
		if strings.Contains(line, `outcome="`+outcome+`"`) {
			return line[strings.LastIndex(line, " ")+1:]
		}
	}
	return "none"
}

func TestSeries_CountsEachRunOnce(t *testing.T) {
	s := newSeries()
	before := result(t, "icmp", "web", "oslo", 1)
	s.Result(before, start.Add(-time.Second)) // stored before: shown, not counted
	if got := runs(t, s, "ok"); got != "0" {
		t.Errorf("a result of before is counted: %s", got)
	}
	if got := texts(t, s, start, "probe_success"); len(got) != 1 {
		t.Errorf("a result of before is not shown: %q", got)
	}
	for n := range 5 {
		s.Result(result(t, "icmp", "web", "oslo", n+2), start.Add(time.Duration(n)*time.Second))
	}
	for range 2 {
		s.Result(result(t, "icmp", "web", "oslo", 6), start.Add(6*time.Second)) // again, after a reconnect
	}
	if got := runs(t, s, "ok"); got != "5" {
		t.Errorf("5 runs are counted as %s", got)
	}
	other := result(t, "icmp", "web", "oslo", 1)
	other.Epoch = "e2" // the agent's numbering began again
	s.Result(other, start.Add(7*time.Second))
	if got := runs(t, s, "ok"); got != "6" {
		t.Errorf("with one of another epoch: %s", got)
	}
	if got := texts(t, s, start.Add(7*time.Second), "smokeping_requests_total"); len(got) != 1 || !strings.HasSuffix(got[0], "} 18") {
		t.Errorf("6 runs of 3 requests: %q", got)
	}
	other.Target, other.Run = "10.9.0.3", 2
	s.Result(other, start.Add(8*time.Second))
	if got := runs(t, s, "ok"); got != "1" {
		t.Errorf("another target goes on counting: %s", got)
	}
}

// TestSeries_LateResult has a result that comes late count, and replace nothing.
func TestSeries_LateResult(t *testing.T) {
	s, r := one(t, "https", 3) // runs 1 to 3
	late, next := *r, *r
	next.Run, next.Seq = 5, 5
	s.Result(&next, start.Add(time.Second))
	late.Run, late.Seq, late.Outcome = 4, 4, wire.Failed
	for _, at := range []time.Time{start, start.Add(2 * time.Second), start} { // whatever its clock says, and again
		s.Result(&late, at)
	}
	s.Result(&next, start.Add(time.Second))
	earlier := late
	earlier.Epoch = "e0" // of the agent's life before
	s.Result(&earlier, start.Add(-time.Minute))
	if got := runs(t, s, "ok"); got != "4" {
		t.Errorf("4 runs in another order are counted as %s", got)
	}
	if got := texts(t, s, start, "probe_success"); len(got) != 1 || !strings.HasSuffix(got[0], "} 1") {
		t.Errorf("a late result replaces a newer one: %q", got)
	}
	if got := runs(t, s, "failed"); got != "1" {
		t.Errorf("a late result is counted %s times", got)
	}
}

func TestSeries_TagsChange(t *testing.T) {
	s, r := one(t, "https", 1)
	saved := savedOf(r, map[string]string{"team": "a"})
	saved.Revision = 2
	s.Monitors([]wire.Saved{saved})
	if got := texts(t, s, start, "probe_success"); len(got) != 1 || !strings.Contains(got[0], `tag_team="a"`) {
		t.Errorf("with a tag: %q", got)
	}
	if got := texts(t, s, start, "netmon_monitor_info"); len(got) != 1 || !strings.Contains(got[0], `tag_team="a"`) {
		t.Errorf("its info: %q", got)
	}
}

func TestSeries_RoundTrips(t *testing.T) {
	for replies, want := range map[int]struct{ count, sum string }{
		1: {"1", "0.002"}, // only the shortest is taken
		2: {"2", "0.008"},
		3: {"3", "0.012"},
		5: {"5", "0.02"},
	} {
		s := newSeries()
		r := result(t, "icmp", "web", "oslo", 1)
		r.Details = fmt.Appendf(nil, `{"sent":%d,"received":%d,"rtt_min_ns":2000000,"rtt_avg_ns":4000000,"rtt_max_ns":6000000}`, replies+1, replies)
		s.Result(r, start)
		for suffix, want := range map[string]string{"count": want.count, "sum": want.sum} {
			if got := texts(t, s, start, "smokeping_response_duration_seconds_"+suffix); len(got) != 1 || !strings.HasSuffix(got[0], "} "+want) {
				t.Errorf("%d replies: %q, want %s", replies, got, want)
			}
		}
	}
}

func TestSeries_Bounds(t *testing.T) {
	s, r := one(t, "https", 1)
	invent := func(from int) {
		for i := range mostUnsaved + 10 {
			hand := *r
			hand.Agent, hand.Monitor = fmt.Sprint("agent", i/2_000), fmt.Sprint("m", from+i)
			hand.Kind, hand.Target = strings.Repeat("k", 5_000), strings.Repeat("t", 5_000)
			s.Result(&hand, start)
		}
	}
	invent(0)
	if want := mostUnsaved/2_000*mostOfAgent + 10; len(s.states) != want+1 {
		t.Errorf("%d series, want %d of monitors that are not saved", len(s.states)-1, want)
	}
	for _, st := range s.states {
		if s.validity(st, start); len(st.labels.text) > 2*mostName+200 {
			t.Errorf("labels of %d bytes", len(st.labels.text))
		}
	}
	s.evict(start.Add(unsavedKept + time.Second))
	s.evict(start.Add(2*unsavedKept + 2*time.Second))
	if len(s.states) != 1 {
		t.Errorf("%d series when they were silent for long, want that of the saved monitor", len(s.states))
	}
	invent(100_000)
	if len(s.states) < mostOfAgent {
		t.Errorf("%d series: none is taken after some were forgotten", len(s.states))
	}
	s.evict(start.Add(remembered + time.Hour))
	if len(s.states) != 0 {
		t.Errorf("%d series are never forgotten", len(s.states))
	}
}

// TestSeries_Concurrent has results, changes and scrapes at once; the race detector looks.
func TestSeries_Concurrent(t *testing.T) {
	s := largeSeries(t, mixed, 400, 1)
	saved := s.list
	var all sync.WaitGroup
	for _, f := range []Format{Text, OpenMetrics, Protobuf, Text} {
		all.Go(func() {
			for n := range 10 {
				if data := written(s, f, start.Add(time.Duration(n)*time.Second)); len(data) < 100_000 {
					t.Errorf("a scrape has %d bytes", len(data))
				}
			}
		})
	}
	r := result(t, "https", "monitor-0000", "oslo", 1)
	r.Target = "https-host-0000.example.com"
	all.Go(func() {
		for n := range 2000 {
			r.Run, r.Seq = uint64(n+5), uint64(n+5)
			s.Result(r, start.Add(time.Duration(n)*time.Millisecond))
		}
	})
	all.Go(func() {
		for n := range 20 {
			s.Monitors(slices.Clone(saved))
			s.Agents([]Present{{ID: "frankfurt", Online: true}, {ID: "oslo", Online: true}, {ID: "rome", Online: n%2 == 0}})
			hand := result(t, "tcp", fmt.Sprint("hand", n), "oslo", 1)
			s.Result(hand, start)
		}
	})
	all.Wait()
}

// TestSamplesAndSeriesAgree has the two ways to read a result give the same.
func TestSamplesAndSeriesAgree(t *testing.T) {
	for _, k := range kinds.All() {
		s, r := one(t, k.Name, 1)
		r.Started = start // when it was measured, by our clock
		got := map[string]float64{}
		for _, f := range parseText(t, written(s, Text, start)) {
			for _, m := range f.GetMetric() {
				if f.GetType() != 1 || f.GetName() == "netmon_monitor_info" || f.GetName() == failureFamily.name { // a gauge
					continue
				}
				name := f.GetName()
				for _, l := range m.GetLabel() {
					if !slices.Contains([]string{"agent", "instance", "kind", "monitor"}, l.GetName()) {
						name += "{" + l.GetName() + "=" + l.GetValue() + "}"
					}
				}
				got[name] = m.GetGauge().GetValue()
			}
		}
		want := map[string]float64{}
		for _, x := range NewReader(kinds.All()).Samples(nil, r) {
			name := x.Name
			if x.Label != "" {
				name += "{" + x.Label + "=" + x.Value + "}"
			}
			want[name] = x.Number
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: a series has\n%v\nthe samples are\n%v", k.Name, got, want)
		}
	}
}

// TestSeries_HostileNumbers has what an agent may write do no harm.
func TestSeries_HostileNumbers(t *testing.T) {
	s := newSeries()
	for n, details := range []string{
		`{"sent":1e308,"received":1e300,"rtt_min_ns":-5,"rtt_avg_ns":1e200,"rtt_max_ns":9223372036854775807,"duplicates":-3}`,
		`{"sent":9223372036854775807,"received":3,"rtt_min_ns":1,"rtt_avg_ns":0,"rtt_max_ns":-1,"ttl":1e999}`,
		`{"sent":true,"received":"3","rtt_min_ns":[],"rtt_avg_ns":{},"rtt_max_ns":null}`,
		`[]`, `{`, ``, `null`, `{"sent":}`,
	} {
		r := result(t, "icmp", "web", "oslo", n+1)
		r.Details = []byte(details)
		r.ElapsedNS = math.MinInt64
		loss := -math.MaxFloat64
		r.Loss = &loss
		r.Address = "::ffff:1.2.3.4"
		s.Result(r, start.Add(time.Duration(n)*time.Second))
		for _, f := range []Format{Text, OpenMetrics, Protobuf} {
			for l, v := range ingest(t, written(s, f, start.Add(time.Duration(n)*time.Second)), f).samples {
				if math.IsInf(v, 0) || math.IsNaN(v) {
					t.Errorf("%s is %v after %s", l, v, details)
				}
			}
		}
	}
	if got := texts(t, s, start.Add(8*time.Second), "smokeping_requests_total"); len(got) != 1 || !strings.HasSuffix(got[0], "} 1") {
		t.Errorf("what nobody sends is counted: %q", got)
	}
	if got := texts(t, s, start.Add(8*time.Second), "probe_ip_protocol"); len(got) != 1 || !strings.HasSuffix(got[0], " 4") {
		t.Errorf("an IPv4 address in the form of IPv6: %q", got)
	}
}

func TestNewSeries_OwnKind(t *testing.T) {
	k, _ := kinds.All().Find("tcp")
	k.Name, k.Metrics = "own", nil
	s := NewSeries(probes.List{k}, start)
	r := result(t, "tcp", "web", "oslo", 1)
	r.Kind = "own"
	s.Result(r, start)
	if got := texts(t, s, start, "probe_success"); len(got) != 1 {
		t.Errorf("a kind without metrics of its own: %q", got)
	}
}

// TestSeries_BoundsBeforeTheFirstScrape: who is saved is not known yet, and the bounds hold.
func TestSeries_BoundsBeforeTheFirstScrape(t *testing.T) {
	s := newSeries()
	r := result(t, "tcp", "web", "oslo", 1)
	for i := range 2 * mostOfAgent {
		hand := *r
		hand.Monitor = fmt.Sprint("m", i)
		s.Result(&hand, start)
	}
	if len(s.states) != mostOfAgent {
		t.Errorf("%d series, want %d", len(s.states), mostOfAgent)
	}
}

// TestSeries_LearnsTheInterval of a monitor that nobody saved, and keeps it as long as a result counts.
func TestSeries_LearnsTheInterval(t *testing.T) {
	s := newSeries()
	s.Monitors([]wire.Saved{})
	for n := range 2 {
		r := result(t, "tcp", "hand", "oslo", n+1)
		r.Revision, r.Due = 0, start.Add(time.Duration(n)*time.Hour)
		s.Result(r, r.Due)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{time.Hour, 1}, {2*time.Hour + 29*time.Minute, 1}, {2*time.Hour + 31*time.Minute, 0}} {
		s.Evict(start.Add(time.Hour + c.after))
		if got := texts(t, s, start.Add(time.Hour+c.after), "probe_success"); len(got) != c.want {
			t.Errorf("%v after the last run of every hour: %q, want %d", c.after, got, c.want)
		}
	}
}

// TestSeries_Revisions: what was measured before the monitor's last change does not count, and
// what does not change what is measured, does.
func TestSeries_Revisions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *wire.Saved)
		want   int
	}{
		"its options": {func(m *wire.Saved) { m.Options = []byte(`{"method":"HEAD"}`) }, 0},
		"its timeout": {func(m *wire.Saved) { m.Timeout = wire.Duration(time.Second) }, 0},
		"its tags":    {func(m *wire.Saved) { m.Tags = map[string]string{"a": "b"} }, 1},
	} {
		s, r := one(t, "https", 1)
		saved := savedOf(r, nil)
		saved.Revision = 2
		c.change(&saved)
		s.Monitors([]wire.Saved{saved})
		if got := texts(t, s, start, "probe_success"); len(got) != c.want {
			t.Errorf("%s: %q, want %d", name, got, c.want)
		}
		next := *r
		next.Run, next.Seq, next.Revision = 2, 2, 2
		s.Result(&next, start.Add(time.Second))
		if got := texts(t, s, start.Add(time.Second), "probe_success"); len(got) != 1 {
			t.Errorf("%s, after the next run: %q", name, got)
		}
	}
}

// TestSeries_NothingCountedIsZero, so that a loss of all is one.
func TestSeries_NothingCountedIsZero(t *testing.T) {
	s := newSeries()
	r := result(t, "icmp", "web", "oslo", 1)
	r.Outcome, r.LatencyNS, r.Details = wire.Failed, nil, []byte(`{"sent":3,"received":0}`)
	s.Result(r, start)
	for _, f := range []Format{Text, OpenMetrics, Protobuf} {
		x := ingest(t, written(s, f, start), f)
		for name, want := range map[string]float64{"smokeping_requests_total": 3, "smokeping_response_duration_seconds_count": 0, "netmon_latency_histogram_seconds_count": 0} {
			found := false
			for l, v := range x.samples {
				if strings.Contains(l, `"`+name+`"`) {
					found = true
					if v != want {
						t.Errorf("%s: %s is %v, want %v", f.ContentType(), name, v, want)
					}
				}
			}
			if !found {
				t.Errorf("%s: there is no %s", f.ContentType(), name)
			}
		}
	}
}

// TestSeries_HostileEpoch: what an agent may write as its epoch harms no format.
func TestSeries_HostileEpoch(t *testing.T) {
	for _, epoch := range []string{"\x00", "a\x00b", "\n# EOF", "\"", strings.Repeat("e", 5_000), "\xff"} {
		s := newSeries()
		r := result(t, "icmp", "web", "oslo", 1)
		r.Epoch = epoch
		s.Result(r, start)
		for _, f := range []Format{Text, OpenMetrics, Protobuf} {
			if x := ingest(t, written(s, f, start), f); len(x.exemplars) > 0 || len(x.samples) == 0 {
				t.Errorf("%q in %s: %v", epoch, f.ContentType(), x.exemplars)
			}
		}
	}
}
