package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/agent/policy"
	"netmon/probes/kinds"
	"netmon/wire"
)

// newTestSet is a set whose probes are never run; targets that begin with "bad" are refused.
func newTestSet(t *testing.T) *set {
	r := newRunner("paris", func(wire.Result) {})
	s := newSet(t.Context(), r, func(m wire.Monitor) (candidate, error) {
		if strings.HasPrefix(m.Target, "bad") {
			return candidate{}, &wire.FieldError{Path: "target", Err: errors.New("is bad")}
		}
		c, err := kinds.All().Prepare(nil, m)
		if err != nil {
			return candidate{}, err
		}
		return candidate{measureFunc(func(context.Context, time.Duration) wire.Result { return wire.Result{} }), c.Footprint()}, nil
	})
	var err error
	if s.policy, err = policy.New(policy.Default(), kinds.All(), "default"); err != nil {
		t.Fatal(err)
	}
	return s
}

func saved(name string, revision uint64) wire.Monitor {
	return wire.Monitor{Name: name, Kind: "tcp", Target: fmt.Sprintf("good:%d", revision+1), Every: wire.Duration(time.Hour), Revision: revision}
}

func names(s *set) []string {
	page, _ := s.list("", 100, false)
	var out []string
	for _, r := range page {
		out = append(out, r.Name+":"+string(r.State))
	}
	return out
}

