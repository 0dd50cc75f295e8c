package controller

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"netmon/wire"
)

// TestIntroduce_AgentIsAhead: an agent whose list is newer than ours takes none of
// ours. The authority is notified, and the log where it cannot help, but not at each heartbeat.
func TestIntroduce_AgentIsAhead(t *testing.T) {
	for _, why := range []error{nil, errors.New("no list had that number")} {
		var out bytes.Buffer
		var told []uint64
		c := &Controller{log: slog.New(slog.NewTextHandler(&out, nil)), access: Access{
			Trust:  func() (wire.SignedTrust, uint64, <-chan struct{}) { return wire.SignedTrust{}, 7, nil },
			Behind: func(has uint64) error { told = append(told, has); return why }}}
		f := newFollower(c, "oslo")
		for range 3 {
			f.heard(wire.Alive{Agent: "oslo", Challenge: "x", Trust: 9})
			if ready, err := f.introduce(t.Context()); !ready || err != nil {
				t.Fatal(ready, err)
			}
		}
		if len(told) != 1 || told[0] != 9 {
			t.Errorf("the authority was told %v", told)
		}
		if n := strings.Count(out.String(), "\n"); n != 1 || (why != nil) != strings.Contains(out.String(), "ERROR") {
			t.Errorf("%v: %s", why, &out)
		}
	}
}
