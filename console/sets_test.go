package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

func sets(t *testing.T, c *Client) *Sets {
	t.Helper()
	s, err := c.Sets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSets_SaveListGetDelete(t *testing.T) {
	b := natstest.Start(t)
	one, two := sets(t, dial(t, b)), sets(t, dial(t, b))
	ctx := t.Context()
	if list, err := one.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("List of nothing: %v %v", list, err)
	}
	if _, _, err := one.Get(ctx, "office"); !errors.Is(err, ErrNoSet) {
		t.Errorf("Get of nothing: %v", err)
	}
	if err := one.Delete(ctx, "office"); !errors.Is(err, ErrNoSet) {
		t.Errorf("Delete of nothing: %v", err)
	}
	paused := web()
	paused.Name, paused.Paused, paused.Except = "api", true, wire.Selectors{"paris"}
	var was Set
	for _, monitors := range [][]wire.Saved{{web()}, {web(), paused}, {}} {
		if _, err := one.Save(ctx, "office", Wanted{Monitors: monitors}, was); err != nil {
			t.Fatal(err)
		}
		set, got, err := two.Get(ctx, "office")
		if err != nil || set.Monitors != len(monitors) || set.Author != Author() || len(got.Monitors) != len(monitors) {
			t.Fatalf("%+v %v %v", set, got, err)
		}
		for i, m := range got.Monitors { // they come by name
			if want := monitors[len(monitors)-1-i]; !Same(m, want) {
				t.Errorf("%+v, want %+v", m, want)
			}
		}
		was = set
		digest, err := DigestWanted(Wanted{Monitors: monitors})
		if list, e := two.List(ctx); err != nil || e != nil || len(list) != 1 || list[0] != set || set.Digest != digest || time.Since(set.Saved) > time.Minute {
			t.Errorf("%+v %v %v, want %+v with digest %s", list, err, e, set, digest)
		}
	}
	if err := two.Delete(ctx, "office"); err != nil {
		t.Fatal(err)
	}
	if list, err := one.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("after the delete: %v %v", list, err)
	}
	if _, err := one.Save(ctx, "a.b", Wanted{}, Set{}); err == nil || !strings.Contains(err.Error(), `"a.b" has a character`) {
		t.Errorf("a bad name: %v", err)
	}
}

// TestSets_TwoAtOnce: the second one is refused, and nothing of it is saved.
func TestSets_TwoAtOnce(t *testing.T) {
	b := natstest.Start(t)
	one, two := sets(t, dial(t, b)), sets(t, dial(t, b))
	ctx := t.Context()
	if _, err := one.Save(ctx, "office", Wanted{Monitors: []wire.Saved{web()}}, Set{}); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Save(ctx, "office", Wanted{}, Set{}); !errors.Is(err, ErrSetChanged) || !strings.Contains(err.Error(), `"office" has 1 monitor now, by `) {
		t.Errorf("over one that came meanwhile: %v", err)
	}
	was, got, err := two.Get(ctx, "office")
	if err != nil || len(got.Monitors) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	if err := one.Delete(ctx, "office"); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Save(ctx, "office", Wanted{}, was); !errors.Is(err, ErrSetChanged) || !strings.Contains(err.Error(), "removed") {
		t.Errorf("over one that went meanwhile: %v", err)
	}
}

// TestSets_TenThousandMonitors saves far more than a message may hold.
func TestSets_TenThousandMonitors(t *testing.T) {
	b := natstest.Start(t)
	s := sets(t, dial(t, b))
	r := rand.New(rand.NewPCG(1, 2))
	monitors := make([]wire.Saved, 10_000)
	for i := range monitors {
		random := make([]byte, 400) // what no compression makes small
		for j := range random {
			random[j] = "abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)]
		}
		monitors[i] = wire.Saved{Monitor: wire.Monitor{Name: fmt.Sprintf("m%05d", i), Kind: "http", Target: "http://example.org/" + string(random),
			Options: json.RawMessage(`{"expect":{"status":"200"}}`)}, Agents: wire.Selectors{"region=eu"}}
	}
	begin := time.Now()
	set, err := s.Save(t.Context(), "large", Wanted{Monitors: monitors}, Set{})
	if err != nil {
		t.Fatal(err)
	}
	saved := time.Since(begin)
	_, got, err := s.Get(t.Context(), "large")
	if err != nil || len(got.Monitors) != len(monitors) {
		t.Fatalf("%d monitors, %v", len(got.Monitors), err)
	}
	t.Logf("%d monitors, %d bytes: saved in %v, read in %v", set.Monitors, set.Bytes, saved, time.Since(begin)-saved)
	if set.Bytes < 5<<20 {
		t.Errorf("%d bytes prove nothing", set.Bytes)
	}
	for i := range got.Monitors {
		if !Same(got.Monitors[i], monitors[i]) {
			t.Fatalf("monitor %d: %+v", i, got.Monitors[i])
		}
	}
}