// TestSet_OrdersCommandsByRevision plays sequences of commands as they may
// arrive: late, twice, out of order.
func TestSet_OrdersCommandsByRevision(t *testing.T) {
	type step struct {
		op       wire.Op
		store    string
		revision uint64 // that the sender had seen
		name     string
		monitor  uint64 // revision of the monitor
		have     map[string]uint64
		want     wire.State // of start and stop
		wants    []string   // of sync
		stale    bool       // sync
		same     bool       // start: measures what revision 3 did
	}
	for name, tc := range map[string]struct {
		steps []step
		runs  []string
	}{
		"a start that is repeated changes nothing": {[]step{
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Started},
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Unchanged},
		}, []string{"web:running"}},
		"a start with a newer definition changes it": {[]step{
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Started},
			{op: wire.OpStart, store: "s", revision: 5, name: "web", monitor: 5, want: wire.Updated},
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Refused},
		}, []string{"web:running"}},
		"an old start after the stop is stale": {[]step{
			{op: wire.OpStop, store: "s", revision: 4, name: "web", want: wire.Absent},
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Refused},
			{op: wire.OpStart, store: "s", revision: 5, name: "web", monitor: 3, want: wire.Started},
		}, []string{"web:running"}},
		"an old stop after the start is stale": {[]step{
			{op: wire.OpStart, store: "s", revision: 5, name: "web", monitor: 5, want: wire.Started},
			{op: wire.OpStop, store: "s", revision: 4, name: "web", want: wire.Refused},
		}, []string{"web:running"}},
		"a sync stops what should not run and wants what should": {[]step{
			{op: wire.OpStart, store: "s", revision: 2, name: "old", monitor: 2, want: wire.Started},
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Started},
			{op: wire.OpSync, store: "s", revision: 6, have: map[string]uint64{"web": 5, "db": 4}, wants: []string{"db", "web"}},
			{op: wire.OpStart, store: "s", revision: 6, name: "db", monitor: 4, want: wire.Started},
			{op: wire.OpStart, store: "s", revision: 6, name: "web", monitor: 5, want: wire.Updated},
			{op: wire.OpSync, store: "s", revision: 6, have: map[string]uint64{"web": 5, "db": 4}},
			{op: wire.OpStart, store: "s", revision: 2, name: "old", monitor: 2, want: wire.Refused},
		}, []string{"db:running", "web:running"}},
		"a sync that is older than another one is stale": {[]step{
			{op: wire.OpSync, store: "s", revision: 6},
			{op: wire.OpSync, store: "s", revision: 5, have: map[string]uint64{"web": 5}, stale: true},
		}, nil},
		"a sync leaves alone what a later command started": {[]step{
			{op: wire.OpStart, store: "s", revision: 9, name: "web", monitor: 9, want: wire.Started},
			{op: wire.OpSync, store: "s", revision: 8},
		}, []string{"web:running"}},
		"a sync leaves alone what was started by hand": {[]step{
			{op: wire.OpStart, name: "mine", want: wire.Started},
			{op: wire.OpSync, store: "s", revision: 8},
		}, []string{"mine:running"}},
		"a bucket made anew begins again": {[]step{
			{op: wire.OpStart, store: "s", revision: 900, name: "web", monitor: 900, want: wire.Started},
			{op: wire.OpSync, store: "s", revision: 900, have: map[string]uint64{"web": 900}},
			{op: wire.OpSync, store: "t", revision: 2, have: map[string]uint64{"web": 2}, wants: []string{"web"}},
			{op: wire.OpStart, store: "t", revision: 2, name: "web", monitor: 2, want: wire.Updated},
		}, []string{"web:running"}},
		"a bucket that is new and empty ends nothing": {[]step{
			{op: wire.OpStart, store: "s", revision: 900, name: "web", monitor: 900, want: wire.Started},
			{op: wire.OpStart, store: "s", revision: 901, name: "db", monitor: 901, want: wire.Started},
			{op: wire.OpSync, store: "t", revision: 0},
			{op: wire.OpSync, store: "t", revision: 3, have: map[string]uint64{"db": 3}, wants: []string{"db"}},
			{op: wire.OpStart, store: "t", revision: 3, name: "db", monitor: 3, want: wire.Updated},
			{op: wire.OpSync, store: "t", revision: 4},
		}, []string{"web:running"}},
		"what a new bucket does not have is stopped by name": {[]step{
			{op: wire.OpStart, store: "s", revision: 900, name: "web", monitor: 900, want: wire.Started},
			{op: wire.OpSync, store: "t", revision: 2},
			{op: wire.OpStop, store: "t", revision: 2, name: "web", want: wire.Stopped},
			{op: wire.OpSync, store: "t", revision: 2},
		}, nil},
		"a new revision of the same measurement does not disturb it": {[]step{
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Started},
			{op: wire.OpStart, store: "s", revision: 5, name: "web", monitor: 5, same: true, want: wire.Unchanged},
			{op: wire.OpSync, store: "s", revision: 5, have: map[string]uint64{"web": 5}},
		}, []string{"web:running"}},
		"a start by hand does not take a saved monitor": {[]step{
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Started},
			{op: wire.OpStart, name: "web", want: wire.Refused},
			{op: wire.OpStop, name: "web", want: wire.Stopped},
		}, nil},
		"a saved monitor takes the name of one by hand": {[]step{
			{op: wire.OpStart, name: "web", want: wire.Started},
			{op: wire.OpStop, store: "s", revision: 2, name: "web", want: wire.Absent},
			{op: wire.OpStart, store: "s", revision: 3, name: "web", monitor: 3, want: wire.Updated},
		}, []string{"web:running"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSet(t)
			for i, st := range tc.steps {
				c := wire.Command{Op: st.op, Store: st.store, Revision: st.revision, Have: st.have}
				switch st.op {
				case wire.OpStart:
					m := saved(st.name, st.monitor)
					if st.same {
						m.Target = saved(st.name, 3).Target
					}
					if r := s.start(c, m, "monitors[0]"); r.State != st.want {
						t.Fatalf("step %d: start %s is %s %v, want %s", i, st.name, r.State, r.Errors, st.want)
					}
				case wire.OpStop:
					if r := s.stop(c, st.name); r.State != st.want {
						t.Fatalf("step %d: stop %s is %s %v, want %s", i, st.name, r.State, r.Errors, st.want)
					}
				case wire.OpSync:
					want, err := s.sync(c)
					if (err != nil) != st.stale || !slices.Equal(want, st.wants) {
						t.Fatalf("step %d: sync wants %v, %v; want %v, stale %v", i, want, err, st.wants, st.stale)
					}
				}
			}
			if got := names(s); !slices.Equal(got, tc.runs) {
				t.Errorf("runs %v, want %v", got, tc.runs)
			}
		})
	}
}

