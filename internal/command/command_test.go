package command

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// TestCut_EachFits: what was asked for is asked for, each part in a message.
func TestCut_EachFits(t *testing.T) {
	big := json.RawMessage(`{"body":"` + strings.Repeat("x", 9<<10) + `"}`)
	biggest := json.RawMessage(`{"body":"` + strings.Repeat("x", wire.MaxOptions-20) + `"}`)
	var monitors []wire.Monitor
	for i := range 200 {
		monitors = append(monitors, wire.Monitor{Name: fmt.Sprintf("m%d", i), Kind: "http", Target: "http://x", Options: big})
	}
	monitors = append(monitors, wire.Monitor{Name: "biggest", Options: biggest})
	var names []string
	have := map[string]uint64{}
	for i := range 10_000 {
		name := fmt.Sprintf("%064d", i)
		names = append(names, name)
		have[name] = 1 << 63
	}
	for _, c := range []struct {
		command wire.Command
		pieces  int // at most
	}{
		{wire.Command{Op: wire.OpStart, Store: "s", Revision: 7, Monitors: monitors}, 10},
		{wire.Command{Op: wire.OpStop, Store: "s", Revision: 7, Names: names}, 5},
		{wire.Command{Op: wire.OpRun, Store: "s", Revision: 7, Names: names, Asked: "A"}, 5},
		{wire.Command{Op: wire.OpSync, Store: "s", Revision: 7, Have: have}, 5},
		{wire.Command{Op: wire.OpSync, Store: "s", Revision: 7}, 1},
		{wire.Command{Op: wire.OpProbe, Monitors: monitors[:1]}, 1},
	} {
		pieces := cut(c.command)
		if len(pieces) == 0 || len(pieces) > c.pieces {
			t.Errorf("%s: %d pieces, want 1 to %d", c.command.Op, len(pieces), c.pieces)
		}
		var gotMonitors []wire.Monitor
		var gotNames []string
		gotHave := map[string]uint64{}
		after := ""
		for _, p := range pieces {
			data, err := json.Marshal(p)
			if err != nil || len(data) > wire.MaxMessage-4096 {
				t.Errorf("%s: a piece of %d bytes (%v)", p.Op, len(data), err)
			}
			if _, err := wire.DecodeCommand(data); err != nil {
				t.Errorf("%s: %v", p.Op, err)
			}
			if p.Store != c.command.Store || p.Asked != c.command.Asked || p.Revision != c.command.Revision || p.After != after {
				t.Errorf("%s: %q %d after %q, want after %q", p.Op, p.Store, p.Revision, p.After, after)
			}
			after = p.Through
			gotMonitors, gotNames = append(gotMonitors, p.Monitors...), append(gotNames, p.Names...)
			maps.Copy(gotHave, p.Have)
		}
		if after != "" {
			t.Errorf("%s ends at %q, and should have no end", c.command.Op, after)
		}
		if len(gotMonitors) != len(c.command.Monitors) || !slices.Equal(gotNames, c.command.Names) || !maps.Equal(gotHave, c.command.Have) {
			t.Errorf("%s: %d monitors, %d names, %d to have", c.command.Op, len(gotMonitors), len(gotNames), len(gotHave))
		}
	}
	for _, c := range []wire.Command{{Op: wire.OpStart}, {Op: wire.OpStop}, {Op: wire.OpRun}} {
		if p := cut(c); len(p) != 0 {
			t.Errorf("%s of nothing: %d pieces", c.Op, len(p))
		}
	}
}

// TestSend_AgentsThatDoNotKnowACommand, as their netmon is older, are to be updated.
func TestSend_AgentsThatDoNotKnowACommand(t *testing.T) {
	for name, c := range map[string]struct{ reply, want string }{
		"older": {`{"ok":false,"agent":"paris","error":{"code":"invalid","field":"op","message":"unknown op \"run\": one of [start stop sync list probe info rotate trust]"}}`,
			`op: its netmon does not know "run": update it there`},
		"newer": {`{"ok":false,"agent":"paris","error":{"code":"invalid","field":"names","message":"is empty: say what to run"}}`, "names: is empty: say what to run"},
	} {
		s := New(nil, func(context.Context, *nats.Msg) (*nats.Msg, error) { return &nats.Msg{Data: []byte(c.reply)}, nil })
		r, err := s.Send(t.Context(), "paris", wire.Command{Op: wire.OpRun, Names: []string{"web"}})
		if err != nil || r.OK || r.Agent != "paris" || r.Error.Error() != c.want {
			t.Errorf("%s: %+v, %v; want %q", name, r.Error, err, c.want)
		}
	}
}