func TestSet_SyncInPiecesCoversEachNameOnce(t *testing.T) {
	s := newTestSet(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		s.start(wire.Command{Store: "s", Revision: 1}, saved(name, 1), "m")
	}
	if want, err := s.sync(wire.Command{Store: "s", Revision: 5, Through: "b", Have: map[string]uint64{"a": 1}}); err != nil || want != nil {
		t.Errorf("first piece: %v %v", want, err)
	}
	if got := names(s); !slices.Equal(got, []string{"a:running", "c:running", "d:running"}) {
		t.Errorf("after the first piece %v run", got)
	}
	if want, err := s.sync(wire.Command{Store: "s", Revision: 5, After: "b", Have: map[string]uint64{"d": 2}}); err != nil || !slices.Equal(want, []string{"d"}) {
		t.Errorf("second piece: %v %v", want, err)
	}
	if got := names(s); !slices.Equal(got, []string{"a:running", "d:running"}) {
		t.Errorf("after the second piece %v run", got)
	}
}

func TestSet_KeepsARefusedSavedMonitorAsRefused(t *testing.T) {
	s := newTestSet(t)
	bad := saved("web", 3)
	bad.Target = "bad"
	c := wire.Command{Store: "s", Revision: 3}
	r := s.start(c, bad, "monitors[0]")
	if r.State != wire.Refused || len(r.Errors) != 1 || r.Errors[0].Field != "monitors[0].target" {
		t.Errorf("%+v", r)
	}
	var a wire.Alive
	s.describe(&a)
	if a.Monitors != 0 || a.Refused["web"] == "" || a.Digest != wire.DigestOf(map[string]uint64{"web": 3}) {
		t.Errorf("heartbeat %+v", a)
	}
	if r := s.start(c, bad, "monitors[0]"); r.State != wire.Refused || len(r.Errors) == 0 {
		t.Errorf("told again: %+v", r)
	}
	if r := s.start(wire.Command{}, wire.Monitor{Name: "hand", Kind: "tcp", Target: "bad"}, "m"); r.State != wire.Refused || s.entries["hand"] != nil {
		t.Errorf("by hand: %+v", r)
	}
}

func TestSet_ListsInPages(t *testing.T) {
	s := newTestSet(t)
	for _, name := range []string{"c", "a", "b"} {
		s.start(wire.Command{}, saved(name, 0), "m")
	}
	page, next := s.list("", 2, false)
	if len(page) != 2 || page[0].Name != "a" || next != "b" {
		t.Errorf("first page %+v, next %q", page, next)
	}
	page, next = s.list(next, 2, false)
	if len(page) != 1 || page[0].Name != "c" || next != "" {
		t.Errorf("second page %+v, next %q", page, next)
	}
}

func TestState_IsTheSameAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := newTestSet(t)
	c := wire.Command{Store: "s", Revision: 7}
	s.start(c, saved("web", 7), "m")
	s.start(wire.Command{}, saved("mine", 0), "m")
	s.stop(wire.Command{Store: "s", Revision: 8}, "db")
	f := s.state()
	f.Agent = "paris"
	if err := saveState(dir, f); err != nil {
		t.Fatal(err)
	}
	f, problem, err := loadState(dir, "paris")
	if err != nil || problem != "" {
		t.Fatal(problem, err)
	}
	again := newTestSet(t)
	again.resume(f)
	if got := names(again); !slices.Equal(got, []string{"mine:running", "web:running"}) {
		t.Errorf("resumed %v", got)
	}
	if r := again.start(wire.Command{Store: "s", Revision: 6}, saved("db", 6), "m"); r.State != wire.Started && r.State != wire.Refused {
		t.Errorf("%+v", r)
	}
}
